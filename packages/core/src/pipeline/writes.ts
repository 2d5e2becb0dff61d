import type { WriteEffect } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'

/**
 * The outcome of a write, as far as its process knows. `unknown`: the connection was lost, and the write can
 * still take effect.
 */
export type WriteOutcome = 'committed' | 'rolled-back' | 'unknown'

/**
 * A write in flight. Until it has ended, nothing that it modifies is served from the memory of this process.
 */
export interface WriteIntent {
  end(outcome: WriteOutcome): void
}

/** A write that is announced to all processes. */
export interface AnnouncedWrite {
  /**
   * Settles when the write may be sent; `undefined`: immediately. If it rejects, the write must not be sent,
   * and has ended.
   */
  readonly ready: Promise<void> | undefined
  /**
   * @returns A promise that the caller must await before it reports the write as completed; `undefined`:
   * there is none. Never rejects.
   */
  end(outcome: WriteOutcome): Promise<void> | undefined
}

/** The writes of one transaction. Others see them at its commit, and never if it rolls back. */
export interface TransactionWrites {
  add(effect: WriteEffect): void
  /** A savepoint inside the transaction. Effects are added to the innermost one. */
  savepoint(name: string): void
  release(name: string): void
  rollbackTo(name: string): void
  /**
   * Call it right before COMMIT is sent.
   *
   * @returns A promise to await before COMMIT is sent; `undefined`: there is none. If it rejects, the
   * transaction must be rolled back instead.
   */
  beforeCommit(): Promise<void> | undefined
  /**
   * Call it after the database has responded.
   *
   * @returns A promise to await before the caller continues; `undefined`: there is none. Never rejects.
   */
  end(outcome: WriteOutcome): Promise<void> | undefined
}

/** The state of tables at the moment of a prefetch. */
export interface PrefetchState {
  /**
   * Whether it still holds, if other processes must be consulted for that; `undefined` if they do not have to
   * be. Never rejects.
   */
  check(): Promise<boolean> | undefined
}

/** Receives every write. Cached values are invalidated through it. */
export interface WriteTracker {
  /** Whether other processes are notified of writes: then every write must be announced on its connection. */
  readonly isShared: boolean
  /**
   * An operation writes. Affects only this process: the statements that it sends are announced separately.
   */
  begin(effect: WriteEffect): WriteIntent
  /**
   * A write waits for its connection. As long as it does, nothing that it modifies is served from the memory
   * of this process; after that, what was cached before is valid again.
   *
   * @returns A function that ends it. Call it once.
   */
  hold(effect: WriteEffect): () => void
  /** A connection is about to send a write that takes effect on its own. */
  announce(effect: WriteEffect): AnnouncedWrite
  transaction(): TransactionWrites
  /**
   * If it is equal before and after, no write to these tables began or ended in between, as far as this
   * process knows. `undefined`: a write is in flight.
   */
  stateOf(tables: readonly TableId[]): number | undefined
  /**
   * The state of tables before a prefetch, if other processes write, too; `undefined`: the tables must not be
   * prefetched. Omitted if there is only this process: `stateOf` is then sufficient. Never rejects.
   */
  prefetchState?(tables: readonly TableId[]): Promise<PrefetchState | undefined>
}
