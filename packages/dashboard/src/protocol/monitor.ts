import type { Alert, MetricAnomaly, ScalingEvent, ScalingPolicy, TrendAnalysis } from '@sluice/core'
import type { ScalingCost, ScalingSkip } from '@sluice/core/siblings'
import type { Point } from './common.ts'

export interface MetricInfo {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly warning: number | null
  readonly critical: number | null
  /** How the values of several sources or processes are combined. */
  readonly across: 'sum' | 'mean' | 'max'
  /** `null` without a recent value. */
  readonly current: number | null
  /** Number of sources. */
  readonly sources: number
}

/** A forecast value at the time `at`. */
export interface ForecastPoint {
  readonly at: number
  readonly lower: number
  readonly value: number
  readonly upper: number
}

export interface MetricForecast {
  /** Time of the forecast, shown as a dotted line. */
  readonly from: number
  readonly points: readonly ForecastPoint[]
  readonly model: string
  /** Share of the forecasts of about the last day that were within 15%; `null` if none has been evaluated. */
  readonly recentAccuracy: number | null
  /** The accuracy as a sentence. */
  readonly caption: string
}

/** Parameters of `GET api/metrics`. */
export interface MetricsQuery {
  /** @defaultValue 'requests' */
  readonly metric?: string
  /**
   * Length of the past range in minutes, 1 to 1,440.
   *
   * @defaultValue 30
   */
  readonly minutes?: number
  /**
   * Length of the forecast in minutes, 1 to 60.
   *
   * @defaultValue half of the recorded part of the range
   */
  readonly ahead?: number
}

/** `GET api/metrics`: one metric with its forecast; `null` if the monitor is disabled. */
export interface MetricsPage {
  /** All metrics, ordered by name. */
  readonly metrics: readonly MetricInfo[]
  readonly metric: string
  readonly from: number
  readonly to: number
  /** Values, oldest first. A gap is a point with the value `null`, so that the line breaks there. */
  readonly points: readonly (Point | readonly [at: number, value: null])[]
  readonly trend: TrendAnalysis
  readonly forecast: MetricForecast | null
  /** Unexpected values and changes in the range. */
  readonly anomalies: readonly MetricAnomaly[]
  /** Seconds of values that are missing for a forecast; 0 if there are enough. */
  readonly needsSeconds: number
}

/** An event in the history of alerts and scaling. */
export type TimelineEntry =
  | {
      readonly kind: 'alert'
      readonly at: number
      readonly change: 'raised' | 'acknowledged' | 'resolved'
      readonly alert: Alert
    }
  | { readonly kind: 'scaling'; readonly at: number; readonly event: ScalingEvent }
  | { readonly kind: 'skip'; readonly at: number; readonly skip: ScalingSkip }

/** `GET api/alerts`; `null` if the monitor is disabled. */
export interface AlertsPage {
  readonly health: 'healthy' | 'degraded' | 'unhealthy'
  /** Open alerts, worst first. */
  readonly active: readonly Alert[]
  /** Newest first, at most 300. */
  readonly timeline: readonly TimelineEntry[]
  readonly policies: readonly ScalingPolicy[]
  /**
   * Recommendations for operators, also if automatic scaling is disabled, and the last changes of
   * `sluice.tune`.
   */
  readonly recommendations: readonly string[]
  readonly cost: ScalingCost | null
}

const ACRONYMS = /\b(cpu|gc)\b/g

/**
 * Display name of a metric: `responseTime` is `Response time`. Other names than in camel case are unchanged.
 */
export function metricTitle(metric: string): string {
  if (!/^[a-z][A-Za-z]*$/.test(metric)) return metric
  const words = metric
    .replaceAll(/[A-Z]+/g, ' $&')
    .toLowerCase()
    .replaceAll(ACRONYMS, (word) => word.toUpperCase())
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}
