import { InvalidOptionError, type Sluice, type SluiceOptions } from '@sluice/core'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'

export interface PrismaOptions {
  /**
   * What is known of the models, as `generator sluice` writes it: `import { schema } from './generated/sluice/index.js'`.
   * @defaultValue read from the database through `sluiceAdapter`, if that is used
   */
  readonly schema?: PrismaSchemaData
}

export function isSluice(value: Sluice | SluiceOptions): value is Sluice {
  return typeof value === 'object' && value !== null && 'openScope' in value
}

/** @throws InvalidOptionError */
export function checkPrismaOptions(options: PrismaOptions): void {
  if (typeof options !== 'object' || options === null) throw new InvalidOptionError('options', 'an object', options)
  for (const name of Object.keys(options))
    if (name !== 'schema') throw new InvalidOptionError(name, 'one of schema', `unknown option "${name}"`)
  const { schema } = options
  if (schema !== undefined && (typeof schema !== 'object' || schema === null || schema.version !== 1)) {
    throw new InvalidOptionError('schema', 'what `generator sluice` of this version wrote', schema)
  }
}
