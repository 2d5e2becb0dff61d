import { type Clock, systemClock } from '../shared/clock.ts'
import { Overhead, type OverheadSnapshot } from './overhead.ts'

/** What Sluice did with the operations it saw, since it was made. */
export interface QueryStatsSnapshot {
  /** ORM operations seen. */
  readonly seen: number
  /** Executions: operations, or statements of an adapter that records each statement, that were sent to the database. */
  readonly executed: number
  /** SQL statements seen on connections. */
  readonly statements: number
  /** Lookups answered by another lookup's query. */
  readonly merged: number
  /** Queries that answered several lookups. */
  readonly batches: number
  /** Lookups of a batch that had to be asked again singly. */
  readonly replayed: number
  /** Lookups answered by what was asked ahead in their scope. */
  readonly prefetched: number
  /** Queries that asked ahead. */
  readonly prefetches: number
  /** Keys that they asked for beside the one that was wanted. */
  readonly prefetchedKeys: number
  /** Those of them that were wanted later. */
  readonly prefetchedKeysUsed: number
  /** Times that what was asked ahead was thrown away: after a write, a raw statement, an outgoing request, or by age. */
  readonly prefetchDiscards: number
  /** Times that asking ahead was suspended for a loop, because most of the keys went unused. */
  readonly blockedLinks: number
  /** Operations answered from the cache. */
  readonly answered: number
  /** Operations that ran twice in shadow mode and were compared. */
  readonly shadowed: number
  /** Shadow comparisons with different results. */
  readonly shadowDifferences: number
  /** Milliseconds between sending a statement and its answer, summed over statements: of two in flight at once, both count. */
  readonly databaseMs: number
  /** Operations that were left as they are while optimising, by reason. */
  readonly passedThrough: Readonly<Record<string, number>>
  /** Tables that a statement wrote although its operation was not expected to. */
  readonly touchMisses: number
  /** Errors inside Sluice; each left its operation to the bare ORM. */
  readonly errors: number
  /** The time that Sluice's own code takes, measured in one scope of seventeen. */
  readonly overhead: OverheadSnapshot
}

/** The mutable counters behind `QueryStatsSnapshot`. */
export class QueryStats {
  seen = 0
  executed = 0
  statements = 0
  merged = 0
  batches = 0
  replayed = 0
  prefetched = 0
  prefetches = 0
  prefetchedKeys = 0
  prefetchedKeysUsed = 0
  prefetchDiscards = 0
  blockedLinks = 0
  answered = 0
  shadowed = 0
  shadowDifferences = 0
  databaseMs = 0
  touchMisses = 0
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
    return { ...this, overhead: this.overhead.snapshot(), passedThrough: Object.fromEntries(this.#passedThrough) }
  }
}
