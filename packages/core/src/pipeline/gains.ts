import { Gain } from './gain.ts'
import type { Operation } from './operation.ts'
import type { OperationContext } from './operation-context.ts'
import type { Scope } from './scope.ts'

export interface GainsParts {
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  /** Whether a scope remembers rows that a loop can iterate over. */
  readonly remembers: (scope: Scope) => boolean
}

/**
 * Decides which reads pass through to the database in `optimize` mode. Processing a read costs as much as a
 * fast query, and most apps have reads that are never repeated, nor issued together with others.
 */
export class Gains {
  readonly #families = new WeakMap<object, Gain>()

  constructor(private readonly parts: GainsParts) {}

  /** Whether a read passes through to the database. */
  skips(operation: Operation<unknown>, context: OperationContext): boolean {
    const { scope } = context
    const { family } = operation
    if (family === undefined || operation.isRaw === true || operation.inTransaction) return false
    const isAlone = scope === undefined || this.#isAlone(scope)
    context.begin()
    if (scope?.basis !== undefined || scope?.notes !== undefined) return false
    const gain = this.#gainOf(family)
    context.gain = gain
    if (!isAlone) return false
    if (gain.skips(this.parts.now)) return true
    gain.looked(this.parts.now)
    return false
  }

  /** The same for a read that its adapter then sends as its ORM does: its result is not seen. */
  skipsUnseen(family: object, scope: Scope): boolean {
    if (scope.basis !== undefined || scope.notes !== undefined || !this.#isAlone(scope)) return false
    if (!this.#gainOf(family).skips(this.parts.now)) return false
    scope.unsent += 1
    return true
  }

  /**
   * Whether the next read of a scope can neither be batched with reads that were issued before it, nor be
   * part of a loop.
   */
  #isAlone(scope: Scope): boolean {
    return scope.reads === 0 && scope.unsent === 0 && scope.statements === 0 && !this.parts.remembers(scope)
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
