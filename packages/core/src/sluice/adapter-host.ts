import { registeredHost } from '../adapter/host-registry.ts'
import type { Gain } from '../pipeline/gain.ts'
import type { Operation } from '../pipeline/operation.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import type { ReadRouter, RoutedClient } from '../pipeline/read-routing.ts'
import type { ScopeStorage } from '../pipeline/scope.ts'
import type { StatementWatch } from '../pipeline/statement-watch.ts'
import type { WriteTracker } from '../pipeline/writes.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { ConnectionRegistry } from '../schema/connection.ts'
import type { RowLoader } from '../schema/row-loader.ts'
import type { SluiceWarningCode } from '../shared/warning-codes.ts'

/** The interface of a Sluice for its adapters. For authors of adapters; apps do not need it. */
export interface AdapterHost {
  /** Sends an operation on its way. */
  execute<TResult>(operation: Operation<TResult>): Promise<TResult>
  /**
   * Whether a read outside of transactions is sent as in `observe`, without `execute`, because processing
   * such reads has no benefit. It is counted then. For clients whose statements are seen.
   */
  skips(gain: Gain): boolean
  readonly scopes: ScopeStorage
  readonly stats: QueryStats
  readonly catalogs: CatalogRegistry
  /** Connections for inspections and plans. */
  readonly connections: ConnectionRegistry
  readonly writes: WriteTracker
  /**
   * Receives every statement; `undefined` while there are no receivers. Read it for each statement, because
   * receivers can be added.
   */
  readonly watch: StatementWatch | undefined
  /**
   * Lets reads go to replicas of a client's database; `undefined` for one whose replicas cannot be compared
   * with it.
   *
   * @throws InvalidOptionError
   */
  routeReads(client: RoutedClient): ReadRouter | undefined
  /** Lets rows be loaded through a client, for `eagerLoadRelationships`. */
  attachLoader(sourceId: string, loader: RowLoader): void
  /** A transaction of the current scope has ended, with any outcome: prefetched rows may be outdated. */
  transactionEnded(): void
  /** A new id for an instrumented client. */
  nextSourceId(orm: string): string
  /**
   * Whether an operation can be optimized, in the current mode or in an open scope. Only then is the catalog
   * read.
   */
  isOptimizing(): boolean
  /** Keys that a merged query may carry. */
  readonly maxKeys: number
  /** Maximum number of additional rows per key that a batched query reads. */
  readonly maxExtraRows: number
  /** Monotonic time in milliseconds. */
  now(): number
  /** An error inside an adapter's own code: counted and emitted, never thrown at the caller. */
  reportError(error: unknown): void
  /**
   * Warns the user once: with the app's logger, or as a process warning of Node.
   *
   * @param code - Default: `SLUICE_UNSUPPORTED_CLIENT`.
   */
  warn(message: string, code?: SluiceWarningCode): void
}

/**
 * The services that a Sluice offers to adapters.
 *
 * @throws InvalidArgumentError if it is not a Sluice.
 */
export function adapterHostOf(sluice: object): AdapterHost {
  return registeredHost(sluice) as AdapterHost
}
