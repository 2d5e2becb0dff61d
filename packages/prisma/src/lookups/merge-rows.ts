import { type LookupKey, splitRows } from '@sluice/core'
import { redirect } from '../internals.ts'
import type { PrismaShape } from '../prisma-shape.ts'
import { whereAny } from './key-filter.ts'
import type { Answers, MergedCall, Row } from './merged-call.ts'
import { withFields } from './selection.ts'

/** A first row per key costs all rows of the key: shapes that turn out to have many are left alone. */
const MAX_ROWS_PER_KEY = 20
const MIN_WASTED_ROWS = 500
const wasteful = new WeakSet<PrismaShape>()

/** Whether the first rows of a shape turned out to cost too many others. */
export function isWasteful(shape: PrismaShape): boolean {
  return wasteful.has(shape)
}

/** Asks for the rows of many keys in one `findMany`. */
export async function mergeRows(call: MergedCall, keys: readonly LookupKey[]): Promise<Answers> {
  const { shape, plan, key, filters, rest, params, query } = call
  const { fields } = key
  const { args, added } = withFields(rest, fields, shape.omitted)
  const rows = (await query({ ...args, where: whereAny(fields, keys, filters) }, redirect(params, 'findMany'))) as Row[]
  const groups = splitRows(rows, keys, (row) => fields.map((field) => row[field]))
  if (groups === undefined) return undefined
  if (added.length > 0) for (const row of rows) for (const field of added) delete row[field]
  if (plan.action === 'many') return groups
  if (plan.action === 'first' && rows.length > MIN_WASTED_ROWS && rows.length > MAX_ROWS_PER_KEY * keys.length) wasteful.add(shape)
  const firsts = new Map<string, unknown>()
  for (const [text, found] of groups) {
    const [row] = found
    // Whoever throws when there is no row does so with its own error, from its own query.
    if (row !== undefined) firsts.set(text, row)
    else if (!plan.throws) firsts.set(text, null)
  }
  return firsts
}
