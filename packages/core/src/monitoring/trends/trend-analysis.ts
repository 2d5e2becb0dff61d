import { median } from '../../shared/median.ts'
import type { TrendData } from '../metrics/metric-store.ts'

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
