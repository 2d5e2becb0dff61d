import { type LookupKey, lookupKey, splitRows } from '@sluice/core'
import { redirect } from '../internals.ts'
import { whereAny } from './key-filter.ts'
import type { Answers, MergedCall, Row } from './merged-call.ts'
import { maxRows, type Page } from './page.ts'
import { pageQuery } from './page-query.ts'
import { withFields } from './selection.ts'

/**
 * Asks for one page of rows for each of many keys, in two statements: the first names the rows and is cut in the database, the second
 * brings them. Prisma would fetch every row of every key, and cut then. A key whose rows changed in between is left out.
 */
export async function mergePages(call: MergedCall, page: Page, keys: readonly LookupKey[]): Promise<Answers> {
  const named = await nameRows(page, keys)
  if (named === undefined) return undefined
  const rows: Row[] = []
  for (const wanted of chunksOf(named, page)) rows.push(...(await fetchRows(call, page, wanted)))
  const found = splitRows(rows, keys, (row) => call.key.fields.map((field) => row[field]))
  if (found === undefined) return undefined
  const answers = new Map<string, unknown>()
  for (const { text } of keys) {
    const own = found.get(text) ?? []
    const expected = named.get(text) ?? []
    const isWhole = own.length === expected.length && own.every((row, at) => identityIn(row, page)?.text === expected[at]?.text)
    if (isWhole) answers.set(text, own)
  }
  dropFields(call, page, rows)
  return call.plan.action === 'many' ? answers : firstsOf(answers as Map<string, Row[]>, call.plan.throws)
}

async function nameRows(page: Page, keys: readonly LookupKey[]): Promise<Map<string, LookupKey[]> | undefined> {
  const { sql, values } = pageQuery(page, keys)
  const rows = await page.context.ask(sql, values)
  const groups = splitRows(rows, keys, (row) => page.keyColumns.map((_, at) => row[`k${at}`]))
  if (groups === undefined) return undefined
  const named = new Map<string, LookupKey[]>()
  for (const [text, found] of groups) {
    const identities = found.map((row) => lookupKey(page.identityTypes.map((type, at) => typed(row[`p${at}`], type))))
    if (!identities.every((identity) => identity !== undefined)) return undefined
    named.set(text, identities)
  }
  return named
}

/** A value as the field's type wants it: drivers give integers as numbers, as `bigint` and as text. */
function typed(value: unknown, type: string): unknown {
  if (type === 'String') return typeof value === 'string' ? value : undefined
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return undefined
  return type === 'Int' ? Number(value) : BigInt(value)
}

/** The rows to fetch, in as few queries as they fit into; a key's rows stay together, in one order. */
function chunksOf(named: ReadonlyMap<string, readonly LookupKey[]>, { context, identity }: Page): readonly (readonly LookupKey[])[] {
  const most = maxRows(context.dialect, identity.length)
  const chunks: LookupKey[][] = []
  for (const rows of named.values()) {
    const last = chunks.at(-1)
    if (last !== undefined && last.length + rows.length <= most) last.push(...rows)
    else if (rows.length > 0) chunks.push([...rows])
  }
  return chunks
}

async function fetchRows(
  { shape, key, filters, rest, params, query }: MergedCall,
  page: Page,
  wanted: readonly LookupKey[],
): Promise<Row[]> {
  const { take: _take, skip: _skip, ...kept } = rest
  const { args } = withFields(kept, [...key.fields, ...page.identity], shape.omitted)
  const where = whereAny(page.identity, wanted, filters)
  return (await query({ ...args, where }, redirect(params, 'findMany'))) as Row[]
}

function identityIn(row: Row, { identity }: Page): LookupKey | undefined {
  return lookupKey(identity.map((field) => row[field]))
}

function dropFields({ shape, key, rest }: MergedCall, { identity }: Page, rows: readonly Row[]): void {
  const { added } = withFields(rest, [...key.fields, ...identity], shape.omitted)
  for (const row of rows) for (const field of added) delete row[field]
}

function firstsOf(pages: ReadonlyMap<string, readonly Row[]>, throws: boolean): Answers {
  const firsts = new Map<string, unknown>()
  for (const [text, [row]] of pages) if (row !== undefined || !throws) firsts.set(text, row ?? null)
  return firsts
}
