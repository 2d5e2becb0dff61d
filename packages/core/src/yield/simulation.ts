import { Gain, GainTerms } from '../pipeline/gain.ts'
import {
  EVERYTHING_WRITTEN,
  type Trace,
  type TracedCaching,
  type TracedLoop,
  type TracedOperation,
} from './trace.ts'

/** Why a read is sent to the database, although Sluice could have served it. */
type Missed = 'TTL_EXPIRED' | 'INVALIDATED' | 'NO_RECENT_GAIN' | 'NO_RECENT_HIT'

/** How `optimize` handles the reads of a trace, by the id of their operation. */
export interface Simulation {
  readonly savedBy: ReadonlyMap<number, 'cached' | 'batched' | 'prefetched'>
  /** Why a read that can be cached was not served from the cache, if the trace contains it before. */
  readonly missed: ReadonlyMap<number, Missed>
}

interface Entry {
  readonly operation: TracedOperation
  readonly caching: TracedCaching
  /** Where the operation's result was returned. */
  readonly served: string
}

/** The writes of a tag. */
interface TagState {
  /** When the last write began or ended. */
  changedAt: number
  /** When the last write that has begun ends. */
  openUntil: number
}

/**
 * Simulates `optimize` on a trace: the reads that it serves from the cache, batches, prefetches or passes
 * through.
 *
 * The trace was recorded without optimization: if results arrive together because their queries were batched,
 * the reads that follow from them are issued together, too. Each read is therefore issued where the result
 * that it followed is returned.
 *
 * @param ttlMs - Default time to live of results. Default: that of the trace.
 */
export function simulate(trace: Trace, ttlMs?: number): Simulation {
  const run = new SimulatedRun(trace, ttlMs)
  for (const operation of operationsOf(trace)) run.read(operation)
  return run
}

function operationsOf({ events }: Trace): readonly TracedOperation[] {
  return events
    .filter((event) => event.type === 'operation')
    .sort((one, other) => one.at - other.at || one.id - other.id)
}

class SimulatedRun implements Simulation {
  readonly savedBy = new Map<number, 'cached' | 'batched' | 'prefetched'>()
  readonly missed = new Map<number, Missed>()
  readonly #writes: Writes
  readonly #entries = new Map<string, Entry>()
  readonly #gains = new Map<number, Gain>()
  readonly #terms: GainTerms
  #now = 0
  /** Number of keys, by batch. */
  readonly #batches = new Map<string, number>()
  /** The queries of loops that were sent, by the operation that the trace names. */
  readonly #fetches = new Set<number>()
  /** Where the result of each operation is returned. */
  readonly #served = new Map<number, string>()

  constructor(
    private readonly trace: Trace,
    private readonly ttlMs: number | undefined,
  ) {
    this.#writes = new Writes(trace)
    this.#terms = new GainTerms(() => this.#now, (ttlMs ?? trace.header.ttlMs) / 1_000)
  }

  #ttlOf({ ttlMs }: TracedCaching): number {
    return ttlMs === this.trace.header.ttlMs ? (this.ttlMs ?? ttlMs) : ttlMs
  }

  read(operation: TracedOperation): void {
    const { id, at, end, tick, after, cache, batch, isFailed } = operation
    this.#now = at
    this.#writes.advance(at)
    const place = this.#served.get(after) ?? `tick ${tick}`
    const gain = this.#gainOf(operation.gain)
    if (operation.isAlone === true && gain?.examines(this.#terms) === false) {
      gain.took(end - at)
      this.#served.set(id, `read ${id}`)
      this.missed.set(id, 'NO_RECENT_GAIN')
      return
    }
    const caching = typeof cache !== 'string' && this.#isCached(operation, cache, gain) ? cache : undefined
    if (caching === undefined && typeof cache !== 'string') this.missed.set(id, 'NO_RECENT_HIT')
    const entry = caching && this.#hit(operation, caching)
    if (entry !== undefined) {
      gain?.foundInCache()
      this.savedBy.set(id, 'cached')
      this.#served.set(id, entry.operation.end > at ? entry.served : place)
      return
    }
    let served = `read ${id}`
    if (operation.loop !== undefined) {
      gain?.found()
      this.#gainOf(operation.loop.gain)?.found()
    }
    if (operation.loop !== undefined && this.#isFetched(operation.loop)) {
      this.savedBy.set(id, 'prefetched')
      served = place
    } else if (typeof batch !== 'string') {
      served = `batch of ${operation.scope} ${batch.group} at ${place}`
      const keys = this.#batches.get(served) ?? 0
      this.#batches.set(served, keys + 1)
      if (keys > 0) gain?.found()
      // The first read of each query for several keys sends it.
      if (keys % batch.maxKeys > 0) this.savedBy.set(id, 'batched')
    }
    this.#served.set(id, served)
    if (!this.savedBy.has(id)) gain?.took(end - at)
    if (caching !== undefined && isFailed !== true && !this.#writes.isOpen(caching.tags))
      this.#entries.set(caching.key, { operation, caching, served })
  }

  /** Whether a read that can be cached uses the cache. Reads always do whose time to live the app set. */
  #isCached({ scope }: TracedOperation, { ttlMs }: TracedCaching, gain: Gain | undefined): boolean {
    return scope === 0 || ttlMs !== this.trace.header.ttlMs || gain?.examinesCache(scope) !== false
  }

  /** Whether an earlier query fetches the rows of a read. If that one was not sent, this read sends it. */
  #isFetched({ fetch }: TracedLoop): boolean {
    const isFetched = this.#fetches.has(fetch)
    this.#fetches.add(fetch)
    return isFetched
  }

  /** The cached result that serves a read, or the one in flight that it waits for. */
  #hit({ id, at }: TracedOperation, requested: TracedCaching): Entry | undefined {
    const entry = this.#entries.get(requested.key)
    if (entry === undefined) return undefined
    const { operation, caching } = entry
    if (this.#writes.changedAt(caching.tags) > operation.at) {
      this.missed.set(id, 'INVALIDATED')
      return undefined
    }
    if (at < operation.end + this.#ttlOf(requested)) return entry
    this.missed.set(id, 'TTL_EXPIRED')
    return undefined
  }

  #gainOf(id: number | undefined): Gain | undefined {
    if (id === undefined) return undefined
    let gain = this.#gains.get(id)
    if (gain === undefined) {
      gain = new Gain()
      this.#gains.set(id, gain)
    }
    return gain
  }
}

/** The state of each tag at a time of the trace. */
class Writes {
  readonly #tags = new Map<string, TagState>()
  /** In the order of their begin. */
  readonly #coming: readonly { readonly at: number; readonly end: number; readonly tags: readonly string[] }[]
  #next = 0

  constructor({ events }: Trace) {
    const ends = new Map<number, { readonly end: number; readonly isRolledBack?: true }>()
    for (const event of events) if (event.type === 'transaction') ends.set(event.id, event)
    this.#coming = events
      .flatMap((event) => {
        if (event.type !== 'statement' || event.wrote === undefined) return []
        const { at, end, wrote, transaction } = event
        if (transaction === undefined) return [{ at, end, tags: wrote }]
        const committed = ends.get(transaction)
        return committed === undefined || committed.isRolledBack === true
          ? []
          : [{ at: committed.end, end: committed.end, tags: wrote }]
      })
      .sort((one, other) => one.at - other.at)
  }

  advance(now: number): void {
    for (let write = this.#coming[this.#next]; write !== undefined && write.at <= now; ) {
      for (const tag of write.tags) {
        const state = this.#stateOf(tag)
        state.changedAt = Math.max(state.changedAt, write.at)
        state.openUntil = Math.max(state.openUntil, write.end)
      }
      this.#next += 1
      write = this.#coming[this.#next]
    }
    this.#now = now
  }
  #now = 0

  /** When a write to any of the tags last began or ended. */
  changedAt(tags: readonly string[]): number {
    let changedAt = 0
    for (const tag of [EVERYTHING_WRITTEN, ...tags]) {
      const state = this.#tags.get(tag)
      if (state === undefined) continue
      changedAt = Math.max(changedAt, state.openUntil <= this.#now ? state.openUntil : state.changedAt)
    }
    return changedAt
  }

  /** Whether a write to any of the tags is in flight. */
  isOpen(tags: readonly string[]): boolean {
    return [EVERYTHING_WRITTEN, ...tags].some((tag) => (this.#tags.get(tag)?.openUntil ?? 0) > this.#now)
  }

  #stateOf(tag: string): TagState {
    let state = this.#tags.get(tag)
    if (state === undefined) {
      state = { changedAt: 0, openUntil: 0 }
      this.#tags.set(tag, state)
    }
    return state
  }
}
