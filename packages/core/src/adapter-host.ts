import type { Operation } from './pipeline/operation.ts'
import type { QueryStats } from './pipeline/query-stats.ts'
import type { Recorder } from './pipeline/recorder.ts'
import type { ScopeStorage } from './pipeline/scope.ts'
import type { WriteTracker } from './pipeline/writes.ts'
import type { CatalogRegistry } from './schema/catalog-registry.ts'

/** What a Sluice offers to its adapters. For those who write one; apps have no use for it. */
export interface AdapterHost {
  /** Sends an operation on its way. */
  execute<TResult>(operation: Operation<TResult>): Promise<TResult>
  readonly scopes: ScopeStorage
  readonly recorder: Recorder
  readonly stats: QueryStats
  readonly catalogs: CatalogRegistry
  readonly writes: WriteTracker
  /** Keys that a merged query may carry. */
  readonly maxKeys: number
  /** Whether anything but observing goes on, so that a catalogue is worth reading. */
  isOptimizing(): boolean
  /** A new id for an instrumented client. */
  nextSourceId(orm: string): string
  /** An error inside an adapter's own code: counted and emitted, never thrown at the caller. */
  reportError(error: unknown): void
  /** Tells the user once, through Node's process warnings. */
  warn(message: string): void
  onClose(callback: () => void): void
}

/** Under this key a Sluice carries its host; shared between copies of this package in one process. */
export const HOST: unique symbol = Symbol.for('sluice.host') as never
