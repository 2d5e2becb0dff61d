import { quoteName } from '../../sql/dialect.ts'
import { type IndexDefinition, indexBodySql } from '../index-definition.ts'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { quotedTable } from '../names.ts'

type Place = Pick<DatabaseSnapshot, 'dialect' | 'defaultSchema'>

/** `CREATE INDEX`, without locking the table where the database can do that. */
export function createIndexSql(
  place: Place,
  table: Pick<TableSnapshot, 'schema' | 'name'>,
  index: IndexDefinition,
  name: string,
): string {
  const { dialect } = place
  const unique = index.isUnique ? 'UNIQUE ' : ''
  const what = `${quoteName(name, dialect)} ON ${quotedTable(place, table)} ${indexBodySql(index, dialect)}`
  switch (dialect) {
    case 'postgresql':
      return `CREATE ${unique}INDEX CONCURRENTLY ${what};`
    case 'mysql':
      return index.method === 'fulltext'
        ? `CREATE FULLTEXT INDEX ${what};`
        : `CREATE ${unique}INDEX ${what} ALGORITHM=INPLACE LOCK=NONE;`
    case 'sqlite':
      return `CREATE ${unique}INDEX ${what};`
  }
}

/** `DROP INDEX`; of a constraint's index, the statement that drops the constraint. */
export function dropIndexSql(
  place: Place,
  table: Pick<TableSnapshot, 'schema' | 'name'>,
  index: IndexSnapshot,
): string {
  const { dialect, defaultSchema } = place
  const name = quoteName(index.name, dialect)
  if (dialect === 'mysql') return `DROP INDEX ${name} ON ${quotedTable(place, table)};`
  if (index.isConstraint && dialect === 'postgresql')
    return `ALTER TABLE ${quotedTable(place, table)} DROP CONSTRAINT ${name};`
  const qualified = table.schema === defaultSchema ? name : `${quoteName(table.schema, dialect)}.${name}`
  return `DROP INDEX ${dialect === 'postgresql' ? 'CONCURRENTLY ' : ''}${qualified};`
}
