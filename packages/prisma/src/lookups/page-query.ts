import type { Dialect, LookupKey } from '@sluice/core'
import type { Page } from './page.ts'

/** The statement that names the rows of a page: their key as `k0`…, their identity as `p0`…, in the order of the page. */
export function pageQuery(page: Page, keys: readonly LookupKey[]): { readonly sql: string; readonly values: readonly unknown[] } {
  const { dialect, table } = page.context
  const values: unknown[] = []
  const bind = (value: unknown) => {
    values.push(value)
    return dialect === 'postgresql' ? `$${values.length}` : '?'
  }
  const name = (text: string) => quote(text, dialect)
  const from = table.schema === undefined ? name(table.name) : `${name(table.schema)}.${name(table.name)}`
  const keyColumns = page.keyColumns.map(name)
  const named = [
    ...keyColumns.map((column, at) => `${column} AS ${name(`k${at}`)}`),
    ...page.identityColumns.map((column, at) => `${name(column)} AS ${name(`p${at}`)}`),
  ]
  const order = page.orders.map(({ column, direction }) => `${name(column)} ${direction}`)
  const window = `PARTITION BY ${keyColumns.join(', ')}${order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`}`
  const conditions = [
    anyKey(keyColumns, keys, bind),
    ...page.constants.map(({ column, value }) => (value === null ? `${name(column)} IS NULL` : `${name(column)} = ${bind(value)}`)),
  ]
  const numbered = `SELECT ${named.join(', ')}, ROW_NUMBER() OVER (${window}) AS ${name('n')} FROM ${from} WHERE ${conditions.join(' AND ')}`
  const columns = [...page.keyColumns.map((_, at) => name(`k${at}`)), ...page.identityColumns.map((_, at) => name(`p${at}`))]
  const sql = `SELECT ${columns.join(', ')} FROM (${numbered}) AS ${name('page')} WHERE ${name('n')} > ${page.skip} AND ${name('n')} <= ${
    page.skip + page.take
  } ORDER BY ${name('n')}`
  return { sql, values }
}

function anyKey(columns: readonly string[], keys: readonly LookupKey[], bind: (value: unknown) => string): string {
  const [column] = columns
  if (columns.length === 1) return `${column} IN (${keys.map(({ values }) => bind(values[0])).join(', ')})`
  const tuples = keys.map(({ values }) => `(${columns.map((name, at) => `${name} = ${bind(values[at])}`).join(' AND ')})`)
  return `(${tuples.join(' OR ')})`
}

function quote(name: string, dialect: Dialect): string {
  return dialect === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`
}
