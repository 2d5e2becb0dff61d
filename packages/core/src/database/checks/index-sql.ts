import type { IndexDefinition, IndexKey } from '../index-definition.ts'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { quoted, quotedTable } from './names.ts'

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
      const carried = index.include?.length ? ` INCLUDE (${index.include.map((column) => quoted(dialect, column)).join(', ')})` : ''
      return `CREATE ${unique}INDEX CONCURRENTLY ${quoted(dialect, name)} ${on}${using} (${keys})${carried}${where};`
    }
    case 'mysql':
      return index.method === 'fulltext'
        ? `CREATE FULLTEXT INDEX ${quoted(dialect, name)} ${on} (${keys});`
        : `CREATE ${unique}INDEX ${quoted(dialect, name)} ${on} (${keys}) ALGORITHM=INPLACE LOCK=NONE;`
    case 'sqlite':
      return `CREATE ${unique}INDEX ${quoted(dialect, name)} ${on} (${keys})${where};`
  }
}

function keySql({ dialect }: Place, key: IndexKey): string {
  const base = key.expression === undefined ? quoted(dialect, key.column) : expressionSql(dialect, key.expression)
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
  const name = quoted(dialect, index.name)
  if (dialect === 'mysql') return `DROP INDEX ${name} ON ${quotedTable(place, table)};`
  if (index.isConstraint && dialect === 'postgresql') return `ALTER TABLE ${quotedTable(place, table)} DROP CONSTRAINT ${name};`
  const qualified = table.schema === defaultSchema ? name : `${quoted(dialect, table.schema)}.${name}`
  return `DROP INDEX ${dialect === 'postgresql' ? 'CONCURRENTLY ' : ''}${qualified};`
}
