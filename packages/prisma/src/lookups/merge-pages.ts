import type { Dialect } from '@sluice/core'
import { type LookupKey, lookupKey, splitRows } from '@sluice/core/adapter'
import { redirect } from '../internals.ts'
import { whereAny } from './key-filter.ts'
import type { KeyPlan } from './key-plan.ts'
import { type Answers, dropUnsettled, firstsOf, type MergedCall, type Row, started } from './merged-call.ts'
import { maxRows, type Page } from './page.ts'
import { withFields } from './selection.ts'

/**
 * Queries one page of rows for each of many keys, in two statements: the first selects the identities of the
 * rows, with the limit applied in the database, and the second fetches the rows. Prisma would fetch all rows
 * of all keys and then apply the limit. Keys whose rows changed in between, or are tied, are omitted.
 */
export async function mergePages(call: MergedCall, page: Page, keys: readonly LookupKey[]): Promise<Answers> {
  const named = await nameRows(page, keys)
  if (named === undefined) return undefined
  const { doubt } = page
  if (doubt !== undefined) {
    const { ties, requested } = doubt
    dropUnsettled(call.shape, named, requested, ties, ({ orderedBy }) => orderedBy)
    for (const [text, found] of named)
      named.set(text, found.slice(requested.skip, requested.skip + requested.take))
  }
  const rows: Row[] = []
  for (const identities of chunksOf(named, page)) rows.push(...(await fetchRows(call, page, identities)))
  const found = splitRows(rows, keys, (row) => call.key.fields.map((field) => row[field]))
  if (found === undefined) return undefined
  const answers = new Map<string, unknown>()
  for (const { text } of keys) {
    const own = found.get(text) ?? []
    const expected = named.get(text)
    const isWhole = own.length === expected?.length && own.every((row, at) => isSame(row, expected[at], page))
    if (isWhole) answers.set(text, own)
  }
  dropFields(call, page, rows)
  return call.plan.action === 'many' ? answers : firstsOf(answers as Map<string, Row[]>, call.plan.throws)
}

/** A row of a page, and the values by which it was ordered. */
interface NamedRow {
  readonly identity: LookupKey
  readonly orderedBy: readonly unknown[]
}

/** Each key's rows, in the order of its page. */
async function nameRows(
  page: Page,
  keys: readonly LookupKey[],
): Promise<Map<string, NamedRow[]> | undefined> {
  const { sql, values } = pageQuery(page, keys)
  const named = new Map<string, NamedRow[]>(keys.map(({ text }) => [text, []]))
  const rows = await page.context.query(sql, values)
  // SQL does not specify the order of rows across the selects.
  for (const row of [...rows].sort((left, right) => Number(left.n) - Number(right.n))) {
    const identity = lookupKey(page.identityTypes.map((type, at) => typed(row[`p${at}`], type)))
    const found = named.get(keys[Number(row.t)]?.text ?? '')
    if (identity === undefined || found === undefined) return undefined
    found.push({ identity, orderedBy: page.orders.map((_, at) => row[`o${at}`]) })
  }
  return named
}

/** A value in the field's type: drivers return integers as `number`, `bigint` or `string`. */
function typed(value: unknown, type: string): unknown {
  if (type === 'String') return typeof value === 'string' ? value : undefined
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return undefined
  return type === 'Int' ? Number(value) : BigInt(value)
}

/** The rows to fetch, in the minimum number of queries; rows of one key stay in one query, in order. */
function chunksOf(
  named: ReadonlyMap<string, readonly NamedRow[]>,
  { context, identity }: Page,
): readonly (readonly LookupKey[])[] {
  const most = maxRows(context.dialect, identity.length)
  const chunks: LookupKey[][] = []
  for (const found of named.values()) {
    const rows = found.map(({ identity }) => identity)
    const last = chunks.at(-1)
    if (last !== undefined && last.length + rows.length <= most) last.push(...rows)
    else if (rows.length > 0) chunks.push([...rows])
  }
  return chunks
}

async function fetchRows(
  { key, filters, rest, fields, params, query }: MergedCall,
  page: Page,
  identities: readonly LookupKey[],
): Promise<Row[]> {
  const { take: _take, skip: _skip, ...others } = rest
  const { args } = withFields(others, fieldsOf(key, page), fields)
  const where = whereAny({ fields: page.identity }, identities, filters)
  return (await started(query({ ...args, where }, redirect(params, 'findMany')))) as Row[]
}

/** Fields that distinguish rows. */
function fieldsOf(key: KeyPlan, { identity, orders }: Page): readonly string[] {
  return [...new Set([...key.fields, ...identity, ...orders.map(({ field }) => field)])]
}

/** Whether a row is the selected one, and still at its position in the order. */
function isSame(row: Row, named: NamedRow | undefined, { identity, orders }: Page): boolean {
  if (named === undefined || lookupKey(identity.map((field) => row[field]))?.text !== named.identity.text)
    return false
  return orders.every(({ field }, at) => canEqual(named.orderedBy[at], row[field]))
}

/** Whether a value from the driver can equal the value from Prisma: `false` if uncertain. */
function canEqual(raw: unknown, value: unknown): boolean {
  if (raw === null || value === null) return raw === value
  if (value instanceof Date) return new Date(raw as string).getTime() === value.getTime()
  return typeof value === 'boolean' ? Number(raw) === Number(value) : String(raw) === String(value)
}

function dropFields({ key, rest, fields }: MergedCall, page: Page, rows: readonly Row[]): void {
  const { added } = withFields(rest, fieldsOf(key, page), fields)
  for (const row of rows) for (const field of added) delete row[field]
}

/**
 * The statement that selects the rows of each key's page: their identity as `p0`…, the order columns as
 * `o0`…, the index of the key as `t`, and the row's position in the page as `n`, starting at 1. Each key has
 * a separate select, as Prisma would send it: with an index on the key and the order, it reads no more rows
 * than the page has, and the database compares the same values as in Prisma's query.
 */
function pageQuery(
  page: Page,
  keys: readonly LookupKey[],
): { readonly sql: string; readonly values: readonly unknown[] } {
  const { dialect, table } = page.context
  const values: unknown[] = []
  const equal = (column: string, value: unknown) => {
    if (value === null) return `${name(column)} IS NULL`
    values.push(value)
    return `${name(column)} = ${dialect === 'postgresql' ? `$${values.length}` : '?'}`
  }
  const name = (text: string) => quote(text, dialect)
  const named = (columns: readonly string[], stem: string) =>
    columns.map((column, at) => `${name(column)} AS ${name(`${stem}${at}`)}`)
  const orderBy = (orders: Page['orders']) =>
    orders.length === 0
      ? ''
      : `ORDER BY ${orders
          .map(
            ({ column, direction, nulls }) =>
              `${name(column)} ${direction}${nulls === undefined ? '' : ` NULLS ${nulls}`}`,
          )
          .join(', ')}`
  const from = table.schema === undefined ? name(table.name) : `${name(table.schema)}.${name(table.name)}`
  const columns = [
    ...named(page.identityColumns, 'p'),
    ...named(
      page.orders.map(({ column }) => column),
      'o',
    ),
  ].join(', ')
  const names = [
    ...page.identityColumns.map((_, at) => name(`p${at}`)),
    ...page.orders.map((_, at) => name(`o${at}`)),
  ].join(', ')
  // The only row has number 1.
  const number =
    page.take === 1
      ? '1'
      : `ROW_NUMBER() OVER (${orderBy(page.orders.map((order, at) => ({ ...order, column: `o${at}` })))})`
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
