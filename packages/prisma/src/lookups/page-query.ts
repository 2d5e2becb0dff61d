import type { Dialect } from '@sluice/core'
import type { LookupKey } from '@sluice/core/adapter'
import type { Page } from './page.ts'

/**
 * The statement that names the rows of each key's page: their identity as `p0`…, what they are ordered by as `o0`…, the place of the key as `t`, and the row's place in
 * the page as `n`, from 1 on. Each key has a select of its own, as Prisma would send it: by an index on the key and the order it takes
 * no more rows than the page has, and the database compares what Prisma's query would have it compare.
 */
export function pageQuery(page: Page, keys: readonly LookupKey[]): { readonly sql: string; readonly values: readonly unknown[] } {
  const { dialect, table } = page.context
  const values: unknown[] = []
  const equal = (column: string, value: unknown) => {
    if (value === null) return `${name(column)} IS NULL`
    values.push(value)
    return `${name(column)} = ${dialect === 'postgresql' ? `$${values.length}` : '?'}`
  }
  const name = (text: string) => quote(text, dialect)
  const named = (columns: readonly string[], stem: string) => columns.map((column, at) => `${name(column)} AS ${name(`${stem}${at}`)}`)
  const orderBy = (orders: readonly { readonly column: string; readonly direction: string }[]) =>
    orders.length === 0 ? '' : `ORDER BY ${orders.map(({ column, direction }) => `${name(column)} ${direction}`).join(', ')}`
  const from = table.schema === undefined ? name(table.name) : `${name(table.schema)}.${name(table.name)}`
  const columns = [
    ...named(page.identityColumns, 'p'),
    ...named(
      page.orders.map(({ column }) => column),
      'o',
    ),
  ].join(', ')
  const names = [...page.identityColumns.map((_, at) => name(`p${at}`)), ...page.orders.map((_, at) => name(`o${at}`))].join(', ')
  // Number one by itself, where there is no other.
  const number = page.take === 1 ? '1' : `ROW_NUMBER() OVER (${orderBy(page.orders.map((order, at) => ({ ...order, column: `o${at}` })))})`
  const selects = keys.map((key, at) => {
    const conditions = [
      ...page.keyColumns.map((column, index) => equal(column, key.values[index])),
      ...page.constants.map(({ column, value }) => equal(column, value)),
    ]
    const rows = `SELECT ${columns} FROM ${from} WHERE ${conditions.join(' AND ')} ${orderBy(page.orders)} LIMIT ${page.take} OFFSET ${page.skip}`
    return `SELECT ${names}, ${number} AS ${name('n')}, ${at} AS ${name('t')} FROM (${rows}) AS ${name('page')}`
  })
  return { sql: selects.join(' UNION ALL '), values }
}

function quote(name: string, dialect: Dialect): string {
  return dialect === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`
}
