import type { Dialect } from '../../../sql/dialect.ts'
import { quoteName } from '../../quote-name.ts'
import type { NamedTable } from '../database-facts.ts'

/** A name in the schema of a table, which is written only where it is not the default one. */
export function quoteIn({ schema, isInDefaultSchema }: NamedTable, name: string, dialect: Dialect): string {
  return isInDefaultSchema ? quoteName(name, dialect) : `${quoteName(schema, dialect)}.${quoteName(name, dialect)}`
}
