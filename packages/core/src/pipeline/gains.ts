import type { Operation } from './operation.ts'
import type { OperationContext } from './operation-context.ts'
import type { Scope } from './scope.ts'

/** Reads of a family that are looked at after a gain. */
const LOOKS = 4_096
/** Reads of a family without gain that are looked at from time to time. */
const RECHECKED = 256
/** A family is looked at again after so many reads, or so long. */
const LEFT = 15 * RECHECKED
const LEFT_MS = 10_000

/** What looking at the reads of one family brought lately. */
export class Gain {
  #looks = LOOKS
  #left = 0
  #leftSince = 0

  /** Looking at one of its reads spared a query, or will: it was merged, found in the cache, or is what a loop walks along. */
  found(): void {
    this.#looks = LOOKS
    this.#left = 0
  }

  /** Whether the next read is left to the database. @param now - Monotonic time in milliseconds. */
  leaves(now: number): boolean {
    if (this.#looks > 0) {
      this.#looks -= 1
      this.#leftSince = now
      return false
    }
    this.#left += 1
    if (this.#left <= LEFT && now - this.#leftSince < LEFT_MS) return true
    this.#left = 0
    this.#looks = RECHECKED - 1
    return false
  }
}

export interface GainsParts {
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  /** Whether a scope remembers rows that a loop may walk along. */
  readonly remembers: (scope: Scope) => boolean
}

/**
 * Decides which reads are left to the database in `optimize`: to look at one costs as much as a fast query, and most apps have reads that are never asked
 * for twice, nor together with others.
 */
export class Gains {
  readonly #families = new WeakMap<object, Gain>()

  constructor(private readonly parts: GainsParts) {}

  /** Whether a read is left to the database. */
  leaves(operation: Operation<unknown>, context: OperationContext): boolean {
    const { scope } = context
    const { family } = operation
    if (family === undefined || operation.isRaw === true || operation.inTransaction) return false
    const isAlone = scope === undefined || scope.reads === 0
    context.begin()
    if (scope?.basis !== undefined || scope?.notes !== undefined) return false
    let gain = this.#families.get(family)
    if (gain === undefined) {
      gain = new Gain()
      this.#families.set(family, gain)
    }
    context.gain = gain
    // It may be merged with those that were issued before it, or be part of a loop.
    return isAlone && (scope === undefined || !this.parts.remembers(scope)) && gain.leaves(this.parts.now())
  }
}
