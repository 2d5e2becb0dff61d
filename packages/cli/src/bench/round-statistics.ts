import { median } from '@sluice/core/siblings'
import type { LoadResult } from './run-load.ts'

export const METRICS = ['requestsPerSecond', 'p50', 'p95', 'p99', 'queries', 'databaseMs'] as const
export type Metric = (typeof METRICS)[number]

const MORE_IS_BETTER: ReadonlySet<Metric> = new Set(['requestsPerSecond'])

/** Median, minimum and maximum of a figure over the rounds. */
export interface Figure {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface SideSummary {
  /** A figure is missing if it is unknown, or if there were too few requests for it. */
  readonly figures: Readonly<Partial<Record<Metric, Figure>>>
  readonly requests: number
  readonly errors: number
  readonly firstError?: string
}

export interface Comparison {
  /** This side's figure divided by that of the other side: median, minimum and maximum over the rounds. */
  readonly ratio: Figure
  readonly verdict: 'better' | 'worse' | 'noise'
}

/** Minimum requests per round for each quantile. */
const LEAST_REQUESTS = { p50: 2, p95: 20, p99: 100 } as const
/** Minimum difference to report. */
const LEAST_EFFECT = 0.02
/** Maximum p-value of the sign test. 5 of 5 agreeing rounds have 0.0625. */
const SIGNIFICANCE = 0.07

export function summaryOf(rounds: readonly LoadResult[]): SideSummary {
  const figures = METRICS.flatMap((metric) => {
    const values = rounds.map((round) => metricOf(round, metric))
    return values.some((value) => value === undefined) || values.length === 0
      ? []
      : [[metric, figureOf(values as number[])] as const]
  })
  const firstError = rounds.find((round) => round.firstError !== undefined)?.firstError
  return {
    figures: Object.fromEntries(figures),
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    ...(firstError === undefined ? {} : { firstError }),
  }
}

/** Compares two sides in pairs of consecutive rounds, so that a slowdown of both sides has no effect. */
export function compareRounds(
  rounds: readonly LoadResult[],
  others: readonly LoadResult[],
  metric: Metric,
): Comparison | undefined {
  const ratios: number[] = []
  for (const [at, round] of rounds.entries()) {
    const other = others[at]
    const [value, reference] = [
      metricOf(round, metric),
      other === undefined ? undefined : metricOf(other, metric),
    ]
    if (value === undefined || reference === undefined) return undefined
    ratios.push(ratioOf(value, reference))
  }
  if (ratios.length === 0) return undefined
  const ratio = figureOf(ratios)
  const up = ratios.filter((one) => one > 1).length
  const down = ratios.filter((one) => one < 1).length
  return {
    ratio,
    verdict: verdictOf(metric, ratio.median, signTest(Math.max(up, down), ratios.length) <= SIGNIFICANCE),
  }
}

/**
 * Compares with the figures of an earlier run. The difference is noise if the ranges of the rounds overlap.
 */
export function compareFigures(figure: Figure, reference: Figure, metric: Metric): Comparison {
  const ratio = {
    median: ratioOf(figure.median, reference.median),
    least: ratioOf(figure.least, reference.most),
    most: ratioOf(figure.most, reference.least),
  }
  return {
    ratio,
    verdict: verdictOf(metric, ratio.median, figure.least > reference.most || figure.most < reference.least),
  }
}

function verdictOf(metric: Metric, ratio: number, isSignificant: boolean): Comparison['verdict'] {
  if (!isSignificant || Math.abs(ratio - 1) < LEAST_EFFECT) return 'noise'
  return ratio > 1 === MORE_IS_BETTER.has(metric) ? 'better' : 'worse'
}

function metricOf(
  { requests, seconds, latencies, queries, databaseMs }: LoadResult,
  metric: Metric,
): number | undefined {
  switch (metric) {
    case 'requestsPerSecond':
      return requests / seconds
    case 'queries':
      return queries
    case 'databaseMs':
      return databaseMs
    default:
      if (latencies.length < LEAST_REQUESTS[metric]) return undefined
      return latencies[
        Math.min(latencies.length - 1, Math.floor((Number(metric.slice(1)) / 100) * latencies.length))
      ]
  }
}

function ratioOf(value: number, reference: number): number {
  return value === reference ? 1 : value / reference
}

function figureOf(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: median(values) ?? 0, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0 }
}

/** Two-sided sign test: the probability that `agreeing` of `of` rounds agree randomly. */
export function signTest(agreeing: number, of: number): number {
  let likely = 0
  let ways = 1
  for (let at = 0; at <= of; at += 1) {
    if (at >= agreeing) likely += ways
    ways = (ways * (of - at)) / (at + 1)
  }
  return Math.min(1, (2 * likely) / 2 ** of)
}
