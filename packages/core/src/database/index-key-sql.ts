import type { Dialect } from '../sql/dialect.ts'
import type { IndexDefinition, IndexKey } from './index-definition.ts'
import { quoteName } from './quote-name.ts'

/** One key of an index, as the dialect writes it. What the dialect has no words for is left out. */
export function indexKeySql(key: IndexKey, dialect: Dialect): string {
  const { column, expression, prefixLength, collation, operatorClass, isDescending, nulls } = key
  const isPostgresql = dialect === 'postgresql'
  return [
    // Every expression may stand in parentheses. Only a bare call may do without, and not in MySQL.
    expression === undefined ? quoteName(column, dialect) : `(${expression})`,
    dialect !== 'mysql' || prefixLength === undefined ? '' : `(${prefixLength})`,
    dialect === 'mysql' || collation === undefined ? '' : ` COLLATE ${quoteName(collation, dialect)}`,
    !isPostgresql || operatorClass === undefined ? '' : ` ${operatorClass.split('.').map(quotePlainly).join('.')}`,
    isDescending === true ? ' DESC' : '',
    !isPostgresql || nulls === undefined ? '' : ` NULLS ${nulls.toUpperCase()}`,
  ].join('')
}

/** What a `CREATE INDEX` says after the table: `USING gin ("a", "b") INCLUDE ("c") WHERE d IS NULL`. */
export function indexBodySql({ method, keys, include = [], where }: IndexDefinition, dialect: Dialect): string {
  const isPostgresql = dialect === 'postgresql'
  return [
    !isPostgresql || method === 'btree' ? '' : `USING ${method} `,
    `(${keys.map((key) => indexKeySql(key, dialect)).join(', ')})`,
    !isPostgresql || include.length === 0 ? '' : ` INCLUDE (${include.map((column) => quoteName(column, dialect)).join(', ')})`,
    dialect === 'mysql' || where === undefined ? '' : ` WHERE ${where}`,
  ].join('')
}

const quotePlainly = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteName(name, 'postgresql'))
