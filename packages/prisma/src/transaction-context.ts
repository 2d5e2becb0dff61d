import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type TransactionReads,
  type TransactionWrites,
  type WriteEffect,
  type WriteOutcome,
  WriteSet,
} from '@sluice/core/adapter'

const nothing = (): undefined => undefined

/**
 * For a transaction whose connection Sluice sees: operations add their writes, and only the owner of the
 * transaction ends it.
 */
export const inert: TransactionWrites = {
  add: nothing,
  savepoint: nothing,
  release: nothing,
  rollbackTo: nothing,
  beforeCommit: nothing,
  end: nothing,
}

/** Reports the end of a schema change, and whether it has certainly ended. */
export type EndOfDefinition = (isOver: boolean) => void

/** One `$transaction` call in progress. It connects the operations in it with the connection that it uses. */
export class TransactionContext {
  readonly #written = new WriteSet()
  /** Reports the end of each schema change in the transaction. */
  readonly #definitions: EndOfDefinition[] = []
  #claimed = false
  /** Those of its connection; `undefined`: none of them are served from the cache. */
  reads: TransactionReads | undefined

  constructor(
    readonly writes: TransactionWrites,
    /**
     * The enclosing `$transaction` call: this one is a savepoint in it, or an unrelated transaction started
     * inside it.
     */
    readonly outer: TransactionContext | undefined,
  ) {}

  /**
   * Returns the writes to the first connection that claims them: the connection with which the call begins.
   * Transactions that begin later inside it (for example, a nested write of a different client) are separate.
   */
  claim(): TransactionWrites | undefined {
    if (this.#claimed) return undefined
    this.#claimed = true
    return this.writes
  }

  /** The object to which operations add their writes. */
  gathering(): TransactionWrites {
    return { ...inert, add: (effect) => this.add(effect) }
  }

  add(effect: WriteEffect): void {
    this.#written.add(effect)
    this.writes.add(effect)
  }

  /**
   * Reports the commit. If this was a savepoint of the outer transaction, its writes become visible to others
   * only when the outer transaction commits, so they are also added to the outer one.
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

  /** An operation in it can change the schema: whether it did is known when the transaction has ended. */
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
