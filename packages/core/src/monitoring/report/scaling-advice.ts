import { metricTitle } from '../../shared/metric-title.ts'
import type { Alert } from '../alerts/alert-book.ts'
import type { Prediction } from '../forecast/load-forecaster-options.ts'
import type { MetricHealth } from '../health.ts'
import type { MetricType } from '../metrics/metric-type.ts'
import type { ScalingPolicy } from '../scaling/policies/scaling-policies.ts'

export interface ScalingAdviceInput {
  readonly alerts: readonly Alert[]
  readonly metrics: readonly MetricHealth[]
  readonly policies: readonly ScalingPolicy[]
  readonly current: (metric: string) => number | undefined
  readonly typeOf: (metric: string) => MetricType
  /** Fifteen minutes ahead, by metric. */
  readonly forecasts: Readonly<Record<string, Prediction>>
}

/** Metrics that more workers bring down. */
const ELASTIC: readonly string[] = ['cpu', 'responseTime', 'eventLoopUtilization', 'eventLoopDelay']
const IDLE_CPU = 20
const ENOUGH = 30
/** A forecast that was right so often is worth acting upon. */
const SURE = 0.7

/** Recommendations for the number of workers, for people; also without automatic scaling. */
export function scalingAdvice(input: ScalingAdviceInput): readonly string[] {
  return [...byPolicies(input), ...byAlerts(input), ...byForecasts(input), ...byIdleness(input)]
}

function byPolicies({ policies, current, typeOf }: ScalingAdviceInput): string[] {
  return policies.flatMap(({ name, metric, threshold, scaleDirection, scaleAmount, enabled }) => {
    const value = current(metric)
    const isUp = scaleDirection === 'up'
    if (!enabled || value === undefined || (isUp ? value <= threshold : value >= threshold)) return []
    const unit = typeOf(metric).unit
    const side = isUp ? 'above' : 'below'
    return [
      `${metricTitle(metric)} is ${shown(value, unit)}, ${side} ${shown(threshold, unit)}: scale ${scaleDirection} by ${scaleAmount}% (policy "${name}").`,
    ]
  })
}

function byAlerts({ alerts }: ScalingAdviceInput): string[] {
  const serious = alerts.filter(({ metric, severity }) => severity === 'critical' && ELASTIC.includes(metric))
  return serious.map(({ message }) => `${message}: add workers.`)
}

function byForecasts({ forecasts, typeOf, current }: ScalingAdviceInput): string[] {
  return ELASTIC.flatMap((metric) => {
    const forecast = forecasts[metric]
    const { critical, unit } = typeOf(metric)
    const now = current(metric)
    if (forecast === undefined || critical === undefined || now === undefined || now > critical) return []
    if (forecast.value <= critical || (forecast.recentAccuracy ?? 0) < SURE) return []
    const range = `${shown(forecast.lower, unit)} to ${shown(forecast.upper, unit)}`
    return [
      `${metricTitle(metric)} will be ${shown(forecast.value, unit)} (${range}) in ${forecast.horizonMinutes} minutes, above ${shown(critical, unit)}: add workers before that.`,
    ]
  })
}

function byIdleness({ metrics }: ScalingAdviceInput): string[] {
  const cpus = metrics.filter(({ metric, count }) => metric === 'cpu' && count >= ENOUGH)
  if (cpus.length < 2 || cpus.some(({ p95 }) => p95 >= IDLE_CPU)) return []
  return [
    `The CPU usage of each of ${cpus.length} workers was below ${IDLE_CPU}% in 95% of the measurements: use fewer workers.`,
  ]
}

function shown(value: number, unit: string): string {
  return `${Number(value.toPrecision(3))}${unit === '' || unit === '%' ? unit : ` ${unit}`}`
}
