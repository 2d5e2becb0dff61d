import type { FindingCode } from '@sluice/core'
import type { RouteRow } from '../protocol/request.ts'
import { kindOfName, type RecordedRequest, thousandths } from './recorded-request.ts'
import { SecondCounts } from './second-log.ts'

/** Maximum number of names. The least recently used one is evicted. */
const MAX_ROUTES = 300
const MAX_BUDGETS = 300

/** Statistics of the last requests, by name. */
export class RouteTable {
  readonly #routes = new Map<string, RouteStats>()
  readonly #budgets = new Map<string, number>()
  /** Evicted names since the last call of `takeGone`. */
  readonly #removed = new Set<string>()

  add(request: RecordedRequest, now: number): void {
    const { name } = request
    let stats = this.#routes.get(name)
    if (stats === undefined) {
      stats = new RouteStats(name, now)
      stats.budget = this.#budgets.get(name) ?? null
      if (this.#routes.size >= MAX_ROUTES) this.#forgetOldest()
    } else this.#routes.delete(name)
    // Reinsert the entry to order the map by last request.
    this.#routes.set(name, stats)
    this.#removed.delete(name)
    stats.add(request, now)
  }

  /** Removes references to an evicted request. */
  dropped({ id, name }: RecordedRequest): void {
    const stats = this.#routes.get(name)
    if (stats === undefined) return
    if (stats.newest === id) stats.newest = null
    if (stats.newestFlagged === id) stats.newestFlagged = null
  }

  /** Sets the maximum number of queries per request with this name; `null` removes the budget. */
  setBudget(name: string, queries: number | null): void {
    if (queries === null) this.#budgets.delete(name)
    else {
      if (this.#budgets.size >= MAX_BUDGETS) this.#budgets.delete(this.#budgets.keys().next().value as string)
      this.#budgets.set(name, queries)
    }
    const stats = this.#routes.get(name)
    if (stats !== undefined) stats.budget = queries
  }

  newestOf(name: string): string | null {
    return this.#routes.get(name)?.newest ?? null
  }

  figures(now: number): RouteFigures[] {
    return [...this.#routes.values()].map((stats) => stats.figures(now))
  }

  /** Rows ordered by database time. */
  rows(now: number): RouteRow[] {
    return rankedRows(this.figures(now))
  }

  /** Returns the evicted names since the last call. */
  takeRemoved(): readonly string[] {
    const removed = [...this.#removed]
    this.#removed.clear()
    return removed
  }

  #forgetOldest(): void {
    const oldest = this.#routes.keys().next().value as string
    this.#routes.delete(oldest)
    if (this.#removed.size < MAX_ROUTES) this.#removed.add(oldest)
  }
}

/** Sums over the last requests with one name, which can be added up across processes. */
export interface RouteFigures
  extends Omit<RouteRow, 'kind' | 'sparedShare' | 'cacheShare' | 'p50' | 'p95' | 'p99'> {
  readonly reads: number
  readonly spared: number
  readonly cached: number
  /** Durations of all requests, shortest first. */
  readonly durations: readonly number[]
}

export function rowOf({ durations, reads, spared, cached, ...figures }: RouteFigures): RouteRow {
  const { name, sample, perSecond, queries, databaseMs, repeats } = figures
  const mean = (sum: number) => (sample === 0 ? 0 : thousandths(sum / sample))
  const quantile = (share: number) =>
    thousandths(durations[Math.min(durations.length - 1, Math.floor(share * durations.length))] ?? 0)
  return {
    ...figures,
    kind: kindOfName(name),
    perSecond: thousandths(perSecond),
    queries: mean(queries),
    databaseMs: mean(databaseMs),
    repeats: mean(repeats),
    sparedShare: reads === 0 ? null : spared / reads,
    cacheShare: reads === 0 ? null : cached / reads,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
  }
}

/** Rows ordered by database time. */
export function rankedRows(figures: readonly RouteFigures[]): RouteRow[] {
  return figures
    .map(rowOf)
    .sort((a, b) => b.databaseMs * b.perSecond - a.databaseMs * a.perSecond || b.databaseMs - a.databaseMs)
}

/** Number of requests in the statistics. */
const SAMPLE = 128
export const RATE_SECONDS = 10

const CODES: readonly FindingCode[] = ['N_PLUS_ONE', 'REPEATED_QUERY', 'QUERY_BUDGET']

class RouteStats {
  requests = 0
  errors = 0
  lastAt = 0
  newest: string | null = null
  newestFlagged: string | null = null
  budget: number | null = null
  readonly #rate: SecondCounts
  readonly #durations = new Float32Array(SAMPLE)
  readonly #databaseMs = new Float32Array(SAMPLE)
  readonly #queries = new Float32Array(SAMPLE)
  readonly #repeats = new Float32Array(SAMPLE)
  /** Per request: reads served from the cache, reads without a separate query, and all reads. */
  readonly #cached = new Float32Array(SAMPLE)
  readonly #saved = new Float32Array(SAMPLE)
  readonly #reads = new Float32Array(SAMPLE)
  readonly #flags = new Uint8Array(SAMPLE)

  constructor(
    readonly name: string,
    now: number,
  ) {
    this.#rate = new SecondCounts(RATE_SECONDS, now)
  }

  add(request: RecordedRequest, now: number): void {
    const at = this.requests % SAMPLE
    this.requests += 1
    this.#rate.add(now, 1)
    const { durationMs, databaseMs, queries, operations, findings, statusCode, failed } = request
    const { batched, prefetched, cacheHits } = request
    if (failed || (statusCode ?? 0) >= 500) this.errors += 1
    this.#durations[at] = durationMs
    this.#databaseMs[at] = databaseMs
    this.#queries[at] = queries
    const spared = batched + prefetched + cacheHits
    this.#cached[at] = cacheHits
    this.#saved[at] = spared
    this.#reads[at] = Math.max(operations, spared)
    let flags = 0
    let repeats = 0
    for (const finding of findings) {
      flags |= 1 << CODES.indexOf(finding.code)
      if (finding.code !== 'QUERY_BUDGET') repeats += Math.max(0, finding.queries - finding.queriesPossible)
    }
    this.#repeats[at] = repeats
    this.#flags[at] = flags
    this.lastAt = Math.round(request.startedAt + durationMs)
    this.newest = request.id
    if (flags !== 0) this.newestFlagged = request.id
  }

  isBusy(now: number): boolean {
    return this.#rate.total(now) > 0
  }

  figures(now: number): RouteFigures {
    const sample = Math.min(this.requests, SAMPLE)
    const sum = (values: Float32Array) => values.subarray(0, sample).reduce((all, value) => all + value, 0)
    const flags = this.#flags.subarray(0, sample).reduce((all, flag) => all | flag, 0)
    const { name, requests, errors, budget, lastAt, newest, newestFlagged } = this
    return {
      name,
      requests,
      errors,
      perSecond: this.#rate.perSecond(now),
      sample,
      queries: sum(this.#queries),
      databaseMs: sum(this.#databaseMs),
      repeats: sum(this.#repeats),
      reads: sum(this.#reads),
      spared: sum(this.#saved),
      cached: sum(this.#cached),
      overBudget:
        budget === null ? 0 : this.#queries.subarray(0, sample).filter((queries) => queries > budget).length,
      durations: Array.from(this.#durations.slice(0, sample).sort(), thousandths),
      flags: CODES.filter((_, at) => (flags & (1 << at)) !== 0),
      budget,
      lastAt,
      newest,
      newestFlagged,
    }
  }
}
