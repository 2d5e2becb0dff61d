import type { Alert } from './alerts/alert-book.ts'
import type { MetricStore } from './metrics/metric-store.ts'
import type { MetricSummary } from './metrics/series.ts'

/** Statistics of a metric and source, for the last 5 minutes. */
export interface MetricHealth extends MetricSummary {
  readonly metric: string
  readonly source: string
  readonly unit: string
  readonly last: number
}

export interface HealthCheckResult {
  /** `unhealthy`: there is a critical alert; `degraded`: a warning. */
  readonly status: 'healthy' | 'degraded' | 'unhealthy'
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly metrics: readonly MetricHealth[]
  /** Problems, the most severe first. */
  readonly problems: readonly string[]
}

export function healthOf(store: MetricStore, alerts: readonly Alert[], timestamp: number): HealthCheckResult {
  store.fold()
  const now = store.now
  const metrics = store.all().flatMap((series) => {
    const summary = series.summary(now)
    const { type, source, last } = series
    return summary === undefined ? [] : [{ metric: type.name, source, unit: type.unit, last, ...summary }]
  })
  const serious = alerts.filter(({ severity }) => severity !== 'info')
  const isCritical = serious.some(({ severity }) => severity === 'critical')
  return {
    status: isCritical ? 'unhealthy' : serious.length > 0 ? 'degraded' : 'healthy',
    timestamp,
    metrics,
    problems: serious.map(({ message }) => message),
  }
}
