import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type { Mutable } from '../../shared/mutable.ts'

/** How bad it is. */
export type AlertSeverity = 'info' | 'warning' | 'critical'

/** A problem that was detected. */
export interface Alert {
  readonly id: string
  /** Subject: the name of a metric or an objective. */
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
  /** `undefined`: resolved automatically. */
  readonly resolvedBy?: string
}

/** Changes of an alert's state. */
export type AlertChange = 'raised' | 'escalated' | 'downgraded' | 'acknowledged' | 'resolved'

/** The worse, the greater. */
const severityRank: Readonly<Record<AlertSeverity, number>> = { info: 0, warning: 1, critical: 2 }

/** Number of stored resolved alerts; the oldest are removed first. */
const MAX_RESOLVED = 500

/** A condition that raises an alert: its subject, severity and start. */
interface Condition {
  readonly metric: string
  readonly source: string
  readonly severity: AlertSeverity
  /** Built on demand, because conditions are reported with each value. */
  readonly message: () => string
  readonly value: number
  readonly threshold: number
}

/** An alert whose message is not written yet. */
type Draft = Mutable<Omit<Alert, 'message'>> & Pick<Mutable<Condition>, 'message'>

/**
 * The alerts there are. One of a metric and a source is open at a time, with the severity that it has now.
 */
export class AlertBook {
  /** By `alertKey`. */
  readonly #open = new Map<string, Draft>()
  readonly #resolved: Alert[] = []
  #lastId = 0

  constructor(
    private readonly clock: Clock,
    private readonly changed: (alert: Alert, change: AlertChange) => void,
  ) {}

  /** Open ones, the worst first, and of those the newest. */
  active(limit: number): readonly Alert[] {
    return [...this.#open.values()]
      .sort((a, b) => severityRank[b.severity] - severityRank[a.severity] || b.raisedAt - a.raisedAt)
      .slice(0, limit)
      .map(alertOf)
  }

  /** Resolved alerts, the newest first. */
  resolved(limit: number): readonly Alert[] {
    return this.#resolved.slice(-limit).reverse()
  }

  /**
   * The one that is open.
   *
   * @param key - As `alertKey` makes it of its metric and source.
   */
  of(key: string): Pick<Alert, 'severity' | 'threshold'> | undefined {
    return this.#open.get(key)
  }

  /** Raises an alert, or brings the one that is open up to date. */
  set(condition: Condition): void {
    const { severity, message, value, threshold } = condition
    const key = alertKey(condition.metric, condition.source)
    const now = this.clock.wall()
    const open = this.#open.get(key)
    if (open === undefined) {
      this.#lastId += 1
      const id = `alert-${now.toString(36)}-${this.#lastId}`
      const alert: Draft = { id, ...condition, status: 'active', raisedAt: now, updatedAt: now }
      this.#open.set(key, alert)
      this.changed(alertOf(alert), 'raised')
      return
    }
    const difference = severityRank[severity] - severityRank[open.severity]
    open.severity = severity
    open.message = message
    open.value = value
    open.threshold = threshold
    open.updatedAt = now
    if (difference === 0) return
    // An acknowledged warning that becomes critical must be acknowledged again.
    if (difference > 0 && open.status === 'acknowledged') {
      open.status = 'active'
      delete open.acknowledgedAt
      delete open.acknowledgedBy
    }
    this.changed(alertOf(open), difference > 0 ? 'escalated' : 'downgraded')
  }

  /**
   * @returns Whether an open, unacknowledged alert had this id.
   * @throws InvalidArgumentError without a name.
   */
  acknowledge(id: string, by: string): boolean {
    if (typeof by !== 'string' || by === '')
      throw new InvalidArgumentError('by', 'the name of the user who acknowledges the alert', by)
    const alert = this.#byId(id)
    if (alert === undefined || alert.status === 'acknowledged') return false
    Object.assign(alert, { status: 'acknowledged', acknowledgedAt: this.clock.wall(), acknowledgedBy: by })
    this.changed(alertOf(alert), 'acknowledged')
    return true
  }

  /** @returns Whether there was an open one of that id. */
  resolve(id: string, by: string | undefined): boolean {
    const alert = this.#byId(id)
    if (alert === undefined) return false
    this.#close(alert, by)
    return true
  }

  /** The condition has ended. */
  clear(metric: string, source: string): void {
    const alert = this.#open.get(alertKey(metric, source))
    if (alert !== undefined) this.#close(alert, undefined)
  }

  #close(alert: Draft, by: string | undefined): void {
    this.#open.delete(alertKey(alert.metric, alert.source))
    Object.assign(
      alert,
      { status: 'resolved', resolvedAt: this.clock.wall() },
      by === undefined ? {} : { resolvedBy: by },
    )
    const resolved = alertOf(alert)
    this.#resolved.push(resolved)
    if (this.#resolved.length > MAX_RESOLVED) this.#resolved.shift()
    this.changed({ ...resolved }, 'resolved')
  }

  #byId(id: string): Draft | undefined {
    for (const alert of this.#open.values()) if (alert.id === id) return alert
    return undefined
  }
}

function alertOf(draft: Draft): Alert {
  return { ...draft, message: draft.message() }
}

export function alertKey(metric: string, source: string): string {
  return `${metric}\0${source}`
}
