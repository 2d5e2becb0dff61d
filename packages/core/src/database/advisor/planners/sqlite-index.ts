import type { IndexDefinition } from '../../index-definition.ts'
import { indexBodySql } from '../../index-key-sql.ts'
import type { TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { quoteName } from '../../quote-name.ts'

/** `CREATE INDEX` in SQLite. */
export function createSqliteIndex(name: string, table: TableSnapshot, index: IndexDefinition): string {
  return `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ${name} ON ${quoteName(table.name, 'sqlite')} ${indexBodySql(index, 'sqlite')}`
}
