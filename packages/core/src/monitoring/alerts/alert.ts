/** How bad it is. */
export type AlertSeverity = 'info' | 'warning' | 'critical'

/** Something that somebody should know. */
export interface Alert {
  readonly id: string
  /** What it is about: a metric's name, or that of an objective. */
  readonly metric: string
  readonly source: string
  readonly severity: AlertSeverity
  /** For people. */
  readonly message: string
  /** The latest value. */
  readonly value: number
  /** Above it there is an alert of this severity. */
  readonly threshold: number
  readonly status: 'active' | 'acknowledged' | 'resolved'
  /** Milliseconds since 1970, as all times here. */
  readonly raisedAt: number
  readonly updatedAt: number
  readonly acknowledgedAt?: number
  readonly acknowledgedBy?: string
  readonly resolvedAt?: number
  /** `undefined`: by itself. */
  readonly resolvedBy?: string
}

/** What becomes of an alert. */
export type AlertChange = 'raised' | 'escalated' | 'eased' | 'acknowledged' | 'resolved'

/** The worse, the greater. */
export const severityRank: Readonly<Record<AlertSeverity, number>> = { info: 0, warning: 1, critical: 2 }
