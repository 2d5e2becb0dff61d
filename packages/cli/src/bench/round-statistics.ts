import { median } from '@sluice/core/siblings'
import type { LoadResult } from './run-load.ts'

export const METRICS = ['requestsPerSecond', 'p50', 'p95', 'p99', 'queries', 'databaseMs'] as const
export type Metric = (typeof METRICS)[number]

/** What is better if it is more. */
const MORE_IS_BETTER: ReadonlySet<Metric> = new Set(['requestsPerSecond'])

/** A figure over rounds: the one in the middle, the least and the most. */
export interface Figure {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface SideSummary {
  /** `undefined`: not known, or too few requests for it. */
  readonly figures: Readonly<Partial<Record<Metric, Figure>>>
  readonly requests: number
  readonly errors: number
  readonly firstError?: string
}

export interface Comparison {
  /** This side's figure, by the other's: the median over rounds, the least and the most. */
  readonly ratio: Figure
  readonly verdict: 'better' | 'worse' | 'noise'
}

/** A quantile is told where so many requests are on either side of it. */
const LEAST_REQUESTS = { p50: 2, p95: 20, p99: 100 } as const
/** A difference that is told. */
const LEAST_EFFECT = 0.02
/** How likely rounds may agree by chance: five of five are at 0.0625. */
const SIGNIFICANCE = 0.07

export function summaryOf(rounds: readonly LoadResult[]): SideSummary {
  const figures = METRICS.flatMap((metric) => {
    const values = rounds.map((round) => metricOf(round, metric))
    return values.some((value) => value === undefined) || values.length === 0 ? [] : [[metric, figureOf(values as number[])] as const]
  })
  const firstError = rounds.find((round) => round.firstError !== undefined)?.firstError
  return {
    figures: Object.fromEntries(figures),
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    ...(firstError === undefined ? {} : { firstError }),
  }
}

/** Compares two sides whose rounds were run in turn: round by round, so that what both suffer from says nothing. */
export function compareRounds(rounds: readonly LoadResult[], others: readonly LoadResult[], metric: Metric): Comparison | undefined {
  const ratios: number[] = []
  for (const [at, round] of rounds.entries()) {
    const other = others[at]
    const [value, reference] = [metricOf(round, metric), other === undefined ? undefined : metricOf(other, metric)]
    if (value === undefined || reference === undefined) return undefined
    ratios.push(ratioOf(value, reference))
  }
  if (ratios.length === 0) return undefined
  const ratio = figureOf(ratios)
  const up = ratios.filter((one) => one > 1).length
  const down = ratios.filter((one) => one < 1).length
  return { ratio, verdict: verdictOf(metric, ratio.median, signTest(Math.max(up, down), ratios.length) <= SIGNIFICANCE) }
}

/** Compares with figures of another day: what lies within the rounds of both is noise. */
export function compareFigures(figure: Figure, reference: Figure, metric: Metric): Comparison {
  const ratio = {
    median: ratioOf(figure.median, reference.median),
    least: ratioOf(figure.least, reference.most),
    most: ratioOf(figure.most, reference.least),
  }
  return { ratio, verdict: verdictOf(metric, ratio.median, figure.least > reference.most || figure.most < reference.least) }
}

function verdictOf(metric: Metric, ratio: number, isTold: boolean): Comparison['verdict'] {
  if (!isTold || Math.abs(ratio - 1) < LEAST_EFFECT) return 'noise'
  return ratio > 1 === MORE_IS_BETTER.has(metric) ? 'better' : 'worse'
}

function metricOf({ requests, seconds, latencies, queries, databaseMs }: LoadResult, metric: Metric): number | undefined {
  switch (metric) {
    case 'requestsPerSecond':
      return requests / seconds
    case 'queries':
      return queries
    case 'databaseMs':
      return databaseMs
    default:
      if (latencies.length < LEAST_REQUESTS[metric]) return undefined
      return latencies[Math.min(latencies.length - 1, Math.floor((Number(metric.slice(1)) / 100) * latencies.length))]
  }
}

function ratioOf(value: number, reference: number): number {
  return value === reference ? 1 : value / reference
}

function figureOf(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: median(values) ?? 0, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0 }
}

/** How likely it is that as many of so many agree by chance, in either direction. */
export function signTest(agreeing: number, of: number): number {
  let likely = 0
  let ways = 1
  for (let at = 0; at <= of; at += 1) {
    if (at >= agreeing) likely += ways
    ways = (ways * (of - at)) / (at + 1)
  }
  return Math.min(1, (2 * likely) / 2 ** of)
}
