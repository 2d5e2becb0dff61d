import type { AlertBook } from '../alerts/alert-book.ts'
import type { Prediction } from '../forecast/load-forecaster-options.ts'
import type { ForecastBook } from '../forecast-book.ts'
import { type HealthCheckResult, healthOf } from '../health.ts'
import type { MetricStore } from '../metrics/metric-store.ts'
import type { MetricTypes } from '../metrics/metric-type.ts'
import type { ScalingDesk } from '../scaling-desk.ts'
import { analyzeTrend, type TrendAnalysis } from '../trends/trend-analysis.ts'
import type { PerformanceReport } from './performance-report.ts'
import { scalingAdvice } from './scaling-advice.ts'
import type { TuningFacts } from './tuning-advice.ts'

export const TREND_MS = 1_800_000
const MAX_ALERTS = 10_000
const DAY_MS = 86_400_000
const MINUTES_AHEAD = 15
const MAX_ANOMALIES = 20
const MAX_SCALING_EVENTS = 50

export interface ReportsParts {
  readonly store: MetricStore
  readonly types: MetricTypes
  readonly alerts: AlertBook
  readonly forecasts: ForecastBook
  /** Metrics that are forecast. */
  readonly forecastMetrics: readonly string[]
  readonly desk: ScalingDesk
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
      policies: desk.scaler.policies.list(),
      current: (metric) => store.current(metric),
      typeOf: (metric) => types.get(metric),
      forecasts: this.#forecasts(),
    })
  }

  async performance(): Promise<PerformanceReport> {
    const { alerts, desk, forecasts, types, wall, facts } = this.parts
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
      const prediction = forecasts.predict(metric, MINUTES_AHEAD)
      return prediction === undefined ? [] : [[metric, prediction] as const]
    })
    return Object.fromEntries(known)
  }
}
