import { registeredHost, registerHost } from '../adapter/host-registry.ts'
import type { DerivedValues } from '../cache/derived/derived-values.ts'
import type { Operation } from '../pipeline/operation.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import type { ReadRouter, RoutedClient } from '../pipeline/read-routing.ts'
import type { Recorder } from '../pipeline/recorder.ts'
import type { Mode, Scope, ScopeStorage } from '../pipeline/scope.ts'
import type { StatementWatch } from '../pipeline/statement-watch.ts'
import type { WriteTracker } from '../pipeline/writes.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { ConnectionRegistry, PoolState } from '../schema/connection.ts'
import type { RowLoader } from '../schema/row-loader.ts'
import type { Logger } from '../shared/logger.ts'
import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { ResponseDifference } from './events.ts'
import type { ScopeReport } from './scopes.ts'

/** What a Sluice offers to its adapters. For those who write one; apps have no use for it. */
export interface AdapterHost {
  /** Sends an operation on its way. */
  execute<TResult>(operation: Operation<TResult>): Promise<TResult>
  /**
   * Whether a read outside of transactions is sent as in `observe`, without `execute`, because looking at reads of its family brings nothing. It is counted then.
   * For clients whose statements are seen.
   */
  leaves(family: object): boolean
  readonly scopes: ScopeStorage
  readonly recorder: Recorder
  readonly stats: QueryStats
  readonly catalogs: CatalogRegistry
  /** A statement is sent. Costs next to nothing for a text that was seen before; never throws. */
  seen(sql: string, dialect: Dialect, analyzed: AnalyzedSql): void
  /** Is told of every statement; `undefined` where nobody wants to know. Others may come to want it: it is read with each. */
  readonly watch: StatementWatch | undefined
  /** Tells somebody else of every statement, too; returns the function that stops it. */
  watchStatements(watch: Pick<StatementWatch, 'begin'>): () => void
  /** Lets the database be asked through a client: for inspecting it, and for plans. */
  readonly connections: ConnectionRegistry
  /** Lets a pool of connections be looked at; returns what takes it off again. */
  attachPool(sourceId: string, read: () => PoolState | undefined): () => void
  /**
   * A caller has got a connection of the pool that was attached under this name, or was refused one.
   *
   * @param wasExhausted - Whether all connections that the pool may have were in use when it asked.
   * @param count - Callers who waited for so long. Default: `1`.
   */
  poolWaited(sourceId: string, ms: number, wasExhausted: boolean, count?: number): void
  /** Lets rows be loaded through a client, for `eagerLoadRelationships`. */
  attachLoader(sourceId: string, loader: RowLoader): void
  readonly writes: WriteTracker
  /** Values that are made from several reads, such as responses; `undefined` when caching is switched off. */
  readonly derived: DerivedValues | undefined
  /** Asks the shared store for a sign of life; `undefined` where there is none. */
  readonly pingStore: (() => Promise<void>) | undefined
  /** Shadow mode found a response that differs. */
  differs(difference: ResponseDifference): void
  /** Lets reads go to replicas of a client's database; `undefined` for one whose replicas cannot be compared with it. @throws InvalidOptionError */
  routeReads(client: RoutedClient): ReadRouter | undefined
  /** Monotonic time in milliseconds. */
  now(): number
  /** How operations outside any scope are treated now. */
  mode(): Mode
  /** Whether scopes that are opened now have that mode, and share their results: there is no `rollout` below 1, and no `context`. */
  readonly isUniform: boolean
  /** Where processes share a cache: how long after it was sent the database may carry out a write at most, in milliseconds. */
  readonly latestWriteMs: number | undefined
  /** Milliseconds between looks for changes of the schema by other processes; `false`: no looks. */
  readonly schemaCheckMs: number | false
  /** Keys that a merged query may carry. */
  readonly maxKeys: number
  /** Rows beyond those asked for that a merged query may fetch for each key. */
  readonly maxExtraRows: number
  /** Whether anything but observing goes on, in the mode of now or in a scope that is open: a catalogue is worth reading then. */
  isOptimizing(): boolean
  /** A transaction of the current scope has ended, in whatever way: what was asked ahead may not be what it left. */
  transactionEnded(): void
  /** A new id for an instrumented client. */
  nextSourceId(orm: string): string
  /** What detection says of a scope so far; nothing is counted or emitted. `undefined`: detection is off. */
  findingsSoFar(scope: Scope): ScopeReport['findings'] | undefined
  /** An error inside an adapter's own code: counted and emitted, never thrown at the caller. */
  reportError(error: unknown): void
  /** Tells the user once: by the app's logger, or through Node's process warnings. */
  warn(message: string): void
  /** The app's, where it has given one. */
  readonly logger: Logger | undefined
}

export function setHost(sluice: object, host: AdapterHost): void {
  registerHost(sluice, host)
}

/**
 * The services that a Sluice offers to adapters.
 *
 * @throws InvalidArgumentError when it is no Sluice.
 */
export function hostOf(sluice: object): AdapterHost {
  return registeredHost(sluice) as AdapterHost
}
