import type { EqualitySelect } from '@sluice/core/adapter'
import { simpleLookup } from './simple-lookup.ts'

/** Code for `pg` that runs a repeated select by key once. See {@link sqlOf}. */
export function pgFix(select: EqualitySelect): string | undefined {
  const sql = sqlOf(select, (key) => `${key} = ANY($1)`)
  return sql && `pool.query('${sql}', [keys])`
}

/** The same for `pg-promise`. */
export function pgPromiseFix(select: EqualitySelect): string | undefined {
  const sql = sqlOf(select, (key) => `${key} = ANY($1)`)
  return sql && `db.any('${sql}', [keys])`
}

/** The same for `mysql2`, `mysql` and `mariadb`. */
export function mysqlFix(select: EqualitySelect): string | undefined {
  const sql = sqlOf(select, (key) => `${key} IN (?)`, '`')
  return sql && `pool.query('${sql}', [keys])`
}

/** The same for `better-sqlite3` and `node:sqlite`. */
export function sqliteFix(select: EqualitySelect): string | undefined {
  const sql = sqlOf(select, inJson)
  return sql && `db.prepare('${sql}').all(JSON.stringify(keys))`
}

/** The same for `sqlite3`. */
export function sqlite3Fix(select: EqualitySelect): string | undefined {
  const sql = sqlOf(select, inJson)
  return sql && `db.all('${sql}', JSON.stringify(keys), callback)`
}

/** The same for `postgres`. */
export function postgresFix(select: EqualitySelect): string | undefined {
  const sql = sqlOf(select, (key) => `${key} IN \${sql(keys)}`)
  return sql?.includes('`') === false ? `sql\`${sql}\`` : undefined
}

/** The same for `@libsql/client`. */
export function libsqlFix(select: EqualitySelect): string | undefined {
  const sql = sqlOf(select, inJson)
  return sql && `client.execute('${sql}', [JSON.stringify(keys)])`
}

function inJson(key: string): string {
  return `${key} IN (SELECT value FROM json_each(?))`
}

/**
 * SQL that runs a repeated select by key once.
 *
 * @returns `undefined` if the select has more than a key and an order.
 */
function sqlOf(
  select: EqualitySelect,
  conditionOn: (key: string) => string,
  quote = '"',
): string | undefined {
  const lookup = simpleLookup(select)
  if (lookup === undefined) return undefined
  const quoted = (name: string) =>
    name === '*' || /^[a-z_][a-z\d_]*$/.test(name)
      ? name
      : `${quote}${name.replaceAll(quote, quote + quote)}${quote}`
  const columns = select.columns.map(({ path, alias }) => {
    const name = path.at(-1) ?? ''
    return alias === undefined ? quoted(name) : `${quoted(name)} AS ${quoted(alias)}`
  })
  const key = quoted(lookup.key)
  // Rows are distinguished by their key.
  if (!columns.includes('*') && !columns.includes(key)) columns.push(key)
  const order = lookup.order.map(({ column, descending }) => `${quoted(column)}${descending ? ' DESC' : ''}`)
  const ordered = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`
  const from = select.table.path.map(quoted).join('.')
  const sql = `SELECT ${columns.join(', ')} FROM ${from} WHERE ${conditionOn(key)}${ordered}`
  return sql.includes("'") ? undefined : sql
}
