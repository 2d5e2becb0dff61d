import type { Alert, ScalingCost, ScalingEvent, ScalingPolicy, ScalingSkip } from '@sluice/core'

/** Something that happened, with why. */
export type TimelineEntry =
  | { readonly kind: 'alert'; readonly at: number; readonly change: 'raised' | 'acknowledged' | 'resolved'; readonly alert: Alert }
  | { readonly kind: 'scaling'; readonly at: number; readonly event: ScalingEvent }
  | { readonly kind: 'skip'; readonly at: number; readonly skip: ScalingSkip }

/** `GET api/alerts`: what happened, and why? `null` in its place: the monitor is off. */
export interface AlertsPage {
  readonly health: 'healthy' | 'degraded' | 'unhealthy'
  /** Open ones, the worst first. */
  readonly active: readonly Alert[]
  /** The newest first; 300 at most. */
  readonly timeline: readonly TimelineEntry[]
  readonly policies: readonly ScalingPolicy[]
  /** For people: also where nothing scales by itself. */
  readonly recommendations: readonly string[]
  readonly cost: ScalingCost | null
}
