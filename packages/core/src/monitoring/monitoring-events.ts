import type { Alert, AlertChange } from './alerts/alert.ts'
import type { ScalingEvent } from './scaling/scaling-event.ts'
import type { MetricAnomaly } from './trends/anomaly-watch.ts'

/** What the engine tells, by event. */
export interface MonitoringEvents {
  /** An alert was raised, or something became of it. */
  alert: { readonly alert: Alert; readonly change: AlertChange }
  /** A value, or a change, that was not to be expected. */
  anomaly: MetricAnomaly
  /** It was decided to scale. */
  scaling: ScalingEvent
  /** The target did what was decided. */
  scaled: { readonly workers: number }
  /** A notifier, a collector or a scaler's target failed. It is tried again; nothing else is held up by it. */
  error: { readonly error: unknown }
}
