import { metricTitle } from '../../shared/metric-title.ts'
import type { Alert, AlertBook } from '../alerts/alert-book.ts'
import type { ForecastBook } from '../forecast/forecast-book.ts'
import type { Prediction } from '../forecast/forecaster-state.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import type { MetricType, MetricTypes } from '../metrics/metric-type.ts'
import type { ScalingPolicy } from '../scaling/policies/scaling-policies.ts'
import type { ScalingDesk } from '../scaling-desk.ts'
import { analyzeTrend, type TrendAnalysis } from '../trends.ts'
import {
  type HealthCheckResult,
  healthOf,
  type MetricHealth,
  type PerformanceReport,
} from './performance-report.ts'
import type { TuningFacts } from './tuning-advice.ts'

export const TREND_MS = 1_800_000
export const MAX_ALERTS = 10_000
const DAY_MS = 86_400_000
const FORECAST_MINUTES = 15
const MAX_ANOMALIES = 20
const MAX_SCALING_EVENTS = 50

interface ReportsParts {
  readonly store: MetricStore
  readonly types: MetricTypes
  readonly alerts: AlertBook
  readonly forecasts: ForecastBook
  readonly forecastMetrics: readonly string[]
  readonly desk: () => ScalingDesk
  readonly wall: () => number
  readonly facts: () => Promise<TuningFacts>
}

/** How an app fares, for people: its health, reports, and advice. */
export class Reports {
  constructor(private readonly parts: ReportsParts) {}

  health(): HealthCheckResult {
    const { store, alerts, wall } = this.parts
    return healthOf(store, alerts.active(MAX_ALERTS), wall())
  }

  recommendations(): readonly string[] {
    const { alerts, desk, store, types } = this.parts
    return scalingAdvice({
      metrics: this.health().metrics,
      alerts: alerts.active(MAX_ALERTS),
      policies: desk().scaler.policies.list(),
      current: (metric) => store.current(metric),
      typeOf: (metric) => types.get(metric),
      forecasts: this.#forecasts(),
    })
  }

  async performance(): Promise<PerformanceReport> {
    const { alerts, forecasts, types, wall, facts } = this.parts
    const desk = this.parts.desk()
    const health = this.health()
    const names = [...new Set(health.metrics.map(({ metric }) => metric))]
    const trends = Object.fromEntries(names.map((name) => [name, this.trend(name, TREND_MS)]))
    const now = wall()
    const resolved = alerts.resolved(MAX_ALERTS).filter(({ resolvedAt = 0 }) => resolvedAt > now - DAY_MS)
    const critical = Object.fromEntries(types.all.map((type) => [type.name, type.critical]))
    const events = desk.scaler.history(MAX_SCALING_EVENTS).filter(({ timestamp }) => timestamp > now - DAY_MS)
    const { tuningAdvice } = await import('./tuning-advice.ts')
    const { tuning = [], ...known } = await facts()
    return {
      generatedAt: now,
      health,
      alerts: alerts.active(MAX_ALERTS),
      trends,
      forecasts: this.#forecasts(),
      anomalies: forecasts.anomalies(undefined).slice(-MAX_ANOMALIES),
      scaling: { events, cost: desk.cost() },
      advice: tuningAdvice({ ...known, metrics: health.metrics, trends, critical, resolved }),
      tuning,
    }
  }

  trend(metric: string, windowMs: number): TrendAnalysis {
    return analyzeTrend(this.parts.store.trend(metric, windowMs))
  }

  #forecasts(): Readonly<Record<string, Prediction>> {
    const { forecastMetrics, types, forecasts } = this.parts
    const registered = forecastMetrics.filter((metric) => types.has(metric))
    const known = registered.flatMap((metric) => {
      const prediction = forecasts.predict(metric, FORECAST_MINUTES)
      return prediction === undefined ? [] : [[metric, prediction] as const]
    })
    return Object.fromEntries(known)
  }
}

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
