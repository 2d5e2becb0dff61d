import {
  EVERYTHING_WRITTEN,
  type Trace,
  type TracedOperation,
  type TracedQuery,
  type TracedStatement,
  type TracedTransaction,
} from './trace.ts'

/** Statements of a trace that an ideal Sluice would not have sent. */
export interface Ideal {
  /** Reads of which nothing they depend on was written since the same read was sent before. */
  readonly cached: number
  /**
   * The remaining reads by a key, except for the first of each normalized query in a scope, and for the first
   * after a write.
   */
  readonly batched: number
  /** BEGIN and COMMIT of transactions all of whose reads were saved. */
  readonly frames: number
  /** How each saved statement was saved. */
  readonly savedBy: ReadonlyMap<TracedStatement, 'cached' | 'batched'>
}

export interface IdealOptions {
  /** Statements from this time of the trace on count. Earlier ones fill the cache. */
  readonly from?: number
  /** Default: results do not expire. */
  readonly ttlMs?: number
}

/** Before every time of a trace. */
const NEVER = -1

interface OpenTransaction {
  readonly wrote: Set<string>
  reads: number
  saved: number
}

interface Group {
  readonly sentAt: number
  readonly keys: Set<string>
}

/**
 * Replays a trace with an ideal cache, which knows of each write when it was acknowledged or committed, and
 * with ideal batching on top of it. It is a bound for what can be saved: no write outside the trace is known.
 */
export function idealSavings(
  trace: Trace,
  { from = 0, ttlMs = Number.POSITIVE_INFINITY }: IdealOptions = {},
): Ideal {
  const replay = new IdealReplay(trace, ttlMs)
  const counts = { cached: 0, batched: 0, frames: 0 }
  const savedBy = new Map<TracedStatement, 'cached' | 'batched'>()
  for (const [at, event] of timeline(trace)) {
    replay.advance(at)
    if (event.type === 'transaction') {
      if (replay.ended(event) && event.at >= from) counts.frames += 2
      continue
    }
    const saved = replay.statement(event)
    if (saved === undefined || event.at < from) continue
    counts[saved] += 1
    savedBy.set(event, saved)
  }
  return { ...counts, savedBy }
}

/** Statements at the time of their sending, transactions at that of their end. */
function timeline({ events }: Trace): readonly (readonly [number, TracedStatement | TracedTransaction])[] {
  return events
    .flatMap((event) => {
      if (event.type === 'operation') return []
      return [[event.type === 'statement' ? event.at : event.end, event] as const]
    })
    .sort(([one], [other]) => one - other)
}

class IdealReplay {
  readonly #queries: ReadonlyMap<number, TracedQuery>
  readonly #ticks: ReadonlyMap<number, number>
  readonly #transactions = new Map<number, OpenTransaction>()
  /** When each tag was last written. */
  readonly #written = new Map<string, number>()
  #later: { readonly at: number; readonly tags: Iterable<string> }[] = []
  readonly #cached = new Map<string, TracedStatement>()
  readonly #groups = new Map<string, Group>()
  readonly #plain = new Map<string, string>()

  constructor(
    { queries, events }: Trace,
    private readonly ttlMs: number,
  ) {
    this.#queries = queries
    this.#ticks = new Map(
      events
        .filter((event): event is TracedOperation => event.type === 'operation')
        .map(({ id, tick }) => [id, tick]),
    )
  }

  /** Applies the writes that have taken effect by then. */
  advance(now: number): void {
    if (this.#later.every(({ at }) => at > now)) return
    for (const { at, tags } of this.#later)
      if (at <= now)
        for (const tag of tags) this.#written.set(tag, Math.max(this.#written.get(tag) ?? NEVER, at))
    this.#later = this.#later.filter(({ at }) => at > now)
  }

  /** Returns whether its BEGIN and COMMIT were saved. */
  ended({ id, end, isRolledBack, isWhole }: TracedTransaction): boolean {
    const open = this.#transactions.get(id)
    this.#transactions.delete(id)
    if (open === undefined) return isWhole === true
    if (open.wrote.size === 0) return isWhole === true && open.reads === open.saved
    if (isRolledBack !== true) this.#later.push({ at: end, tags: open.wrote })
    return false
  }

  statement(statement: TracedStatement): 'cached' | 'batched' | undefined {
    const { transaction, wrote, tags, end, at, key, isFailed } = statement
    const open = transaction === undefined ? undefined : this.#open(transaction)
    if (wrote !== undefined) {
      const written = wrote.map((tag) => this.#plainTag(tag))
      if (open === undefined) this.#later.push({ at: end, tags: written })
      else for (const tag of written) open.wrote.add(tag)
    }
    if (wrote !== undefined || tags === undefined) return undefined
    if (open !== undefined) open.reads += 1
    const query = this.#queries.get(statement.query)
    if (query?.isRepeatable !== true || key === undefined || isFailed === true) return undefined
    const needed = tags.map((tag) => this.#plainTag(tag))
    const seesOwnWrite =
      open !== undefined && [EVERYTHING_WRITTEN, ...needed].some((tag) => open.wrote.has(tag))
    if (needed.length === 0 || seesOwnWrite) return undefined
    const latest = this.#latestOf(needed)
    const loaded = this.#cached.get(key)
    const isCached = loaded !== undefined && latest < loaded.at && at < loaded.end + this.ttlMs
    if (!isCached) this.#cached.set(key, statement)
    const isBatched = !isCached && query.isByKey === true && this.#joins(statement, key, latest)
    if (open !== undefined && (isCached || isBatched)) open.saved += 1
    if (isCached) return 'cached'
    return isBatched ? 'batched' : undefined
  }

  #open(id: number): OpenTransaction {
    let open = this.#transactions.get(id)
    if (open === undefined) {
      open = { wrote: new Set(), reads: 0, saved: 0 }
      this.#transactions.set(id, open)
    }
    return open
  }

  #latestOf(tags: readonly string[]): number {
    let latest = this.#written.get(EVERYTHING_WRITTEN) ?? NEVER
    for (const tag of tags) latest = Math.max(latest, this.#written.get(tag) ?? NEVER)
    return latest
  }

  /** Whether a read joins an earlier one of its group. Otherwise, it opens one. */
  #joins(
    { scope, transaction, operation, query, at }: TracedStatement,
    key: string,
    latest: number,
  ): boolean {
    const tick = operation === undefined ? undefined : this.#ticks.get(operation)
    if (scope === 0 && tick === undefined) return false
    const name = `${scope === 0 ? `tick ${tick}` : scope} ${transaction ?? ''} ${query}`
    const group = this.#groups.get(name)
    if (group === undefined || latest > group.sentAt) {
      this.#groups.set(name, { sentAt: at, keys: new Set([key]) })
      return false
    }
    if (group.keys.has(key)) return false
    group.keys.add(key)
    return true
  }

  /** Before a catalog is known, tables have no schema: they count as those of the same name in any schema. */
  #plainTag(tag: string): string {
    let plain = this.#plain.get(tag)
    if (plain === undefined) {
      const hash = tag.lastIndexOf('#')
      const table = hash < 0 ? tag : tag.slice(0, hash)
      plain = table.slice(table.lastIndexOf('.') + 1).toLowerCase() + (hash < 0 ? '' : tag.slice(hash))
      this.#plain.set(tag, plain)
    }
    return plain
  }
}
