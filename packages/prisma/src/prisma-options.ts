import type { ReplicaOptions } from '@sluice/core'
import { checkOptions, type OptionRule, option, resolveReplicaOptions } from '@sluice/core/siblings'
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
   * primary.
   * @defaultValue []
   */
  readonly replicas?: readonly object[]
}

const schema: OptionRule = {
  expected: 'the output of `generator sluice` of this version',
  accepts: (value) =>
    typeof value === 'object' && value !== null && (value as Partial<PrismaSchemaData>).version === 1,
}

/** @throws InvalidOptionError */
export function checkPrismaOptions(options: PrismaOptions): void {
  const { schema: given, replicas, ...others } = options
  checkOptions({ schema: given, replicas }, { schema, replicas: option.array })
  resolveReplicaOptions(others)
}

/** The replica clients, and the options that apply to all of them. */
export function replicasOf({ replicas = [], schema: _, ...options }: PrismaOptions): {
  readonly replicas: readonly object[]
  readonly options: ReplicaOptions
} {
  return { replicas, options }
}
