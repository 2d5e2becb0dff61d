import type { ReplicaOptions } from '@sluice/core'
import {
  isMysql2Pool,
  isPgPool,
  type PlacedReplica,
  type PoolReplicas,
  placedReplicas,
  resolveReplicaOptions,
} from '@sluice/core/adapter'

export interface DrizzleOptions extends ReplicaOptions {
  /**
   * Pools for the database's replicas (PostgreSQL, MariaDB), of the same driver. Each connects to one server
   * and is configured like the primary's pool. Sluice sends a read to a replica if the read does not need the
   * primary. With `balancer.region`: `{ client, region }`.
   * @defaultValue []
   */
  readonly replicas?: readonly (object | DrizzleReplica)[]
}

/** A pool for a replica, with its location. */
export interface DrizzleReplica extends PlacedReplica<object> {}

/**
 * The replicas of a client.
 *
 * @returns `undefined` if there are none.
 * @throws InvalidOptionError
 */
export function replicasOf(
  client: object,
  { replicas = [], ...options }: DrizzleOptions,
): PoolReplicas | undefined {
  const isSame = isMysql2Pool(client) ? isMysql2Pool : isPgPool
  const isPool = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && isSame(value)
  const pools = placedReplicas(replicas, isPool, 'pool of the same driver')
  resolveReplicaOptions(options, pools)
  return pools.length === 0 ? undefined : { options, pools }
}
