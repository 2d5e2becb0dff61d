import type { ReplicaOptions } from '@sluice/core'
import { checkOptions, type OptionRule, option, resolveReplicaOptions } from '@sluice/core/siblings'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'

export interface PrismaOptions extends ReplicaOptions {
  /**
   * What is known of the models, as `generator sluice` writes it: `import { schema } from './generated/sluice/index.js'`.
   * @defaultValue read from the database through `sluiceAdapter`, if that is used
   */
  readonly schema?: PrismaSchemaData
  /**
   * Clients of replicas of the database (PostgreSQL, MariaDB), each of one server, made like the client itself and not extended. Reads are sent to them where that is as good.
   * @defaultValue []
   */
  readonly replicas?: readonly object[]
}

const schema: OptionRule = {
  expected: 'what `generator sluice` of this version wrote',
  accepts: (value) => typeof value === 'object' && value !== null && (value as Partial<PrismaSchemaData>).version === 1,
}

/** @throws InvalidOptionError */
export function checkPrismaOptions(options: PrismaOptions): void {
  const { schema: given, replicas, ...others } = options
  checkOptions({ schema: given, replicas }, { schema, replicas: option.array })
  resolveReplicaOptions(others)
}

/** The replicas, and what is said of them all. */
export function replicasOf({ replicas = [], schema: _, ...options }: PrismaOptions): {
  readonly replicas: readonly object[]
  readonly options: ReplicaOptions
} {
  return { replicas, options }
}
