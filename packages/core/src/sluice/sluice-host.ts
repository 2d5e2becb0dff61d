import { registeredHost, registerHost } from '../adapter/host-registry.ts'
import type { DerivedValues } from '../cache/derived-values.ts'
import type { Recorder } from '../pipeline/recorder.ts'
import type { Mode, Scope } from '../pipeline/scope.ts'
import type { StatementWatch } from '../pipeline/statement-watch.ts'
import type { WaitingLookups } from '../pipeline/waiting-lookups.ts'
import type { PoolState } from '../schema/connection.ts'
import type { Logger } from '../shared/logger.ts'
import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { AdapterHost } from './adapter-host.ts'
import type { ResponseDifference } from './events.ts'
import type { ScopeReport } from './scopes.ts'
import type { Traces } from './trace/traces.ts'

/** The interface of a Sluice for the adapter kit, and for the packages of Sluice. */
export interface SluiceHost extends AdapterHost {
  readonly recorder: Recorder
  /** A statement is sent. Costs almost nothing for a known SQL string; never throws. */
  seen(sql: string, dialect: Dialect, analyzed: AnalyzedSql): void
  /** Adds a receiver of every statement; returns a function that removes it. */
  watchStatements(watch: Pick<StatementWatch, 'begin'>): () => void
  /** Traces of the workload. */
  readonly trace: Traces
  /** Lookups that wait for others of their group. */
  readonly lookups: WaitingLookups
  /** Values that are made from several reads, such as responses; `undefined` when caching is switched off. */
  readonly derived: DerivedValues | undefined
  /** Asks the shared store for a sign of life; `undefined` where there is none. */
  readonly pingStore: (() => Promise<void>) | undefined
  /** Shadow mode found a response that differs. */
  differs(difference: ResponseDifference): void
  /** How operations outside any scope are treated now. */
  mode(): Mode
  /**
   * Whether new scopes have this mode and share their results: there is no `rollout` below 1, and no
   * `context`.
   */
  readonly isUniform: boolean
  /**
   * If processes share a cache: the maximum time in milliseconds between sending a write and its execution by
   * the database.
   */
  readonly latestWriteMs: number | undefined
  /** Milliseconds between looks for changes of the schema by other processes; `false`: no looks. */
  readonly schemaCheckMs: number | false
  /**
   * Time to live in milliseconds of results that may be extended while no other process writes; `undefined`:
   * none are.
   */
  readonly extendedTtlMs: number | undefined
  /**
   * Registers a connection pool; returns a function that removes it.
   *
   * @param resize - Changes its maximum. Omitted if that is impossible while the app runs.
   */
  attachPool(sourceId: string, read: () => PoolState | undefined, resize?: (max: number) => void): () => void
  /**
   * A caller has got a connection of the pool that was attached under this name, or was refused one.
   *
   * @param wasExhausted - Whether all connections of the pool were in use at the time of the request.
   * @param count - Callers who waited for so long. Default: `1`.
   */
  poolWaited(sourceId: string, ms: number, wasExhausted: boolean, count?: number): void
  /** Whether reads of a source may go to replicas. */
  isRouted(sourceId: string): boolean
  /** Whether a client was instrumented: it has an id, or its operations or statements were seen. */
  readonly hasClient: boolean
  /** Findings of a scope so far, without counting or emitting them. `undefined`: detection is off. */
  findingsSoFar(scope: Scope): ScopeReport['findings'] | undefined
  /** Number of functions that receive findings. */
  findingListeners(): number
  /** The app's logger, if it has one. */
  readonly logger: Logger | undefined
}

export function setHost(sluice: object, host: SluiceHost): void {
  registerHost(sluice, host)
}

/** @throws InvalidArgumentError if it is not a Sluice. */
export function hostOf(sluice: object): SluiceHost {
  return registeredHost(sluice) as SluiceHost
}
