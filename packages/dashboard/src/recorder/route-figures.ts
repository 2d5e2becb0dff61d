import type { FindingCode } from '@sluice/core'
import type { RouteRow } from '../protocol/request.ts'
import { kindOfName } from './kind-of-name.ts'
import { thousandths } from './summary.ts'

/** The last requests of one name, as sums: those of several processes can be added up. */
export interface RouteFigures {
  readonly name: string
  /** Since the dashboard was made. */
  readonly requests: number
  readonly errors: number
  /** A second, in the last ten. */
  readonly perSecond: number
  /** Of the last so many: all that follows but for the last four. */
  readonly sample: number
  readonly queries: number
  readonly databaseMs: number
  readonly repeats: number
  readonly reads: number
  readonly spared: number
  readonly cached: number
  readonly overBudget: number
  /** Each one's, the shortest first. */
  readonly durations: readonly number[]
  readonly flags: readonly FindingCode[]
  readonly budget: number | null
  readonly lastAt: number
  readonly newest: string | null
  readonly newestFlagged: string | null
}

export function rowOf(figures: RouteFigures): RouteRow {
  const { name, requests, errors, perSecond, sample, durations, reads, budget, overBudget, flags, lastAt, newest, newestFlagged } = figures
  const mean = (sum: number) => (sample === 0 ? 0 : thousandths(sum / sample))
  const quantile = (share: number) => thousandths(durations[Math.min(durations.length - 1, Math.floor(share * durations.length))] ?? 0)
  return {
    ...{ name, kind: kindOfName(name), requests, errors, perSecond: thousandths(perSecond), sample },
    queries: mean(figures.queries),
    databaseMs: mean(figures.databaseMs),
    repeats: mean(figures.repeats),
    sparedShare: reads === 0 ? null : figures.spared / reads,
    cacheShare: reads === 0 ? null : figures.cached / reads,
    ...{ p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), budget, overBudget, flags, lastAt, newest, newestFlagged },
  }
}

/** Those that take most time of the database first. */
export function rankedRows(figures: readonly RouteFigures[]): RouteRow[] {
  return figures.map(rowOf).sort((a, b) => b.databaseMs * b.perSecond - a.databaseMs * a.perSecond || b.databaseMs - a.databaseMs)
}
