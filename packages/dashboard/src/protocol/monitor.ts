import type { Alert, MetricAnomaly, ScalingCost, ScalingEvent, ScalingPolicy, ScalingSkip, TrendAnalysis } from '@sluice/core'
import type { Point } from './common.ts'

export interface MetricInfo {
  readonly name: string
  readonly unit: string
  readonly description: string
  readonly warning: number | null
  readonly critical: number | null
  /** How several sources, or processes, are one value. */
  readonly across: 'sum' | 'mean' | 'max'
  /** `null`: nothing came lately. */
  readonly current: number | null
  /** How many sources it has. */
  readonly sources: number
}

/** What a metric will be, so many minutes after `from`. */
export interface ForecastPoint {
  readonly at: number
  readonly lower: number
  readonly value: number
  readonly upper: number
}

export interface MetricForecast {
  /** When it was made: where the dotted line stands. */
  readonly from: number
  readonly points: readonly ForecastPoint[]
  readonly model: string
  /** The share of forecasts of about the last day that were within 15 %; `null`: none has been checked. */
  readonly recentAccuracy: number | null
  /** In a sentence, how far it is to be trusted. */
  readonly caption: string
}

/** `GET api/metrics` takes these. */
export interface MetricsQuery {
  /** @defaultValue 'requests' */
  readonly metric?: string
  /** How far back. 1 to 1,440. @defaultValue 30 */
  readonly minutes?: number
  /** How far ahead. 1 to 60. @defaultValue 15 */
  readonly ahead?: number
}

/** `GET api/metrics`: where are we heading? `null` in its place: the monitor is off. */
export interface MetricsPage {
  /** All that there are, by name. */
  readonly metrics: readonly MetricInfo[]
  readonly metric: string
  readonly from: number
  readonly to: number
  /**
   * Its values, the oldest first; where nothing came there is a point whose value is `null`, so that a line breaks there.
   */
  readonly points: readonly (Point | readonly [at: number, value: null])[]
  readonly trend: TrendAnalysis
  readonly forecast: MetricForecast | null
  /** Values and changes that were not to be expected, within the range. */
  readonly anomalies: readonly MetricAnomaly[]
  /** Seconds of values that a forecast wants and are not there yet; 0: there is enough. */
  readonly needsSeconds: number
}

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
