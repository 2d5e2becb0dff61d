import type { ReplicaOptions } from '@sluice/core'
import {
  checkOptions,
  type OptionRule,
  type PlacedReplica,
  placedReplicas,
  resolveReplicaOptions,
} from '@sluice/core/adapter'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'

export interface PrismaOptions extends ReplicaOptions {
  /**
   * The schema data that `generator sluice` writes: `import { schema } from './generated/sluice/index.js'`.
   * @defaultValue read from the database through `sluiceAdapter`, if that is used
   */
  readonly schema?: PrismaSchemaData
  /**
   * Clients of the database's replicas (PostgreSQL, MariaDB). Each connects to one server, is created like
   * the primary's client, and is not extended. Sluice sends a read to a replica if the read does not need the
   * primary. With `balancer.region`: `{ client, region }`.
   * @defaultValue []
   */
  readonly replicas?: readonly (object | PrismaReplica)[]
}

/** A client of a replica, with its location. */
export interface PrismaReplica extends PlacedReplica<object> {}

const schema: OptionRule = {
  expected: 'the output of `generator sluice` of this version',
  accepts: (value) =>
    typeof value === 'object' && value !== null && (value as Partial<PrismaSchemaData>).version === 1,
}

/** @throws InvalidOptionError */
export function checkPrismaOptions(options: PrismaOptions): void {
  checkOptions({ schema: options.schema }, { schema })
  const { replicas, options: others } = replicasOf(options)
  resolveReplicaOptions(others, replicas)
}

/** The replica clients, and the options that apply to all of them. */
export function replicasOf({ replicas = [], schema: _, ...options }: PrismaOptions): {
  readonly replicas: readonly PrismaReplica[]
  readonly options: ReplicaOptions
} {
  return { replicas: placedReplicas(replicas, isClient, 'Prisma client'), options }
}

/** A client has the properties of its models, of which one may be named `client`. */
function isClient(value: unknown): value is object {
  return typeof value === 'object' && value !== null && '$connect' in value
}
