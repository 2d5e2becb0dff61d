import { InvalidOptionError, type ReplicaOptions } from '@sluice/core'
import { resolveReplicaOptions } from '@sluice/core/siblings'
import type { Knex } from 'knex'

export interface KnexOptions extends ReplicaOptions {
  /**
   * Instances of replicas of the database (PostgreSQL, MariaDB), each of one server, set up like the instance itself. Reads are sent to them where that is as good.
   * @defaultValue []
   */
  readonly replicas?: readonly Knex[]
}

/** The replicas, and what is said of them all. */
export function replicasOf({ replicas = [], ...options }: KnexOptions): {
  readonly replicas: readonly Knex[]
  readonly options: ReplicaOptions
} {
  if (!Array.isArray(replicas) || !replicas.every((replica) => typeof replica === 'function'))
    throw new InvalidOptionError('replicas', 'an array of Knex instances', replicas)
  resolveReplicaOptions(options)
  return { replicas, options }
}
