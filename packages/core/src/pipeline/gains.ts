import { Gain } from './gain.ts'
import type { Operation } from './operation.ts'
import type { OperationContext } from './operation-context.ts'
import type { Scope } from './scope.ts'

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
