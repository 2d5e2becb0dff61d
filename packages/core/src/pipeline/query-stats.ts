import { type Clock, systemClock } from '../shared/clock.ts'
import { Overhead, type OverheadSnapshot } from './overhead.ts'

/** Counters of the operations that Sluice saw, since it was created. */
export interface QueryStatsSnapshot {
  /** ORM operations that Sluice saw. */
  readonly seen: number
  /**
   * Executions that were sent to the database: operations, or statements of an adapter that records each
   * statement.
   */
  readonly executed: number
  /** SQL statements seen on connections. */
  readonly statements: number
  /** Lookups that another lookup's query returned (batched). */
  readonly batched: number
  /** Queries that returned the rows of several lookups. */
  readonly batches: number
  /** Lookups of a batch that had to run again individually. */
  readonly replayed: number
  /** Lookups served from prefetched rows of their scope. */
  readonly prefetched: number
  /** Queries that prefetched. */
  readonly prefetches: number
  /** Keys that these queries added to the requested key. */
  readonly prefetchedKeys: number
  /** Prefetched keys that were requested later. */
  readonly prefetchedKeysUsed: number
  /**
   * Number of times that prefetched rows were discarded: after a write, a raw statement, an outgoing request,
   * or because of their age.
   */
  readonly prefetchDiscards: number
  /**
   * Number of times that prefetching was suspended for a loop, because most keys were unused or a query for
   * several keys failed.
   */
  readonly blockedLinks: number
  /** Operations served from the cache, or by an identical read in flight. */
  readonly cacheHits: number
  /** Operations that ran twice in shadow mode and were compared. */
  readonly shadowed: number
  /** Shadow comparisons with different results. */
  readonly shadowDifferences: number
  /**
   * Milliseconds from sending a statement to its result, summed over statements: if two are in flight, both
   * count.
   */
  readonly databaseMs: number
  /** Operations that passed through in `optimize` mode, by reason. */
  readonly passedThrough: Readonly<Record<string, number>>
  /** Tables that a statement wrote to although its operation was not expected to. */
  readonly unpredictedWrites: number
  /**
   * Errors in Sluice, in a listener, or in the shared store. Each operation continued without Sluice, except
   * for rejected writes.
   */
  readonly errors: number
  /** CPU time that Sluice adds to scopes, estimated from 1 of 17. */
  readonly overhead: OverheadSnapshot
}

/** The mutable counters behind `QueryStatsSnapshot`. */
export class QueryStats {
  seen = 0
  executed = 0
  statements = 0
  batched = 0
  batches = 0
  replayed = 0
  prefetched = 0
  prefetches = 0
  prefetchedKeys = 0
  prefetchedKeysUsed = 0
  prefetchDiscards = 0
  blockedLinks = 0
  cacheHits = 0
  shadowed = 0
  shadowDifferences = 0
  databaseMs = 0
  unpredictedWrites = 0
  errors = 0
  readonly overhead: Overhead
  readonly #passedThrough = new Map<string, number>()

  constructor(clock: Clock = systemClock) {
    this.overhead = new Overhead(() => clock.now())
  }

  passThrough(reason: string): void {
    this.#passedThrough.set(reason, (this.#passedThrough.get(reason) ?? 0) + 1)
  }

  snapshot(): QueryStatsSnapshot {
    return {
      ...this,
      overhead: this.overhead.snapshot(),
      passedThrough: Object.fromEntries(this.#passedThrough),
    }
  }
}
