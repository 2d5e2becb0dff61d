import { checkOptions, type OptionRule } from '@sluice/core'
import type { PrismaSchemaData } from './schema/prisma-schema-data.ts'

export interface PrismaOptions {
  /**
   * What is known of the models, as `generator sluice` writes it: `import { schema } from './generated/sluice/index.js'`.
   * @defaultValue read from the database through `sluiceAdapter`, if that is used
   */
  readonly schema?: PrismaSchemaData
}

const schema: OptionRule = {
  expected: 'what `generator sluice` of this version wrote',
  accepts: (value) => typeof value === 'object' && value !== null && (value as Partial<PrismaSchemaData>).version === 1,
}

/** @throws InvalidOptionError */
export function checkPrismaOptions(options: PrismaOptions): void {
  checkOptions(options, { schema })
}
