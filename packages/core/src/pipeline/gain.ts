/**
 * Number of similar reads that are processed before the first gain, per second in which a result can be
 * served again: the longer the time to live, the later reads repeat.
 */
const LOOKS_PER_SECOND = 32
/** The most, and those at most after the last gain. */
const MAX_LOOKS = 1_024
/** About the time that processing a read takes without a gain, in milliseconds. */
const LOOK_MS = 0.05
/** The time of a query before one was measured. */
const QUERY_MS = 8 * LOOK_MS
/** A gain pays for at least this many reads: embedded databases take less time than processing a read. */
const MIN_WORTH = 2
/** Weight of the latest query in the average. */
const WEIGHT = 1 / 8
/** Reads without gain are rechecked occasionally: 1 of 32, and at most this many at a time. */
const RECHECKED = 32
const LEFT_FOR_EACH = 31
/** Reads are processed again after this many, or after this time. */
const LEFT = LEFT_FOR_EACH * RECHECKED
const LEFT_MS = 10_000
/** Number of reads that pass through for each read of the clock. */
const TIMED = 16
/** Reads are no longer cached after this many scopes, and `MAX_LOOKS` reads, without a hit. */
const SCOPES = 64
/** After that, they are cached in 1 of 16 scopes: all reads of a scope, because loops repeat as a whole. */
const CACHING_SCOPES = 16

/** The terms of a Sluice on which its gains are counted. */
export class GainTerms {
  /** Number of reads that are processed before the first gain. */
  readonly firstLooks: number

  /**
   * @param now - Returns monotonic time in milliseconds.
   * @param ttlSeconds - Default time to live of results.
   */
  constructor(
    readonly now: () => number,
    ttlSeconds: number,
  ) {
    this.firstLooks = Math.min(MAX_LOOKS, Math.max(1, ttlSeconds) * LOOKS_PER_SECOND)
  }
}

/**
 * An account of the time that processing similar reads saves: each costs about `LOOK_MS`, and a gain saves
 * the time of a query. When it is empty, reads pass through to the database: processing a read costs CPU time
 * on each, and most apps have reads that are never repeated.
 */
export class Gain {
  /** Number of reads that can be processed before the account is empty; `undefined` before the first. */
  #looks: number | undefined = undefined
  #queryMs = QUERY_MS
  #left = 0
  #leftSince = 0
  /** Reads that were looked up since the last hit, the scopes with such reads, and the newest of these. */
  #lookedUp = 0
  #scopes = 0
  #scopeId = 0

  /**
   * Processing one of its reads saved a query, or will save one: it was batched, found in the cache, or a
   * loop iterates over its rows.
   */
  found(): void {
    this.#looks = Math.min(
      MAX_LOOKS,
      (this.#looks ?? LOOKS_PER_SECOND) + Math.max(MIN_WORTH, this.#queryMs / LOOK_MS),
    )
    this.#left = 0
  }

  /** One of its reads was found in the cache. */
  foundInCache(): void {
    this.found()
    this.#lookedUp = 0
    this.#scopes = 0
  }

  /** One of its reads was sent, and answered after this many milliseconds. */
  took(ms: number): void {
    this.#queryMs += (ms - this.#queryMs) * WEIGHT
  }

  /** Whether the next read passes through to the database. */
  skips({ now, firstLooks }: GainTerms): boolean {
    this.#looks ??= firstLooks
    if (this.#looks > 0) return false
    this.#left += 1
    const isTimed = this.#left % TIMED === 0
    if (this.#left <= LEFT && !(isTimed && now() - this.#leftSince >= LEFT_MS)) return true
    this.#looks = Math.min(RECHECKED, Math.ceil(this.#left / LEFT_FOR_EACH))
    this.#left = 0
    return false
  }

  /** Like `skips`, and counts that the read is processed if it does not. */
  examines(terms: GainTerms): boolean {
    if (this.skips(terms)) return false
    this.#looks = (this.#looks ?? 0) - 1
    if (this.#looks <= 0) this.#leftSince = terms.now()
    return true
  }

  /**
   * Whether the next read that is processed uses the cache. Reads that are batched are processed, although
   * they may never be repeated.
   *
   * @param scopeId - Number of its scope; scopes are numbered in the order in which they are opened.
   */
  examinesCache(scopeId: number): boolean {
    if (scopeId > this.#scopeId) {
      this.#scopeId = scopeId
      this.#scopes += 1
    }
    if (this.#lookedUp >= MAX_LOOKS && this.#scopes > SCOPES && scopeId % CACHING_SCOPES !== 0) return false
    this.#lookedUp += 1
    return true
  }
}
