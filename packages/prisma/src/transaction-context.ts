import { AsyncLocalStorage } from 'node:async_hooks'
import type { TransactionWrites, WriteEffect } from '@sluice/core/adapter'
import { type WriteOutcome, WriteSet } from '@sluice/core/siblings'

const nothing = (): undefined => undefined

/** Operations add to a transaction; ending it is its owner's affair. By itself: for a transaction whose connection is seen. */
export const inert: TransactionWrites = {
  add: nothing,
  savepoint: nothing,
  release: nothing,
  rollbackTo: nothing,
  beforeCommit: nothing,
  end: nothing,
}

/** Reports the end of a change of the schema, and whether it certainly has ended. */
export type EndOfDefinition = (isOver: boolean) => void

/** One `$transaction` call under way. The operations in it and the connection it uses meet here. */
export class TransactionContext {
  readonly #written = new WriteSet()
  /** Reports the end of each change of the schema in it. */
  readonly #definitions: EndOfDefinition[] = []
  #claimed = false

  constructor(
    readonly writes: TransactionWrites,
    /** The `$transaction` call around this one: a savepoint in it, or the caller of an unrelated transaction. */
    readonly outer: TransactionContext | undefined,
  ) {}

  /**
   * The writes, for the first connection that asks: the one that the call begins with. Transactions begun further inside
   * (a nested write of another client, say) are not this one.
   */
  claim(): TransactionWrites | undefined {
    if (this.#claimed) return undefined
    this.#claimed = true
    return this.writes
  }

  /** Where operations add what they write. */
  gathering(): TransactionWrites {
    return { ...inert, add: (effect) => this.add(effect) }
  }

  add(effect: WriteEffect): void {
    this.#written.add(effect)
    this.writes.add(effect)
  }

  /**
   * It committed. If it was a savepoint of the outer transaction, what it wrote is seen by others at that one's commit only:
   * the outer one counts it too.
   */
  async committed(): Promise<void> {
    const { outer } = this
    for (const end of this.#definitions) {
      if (outer === undefined) end(true)
      else outer.defines(end)
    }
    const ended = this.writes.end('committed')
    if (!this.#written.isEmpty) outer?.add(this.#written)
    await ended
  }

  async failed(outcome: WriteOutcome): Promise<void> {
    for (const end of this.#definitions) end(outcome !== 'unknown')
    await this.writes.end(outcome)
  }

  /** Something in it may change the schema: whether it did is known when the transaction has ended. */
  defines(end: EndOfDefinition): void {
    this.#definitions.push(end)
  }
}

const contexts = new AsyncLocalStorage<TransactionContext>()

export function currentTransaction(): TransactionContext | undefined {
  return contexts.getStore()
}

export function runInTransaction<T>(context: TransactionContext, fn: () => T): T {
  return contexts.run(context, fn)
}
