import type { ReplicaTarget } from '../pipeline/read-routing.ts'
import type { WriteOutcome } from '../pipeline/writes.ts'
import type { WriteEffect } from '../schema/catalog.ts'
import type { Connection, PoolState } from '../schema/connection.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { EqualitySelect } from './equality-select.ts'

/** Describes a client. An adapter passes it once. */
export interface ClientDescription {
  /** Display name of the ORM. */
  readonly orm: string
  readonly dialect: Dialect
  /**
   * Returns a way to query the database without Sluice; `undefined` once the client is gone. Must not keep
   * the client alive.
   *
   * @param closing - Aborted when the client is closed, if the connection is for reading the catalog. Pass it
   *   to `takeUntil` if a statement waits for a connection of the pool.
   */
  connection(closing?: AbortSignal): Connection | undefined
  /**
   * Connects a client that otherwise connects with its first statement. Default: `connection` is available
   * from the beginning.
   */
  connect?(): Promise<unknown>
  /** `import.meta.url` of the adapter: its frames are not call sites of the user. */
  readonly moduleUrl: string
  /**
   * Whether a connection of the pool is closed. Default: unknown, so that a connection whose session the app
   * changed counts as changed permanently.
   */
  isClosed?(connection: object): boolean
  /**
   * Identifies everything except the database that changes the results of this client: options of the driver
   * and of the ORM. Clients with equal settings share cached results. `undefined`: unknown, nothing is
   * shared. Default: nothing changes them.
   *
   * @param ownTypes - The oids of PostgreSQL's types, beyond those that every database has, whose type
   *   parsers matter.
   */
  settings?(ownTypes: readonly number[]): string | undefined
  /**
   * Returns code in the ORM's syntax that runs a repeated select once, for an array `keys`. `undefined`: no
   * such code is known.
   */
  fix?(select: EqualitySelect): string | undefined
  /** Returns the state of the connection pool; `undefined` once the client is gone. */
  pool?(): PoolState | undefined
  /**
   * Whether everything that the app sends uses one connection, now: an embedded database, or a pool whose
   * maximum is 1. Default: it does not.
   */
  isSingle?(): boolean
  /**
   * SQLite: whether the driver runs in this process and opens the file itself, so that its connections are
   * not shared with other processes. Default: unknown.
   */
  readonly isEmbedded?: boolean | undefined
  /**
   * Changes the maximum of the pool, from the next request for a connection on. Default: Sluice never changes
   * it.
   */
  resizePool?(max: number): void
  /**
   * Whether each operation goes through `execute`, so that its statements are counted but not recorded.
   * Default: `false`.
   */
  readonly recordsOperations?: boolean
  /** Replicas of the database. Default: there are none, and all reads use the database itself. */
  readonly replicas?: ClientReplicas | undefined
  /** Called with the effect of each statement that writes. */
  wrote?(effect: WriteEffect): void
  /**
   * Returns the outcome that the error of a failed write proves. `undefined`, and the default: Sluice
   * determines it from the codes in the error. Return `'unknown'` if the driver can add the code of another
   * error.
   */
  writeOutcome?(error: unknown): WriteOutcome | undefined
}

/** Replicas of a client's database (PostgreSQL, MariaDB). */
export interface ClientReplicas {
  /** `ReplicaOptions`, as the user passed them. */
  readonly options: object
  readonly targets: readonly ReplicaTarget[]
}
