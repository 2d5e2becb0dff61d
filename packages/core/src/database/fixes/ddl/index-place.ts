import type { NamedTable } from '../database-facts.ts'
import type { IndexPlace } from './change-sql.ts'

export function placeOf(table: NamedTable, name: string): IndexPlace {
  return { ...(table.isInDefaultSchema ? {} : { schema: table.schema }), table: table.name, name }
}
