import type { ReplicaTarget } from '../../pipeline/read-routing.ts'
import type { EqualitySelect } from '../equality-select.ts'

/** A pool of a replica, with its location. */
export interface ReplicaPool extends Pick<ReplicaTarget, 'region' | 'zone'> {
  readonly client: object
}

/** Pools of a database's replicas, each of one server and configured like the pool of the primary. */
export interface PoolReplicas {
  /** `ReplicaOptions`, as the user passed them. */
  readonly options: object
  readonly pools: readonly ReplicaPool[]
}

/** The ORM above the driver of a pool. */
export interface PoolDescription {
  /** The name of the ORM above the driver. Default: the name of the driver. */
  readonly orm?: string
  /** `import.meta.url` of the adapter. Default: of this file. */
  readonly moduleUrl?: string
  /** Returns code in the ORM's syntax that runs a repeated select once, for an array `keys`. */
  fix?(select: EqualitySelect): string | undefined
  /** Pools of the database's replicas. Default: there are none. */
  readonly replicas?: PoolReplicas | undefined
  /** Identifies the options of the ORM that change its results. Default: there are none. */
  settings?(): string | undefined
  /**
   * Whether queries are sent by builders that users await: their call sites are known two microtasks later.
   * Default: `false`.
   */
  readonly isAwaited?: boolean
  /**
   * Identifies the type parsers of a query that has its own: `types` of `pg`, `typeCast` of `mysql2`.
   * `undefined`: the query is sent unchanged. Default: only queries without their own type parsers go through
   * Sluice.
   */
  parsersOf?(types: object): string | undefined
}
