import { median } from '../shared/median.ts'
import type { TrendData } from './metrics/metric-store.ts'

/** Something unusual. */
export interface MetricAnomaly {
  /** `value`: a value that is far from the expected one; `change`: the level has changed since then. */
  readonly kind: 'value' | 'change'
  readonly metric: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly value: number
  /** Expected value. */
  readonly expected: number
  /** How many usual deviations it is away; of a change, the accumulated ones. */
  readonly score: number
}

/** Number of values for which deviations are stored. */
const WINDOW = 240
const LEAST = 30
/** A value is unusual from so many deviations on. */
const UNUSUAL = 6
/**
 * CUSUM: half a deviation is normal, and 8 accumulated ones are a change. Source: Page, Biometrika 41 (1954),
 * with the usual constants doubled for autocorrelated values.
 */
const SLACK = 1
const DECISION = 16
/** Medians of absolute deviations, as standard deviations. */
const MAD_TO_SIGMA = 1.4826
/** Deviations smaller than that share of the level are none. */
const LEAST_SHARE = 0.02
const MAX_STORED = 200

/**
 * Finds unexpected values and changes of level from the errors of a forecast: a robust z-score of each value,
 * and CUSUM over all. The forecast knows the seasonality, so a usual evening is not an anomaly.
 */
export class AnomalyWatch {
  readonly #residuals: number[] = []
  #at = 0
  #up = 0
  #down = 0
  readonly #found: MetricAnomaly[] = []

  constructor(private readonly metric: string) {}

  /** The newest last. */
  get found(): readonly MetricAnomaly[] {
    return this.#found
  }

  /** @returns The anomaly of this value. */
  see(value: number, expected: number, timestamp: number): MetricAnomaly | undefined {
    const residual = value - expected
    const known = this.#residuals
    let anomaly: MetricAnomaly | undefined
    if (known.length >= LEAST) {
      const middle = median(known) ?? 0
      const spread = Math.max(
        MAD_TO_SIGMA * (median(known.map((one) => Math.abs(one - middle))) ?? 0),
        LEAST_SHARE * Math.abs(expected),
        1e-9,
      )
      const z = (residual - middle) / spread
      const capped = Math.max(-UNUSUAL, Math.min(UNUSUAL, z))
      this.#up = Math.max(0, this.#up + capped - SLACK)
      this.#down = Math.max(0, this.#down - capped - SLACK)
      const accumulated = Math.max(this.#up, this.#down)
      if (accumulated >= DECISION) {
        anomaly = { kind: 'change', metric: this.metric, timestamp, value, expected, score: accumulated }
        this.#up = 0
        this.#down = 0
        // The usual deviations are outdated.
        this.#residuals.length = 0
        this.#at = 0
      } else if (Math.abs(z) >= UNUSUAL)
        anomaly = { kind: 'value', metric: this.metric, timestamp, value, expected, score: Math.abs(z) }
    }
    this.#remember(residual)
    if (anomaly !== undefined) {
      this.#found.push(anomaly)
      if (this.#found.length > MAX_STORED) this.#found.shift()
    }
    return anomaly
  }

  #remember(residual: number): void {
    this.#residuals[this.#at] = residual
    this.#at = (this.#at + 1) % WINDOW
  }
}

/** A slope below this is not significant: 5% of random slopes are as large. */
const SIGNIFICANT = 1.96
/** Minimum relevant change over the whole window: 5% of the mean. */
const LEAST_CHANGE = 0.05
const LEAST_POINTS = 3

export interface TrendAnalysis {
  readonly trend: 'increasing' | 'decreasing' | 'stable'
  /** In the metric's unit, a minute; 0 of fewer than three points. */
  readonly changePerMinute: number
  /** Change over the window, relative to the mean: 0.1 is 10% more at its end than at its beginning. */
  readonly changeRate: number
  /** From 0 to 1: probability that such a slope is not random. */
  readonly significance: number
  readonly points: number
}

/**
 * Whether values increase or decrease: the median of the slopes between all pairs, which single peaks do not
 * affect (Theil and Sen), and Kendall's significance test. Above 200 points, 200 evenly distributed ones are
 * used.
 */
export function analyzeTrend(all: readonly TrendData[]): TrendAnalysis {
  const points = thinned(all, 200)
  const first = points[0]
  const last = points.at(-1)
  if (first === undefined || last === undefined || points.length < LEAST_POINTS)
    return { trend: 'stable', changePerMinute: 0, changeRate: 0, significance: 0, points: all.length }
  const slopes: number[] = []
  let concordant = 0
  for (const [at, left] of points.entries()) {
    for (let to = at + 1; to < points.length; to += 1) {
      const right = points[to] as TrendData
      if (right.timestamp === left.timestamp) continue
      slopes.push((right.value - left.value) / (right.timestamp - left.timestamp))
      concordant += Math.sign(right.value - left.value)
    }
  }
  const slope = median(slopes) ?? 0
  const count = points.length
  const deviation = Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18)
  const z = concordant === 0 ? 0 : (Math.abs(concordant) - 1) / deviation
  const mean = points.reduce((sum, { value }) => sum + value, 0) / count
  const change = slope * (last.timestamp - first.timestamp)
  const changeRate = mean === 0 ? 0 : change / mean
  const isTrend = z >= SIGNIFICANT && Math.abs(changeRate) >= LEAST_CHANGE
  return {
    trend: !isTrend ? 'stable' : slope > 0 ? 'increasing' : 'decreasing',
    changePerMinute: slope * 60_000,
    changeRate,
    significance: erf(z / Math.SQRT2),
    points: all.length,
  }
}

function thinned<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, at) => all[Math.round((at * (all.length - 1)) / (most - 1))] as T)
}

/** Right to 1.5e-7. Source: Abramowitz and Stegun, 7.1.26. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * x)
  const polynomial =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return 1 - polynomial * Math.exp(-x * x)
}
