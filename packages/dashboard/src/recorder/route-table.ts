import type { RouteRow } from '../protocol/request.ts'
import type { RecordedRequest } from './recorded-request.ts'
import { type RouteFigures, RouteStats, rankedRows } from './route-stats.ts'

/** Maximum number of names. The least recently used one is evicted. */
const MAX_ROUTES = 300
const MAX_BUDGETS = 300

/** Statistics of the last requests, by name. */
export class RouteTable {
  readonly #routes = new Map<string, RouteStats>()
  readonly #budgets = new Map<string, number>()
  /** Evicted names since the last call of `takeGone`. */
  readonly #gone = new Set<string>()

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
    this.#gone.delete(name)
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
  takeGone(): readonly string[] {
    const gone = [...this.#gone]
    this.#gone.clear()
    return gone
  }

  #forgetOldest(): void {
    const oldest = this.#routes.keys().next().value as string
    this.#routes.delete(oldest)
    if (this.#gone.size < MAX_ROUTES) this.#gone.add(oldest)
  }
}
