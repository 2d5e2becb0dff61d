import type { WriteEffect } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'

/** How a write ended, as far as its process knows. `unknown`: the connection was lost, and it may still take effect. */
export type WriteOutcome = 'committed' | 'rolled-back' | 'unknown'

/** A write that is under way. Nothing that it touches is answered from this process's memory until it has ended. */
export interface WriteIntent {
  end(outcome: WriteOutcome): void
}

/** A write that all processes are told of. */
export interface AnnouncedWrite {
  /**
   * Settles when the write may be sent; `undefined`: at once. If it rejects, the write must not be sent, and has ended.
   */
  readonly ready: Promise<void> | undefined
  /**
   * @returns What its caller must wait for before it says that the write is done; `undefined`: nothing. Never rejects.
   */
  end(outcome: WriteOutcome): Promise<void> | undefined
}

/** The writes of one transaction. Others see them at its commit, and never if it rolls back. */
export interface TransactionWrites {
  add(effect: WriteEffect): void
  /** A savepoint inside the transaction; what is added goes to the innermost one. */
  savepoint(name: string): void
  release(name: string): void
  rollbackTo(name: string): void
  /**
   * Right before COMMIT is sent.
   *
   * @returns What to wait for before it is; `undefined`: nothing. If it rejects, the transaction must be rolled back instead.
   */
  beforeCommit(): Promise<void> | undefined
  /**
   * After the database answered.
   *
   * @returns What to wait for before the caller is told; `undefined`: nothing. Never rejects.
   */
  end(outcome: WriteOutcome): Promise<void> | undefined
}

/** The state of tables at the moment at which something was asked for ahead of its time. */
export interface StateAhead {
  /** Whether it still holds, where other processes must be asked for that; `undefined`: they need not be. Never rejects. */
  check(): Promise<boolean> | undefined
}

/** Told of every write; what is kept is kept right by it. */
export interface WriteTracker {
  /** Whether other processes are told of writes: then every write must be announced on its connection. */
  readonly isShared: boolean
  /** An operation writes. Concerns this process alone: what it sends is announced besides. */
  begin(effect: WriteEffect): WriteIntent
  /** A connection is about to send a write that takes effect by itself. */
  announce(effect: WriteEffect): AnnouncedWrite
  transaction(): TransactionWrites
  /**
   * Equal before and after: no write to these tables began or ended in between, as far as this process knows.
   * `undefined`: one is under way.
   */
  stateOf(tables: readonly TableId[]): number | undefined
  /**
   * The state of tables before they are asked ahead, where other processes write, too; `undefined`: they must not be. Left out where this process
   * is by itself: `stateOf` says all. Never rejects.
   */
  ahead?(tables: readonly TableId[]): Promise<StateAhead | undefined>
}
