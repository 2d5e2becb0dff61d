import { Gain } from './gain.ts'
import type { Operation } from './operation.ts'
import type { OperationContext } from './operation-context.ts'
import type { Scope } from './scope.ts'

/**
 * Decides which reads pass through to the database in `optimize` mode. Processing a read costs as much as a
 * fast query, and most apps have reads that are never repeated, nor issued together with others.
 */
export class Gains {
  readonly #families = new WeakMap<object, Gain>()

  /** @param now - Monotonic time in milliseconds. */
  constructor(private readonly now: () => number) {}

  /** Whether a read passes through to the database. */
  skips(operation: Operation<unknown>, context: OperationContext): boolean {
    const { scope } = context
    const { family } = operation
    if (family === undefined || operation.isRaw === true || operation.inTransaction) return false
    const isAlone = scope === undefined || scope.isIdle
    context.begin()
    if (scope?.basis !== undefined || scope?.notes !== undefined) return false
    const gain = this.#gainOf(family)
    context.gain = gain
    if (!isAlone) return false
    return !gain.examines(this.now)
  }

  /** The same for a read that its adapter then sends as its ORM does: its result is not seen. */
  skipsUnseen(family: object, scope: Scope): boolean {
    if (scope.basis !== undefined || scope.notes !== undefined || !scope.isIdle) return false
    if (!this.#gainOf(family).skips(this.now)) return false
    scope.unsent += 1
    return true
  }

  #gainOf(family: object): Gain {
    let gain = this.#families.get(family)
    if (gain === undefined) {
      gain = new Gain()
      this.#families.set(family, gain)
    }
    return gain
  }
}
