import type { IndexDefinition, IndexKey } from '../index-definition.ts'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { quoteName } from '../quote-name.ts'
import { quotedTable } from './names.ts'

type Place = Pick<DatabaseSnapshot, 'dialect' | 'defaultSchema'>

/** `CREATE INDEX`, without locking the table where the database can do that. */
export function createIndexSql(place: Place, table: Pick<TableSnapshot, 'schema' | 'name'>, index: IndexDefinition, name: string): string {
  const { dialect } = place
  const unique = index.isUnique ? 'UNIQUE ' : ''
  const keys = index.keys.map((key) => keySql(place, key)).join(', ')
  const on = `ON ${quotedTable(place, table)}`
  const where = index.where === undefined ? '' : ` WHERE ${index.where}`
  switch (dialect) {
    case 'postgresql': {
      const using = index.method === 'btree' ? '' : ` USING ${index.method}`
      const carried = index.include?.length ? ` INCLUDE (${index.include.map((column) => quoteName(column, dialect)).join(', ')})` : ''
      return `CREATE ${unique}INDEX CONCURRENTLY ${quoteName(name, dialect)} ${on}${using} (${keys})${carried}${where};`
    }
    case 'mysql':
      return index.method === 'fulltext'
        ? `CREATE FULLTEXT INDEX ${quoteName(name, dialect)} ${on} (${keys});`
        : `CREATE ${unique}INDEX ${quoteName(name, dialect)} ${on} (${keys}) ALGORITHM=INPLACE LOCK=NONE;`
    case 'sqlite':
      return `CREATE ${unique}INDEX ${quoteName(name, dialect)} ${on} (${keys})${where};`
  }
}

function keySql({ dialect }: Place, key: IndexKey): string {
  const base = key.expression === undefined ? quoteName(key.column, dialect) : expressionSql(dialect, key.expression)
  return [
    base,
    key.prefixLength === undefined ? '' : `(${key.prefixLength})`,
    key.collation === undefined ? '' : ` COLLATE ${key.collation}`,
    key.operatorClass === undefined ? '' : ` ${key.operatorClass}`,
    key.isDescending === true ? ' DESC' : '',
    key.nulls === undefined ? '' : ` NULLS ${key.nulls.toUpperCase()}`,
  ].join('')
}

function expressionSql(dialect: Place['dialect'], expression: string): string {
  return dialect === 'mysql' || !/^\w+\(.*\)$/s.test(expression) ? `(${expression})` : expression
}

/** `DROP INDEX`; of a constraint's index, the statement that drops the constraint. */
export function dropIndexSql(place: Place, table: Pick<TableSnapshot, 'schema' | 'name'>, index: IndexSnapshot): string {
  const { dialect, defaultSchema } = place
  const name = quoteName(index.name, dialect)
  if (dialect === 'mysql') return `DROP INDEX ${name} ON ${quotedTable(place, table)};`
  if (index.isConstraint && dialect === 'postgresql') return `ALTER TABLE ${quotedTable(place, table)} DROP CONSTRAINT ${name};`
  const qualified = table.schema === defaultSchema ? name : `${quoteName(table.schema, dialect)}.${name}`
  return `DROP INDEX ${dialect === 'postgresql' ? 'CONCURRENTLY ' : ''}${qualified};`
}
