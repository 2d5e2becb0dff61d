import type { IndexDefinition } from '../../index-definition.ts'
import type { TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { quoteName } from '../../quote-name.ts'

/** `CREATE INDEX` in SQLite. */
export function createSqliteIndex(name: string, table: TableSnapshot, { keys, where, isUnique }: IndexDefinition): string {
  const columns = keys.map(
    ({ column, expression, collation, isDescending }) =>
      `${expression ?? quoteName(column, 'sqlite')}${collation === undefined ? '' : ` COLLATE ${collation}`}${isDescending === true ? ' DESC' : ''}`,
  )
  const unique = isUnique ? 'UNIQUE ' : ''
  const filter = where === undefined ? '' : ` WHERE ${where}`
  return `CREATE ${unique}INDEX ${name} ON ${quoteName(table.name, 'sqlite')} (${columns.join(', ')})${filter}`
}
