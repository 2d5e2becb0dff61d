import type { WriteEffect } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'

/** How a write ended, as far as its process knows. `unknown`: the connection was lost, and it may still take effect. */
export type WriteOutcome = 'committed' | 'rolled-back' | 'unknown'

/** A write that is under way. Nothing that it touches is answered from memory until it has ended. */
export interface WriteIntent {
  end(outcome: WriteOutcome): void
}

/** The writes of one transaction. Others see them at its commit, and never if it rolls back. */
export interface TransactionWrites {
  add(effect: WriteEffect): void
  /** A savepoint inside the transaction; what is added goes to the innermost one. */
  savepoint(name: string): void
  release(name: string): void
  rollbackTo(name: string): void
  /** Right before COMMIT is sent. */
  beforeCommit(): void
  /** After the database answered. */
  end(outcome: WriteOutcome): void
}

/** Told of every write; what is kept in memory is kept right by it. */
export interface WriteTracker {
  begin(effect: WriteEffect): WriteIntent
  transaction(): TransactionWrites
  /** Equal before and after: no write to these tables began or ended in between. `undefined`: one is under way. */
  stateOf(tables: readonly TableId[]): string | undefined
}
