import type { Point, ProcessRow } from '../protocol/common.ts'
import type { Badges, RankedItem, Section, Sparkline, Totals, Vitals } from '../protocol/now.ts'
import type { RequestSummary, RingState, RouteRow } from '../protocol/request.ts'
import type { Delta, Snapshot } from '../protocol/stream.ts'

/** Data source of streams. It is read only while a stream is open. */
export interface LiveSource {
  /** The full state, except fields that depend on the user. */
  snapshot(): Omit<Snapshot, 'rights'>
  mode(): Snapshot['mode']
  /** All known processes, including this one. */
  processes(): readonly ProcessRow[]
  ranked(): readonly RankedItem[]
  points(): Readonly<Partial<Record<Sparkline['id'], Point>>>
  vitals(): Vitals
  totals(): Totals
  badges(): Badges
  ring(): RingState
  routes(): readonly RouteRow[]
  goneRoutes(): readonly string[]
  /** Returns up to `limit` requests after a sequence number, newest first, and their total number. */
  requestsSince(
    sequence: number,
    limit: number,
  ): { readonly requests: readonly RequestSummary[]; readonly count: number; readonly last: number }
  /** Calls `stale` when a page has new data. Returns a function that stops it. */
  watch(stale: (section: Section) => void): () => void
}

const MAX_REQUESTS = 50
/** Interval of figures. Requests are sent more often. */
const FIGURES_MS = 1_000
/** Minimum time between two reports that a page is stale. */
const STALE_MS = 2_000
/** Interval at which sections without events count as stale. */
const SLOW_MS = 5_000
const SLOW: readonly Section[] = ['queries', 'cache', 'nodes', 'metrics']

type SentState = Pick<Delta, 'mode' | 'processes' | 'ranked' | 'vitals' | 'totals' | 'badges' | 'ring'>

/** Computes the changes since the last delta. */
export class DeltaMaker {
  #sequence = 0
  #figuresAt = Number.NEGATIVE_INFINITY
  #slowAt = Number.NEGATIVE_INFINITY
  #texts = new Map<keyof SentState, string>()
  #routes = new Map<string, string>()
  #points = new Map<string, number>()
  readonly #stale = new Map<Section, boolean>()
  readonly #staleAt = new Map<Section, number>()

  constructor(private readonly source: LiveSource) {}

  /** Marks a page as stale. */
  stale(section: Section): void {
    this.#stale.set(section, true)
  }

  /** Sets the current state as the base of the next delta. */
  begin(): void {
    this.#sequence = this.source.requestsSince(0, 0).last
    this.#figures()
    this.#changedRoutes()
    this.#newPoints()
    this.source.goneRoutes()
  }

  /**
   * Returns the changes; `undefined` if there are none.
   *
   * @param now - Monotonic time in milliseconds.
   * @param at - Milliseconds since 1970.
   */
  next(now: number, at: number): Delta | undefined {
    const delta: { -readonly [K in keyof Delta]: Delta[K] } = { at }
    const { requests, count, last } = this.source.requestsSince(this.#sequence, MAX_REQUESTS)
    if (count > 0) {
      this.#sequence = last
      delta.requests = requests
      if (count > requests.length) delta.skipped = count - requests.length
      this.stale('requests')
      if (requests.some(({ findings }) => findings.length > 0)) this.stale('findings')
    }
    if (now - this.#figuresAt >= FIGURES_MS) {
      this.#figuresAt = now
      Object.assign(delta, this.#figures())
      const routes = this.#changedRoutes()
      if (routes.length > 0) delta.routes = routes
      const removed = this.source.goneRoutes()
      if (removed.length > 0) delta.goneRoutes = removed
      const points = this.#newPoints()
      if (Object.keys(points).length > 0) delta.points = points
      if (delta.totals !== undefined && now - this.#slowAt >= SLOW_MS) {
        this.#slowAt = now
        for (const section of SLOW) this.stale(section)
      }
    }
    const stale = this.#takeStale(now)
    if (stale.length > 0) delta.stale = stale
    return Object.keys(delta).length > 1 ? delta : undefined
  }

  #figures(): SentState {
    const { source } = this
    const sent: SentState = {
      mode: source.mode(),
      processes: source.processes(),
      ranked: source.ranked(),
      vitals: source.vitals(),
      totals: source.totals(),
      badges: source.badges(),
      ring: source.ring(),
    }
    const changed: { -readonly [K in keyof SentState]: SentState[K] } = {}
    for (const name of Object.keys(sent) as (keyof SentState)[]) {
      const text = JSON.stringify(sent[name])
      if (this.#texts.get(name) === text) continue
      this.#texts.set(name, text)
      Object.assign(changed, { [name]: sent[name] })
    }
    return changed
  }

  #changedRoutes(): RouteRow[] {
    const rows = this.source.routes()
    const texts = new Map(rows.map((row) => [row.name, JSON.stringify(row)]))
    const changed = rows.filter(({ name }) => this.#routes.get(name) !== texts.get(name))
    this.#routes = texts
    return changed
  }

  #newPoints(): NonNullable<Delta['points']> {
    const points = Object.entries(this.source.points()).filter(
      ([id, [at]]) => at > (this.#points.get(id) ?? 0),
    )
    for (const [id, [at]] of points) this.#points.set(id, at)
    return Object.fromEntries(points)
  }

  #takeStale(now: number): Section[] {
    const taken: Section[] = []
    for (const section of this.#stale.keys()) {
      if (now - (this.#staleAt.get(section) ?? Number.NEGATIVE_INFINITY) < STALE_MS) continue
      this.#staleAt.set(section, now)
      taken.push(section)
    }
    for (const section of taken) this.#stale.delete(section)
    return taken
  }
}
