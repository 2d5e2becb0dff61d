import { type LookupKey, splitRows } from '@sluice/core'
import { redirect } from '../internals.ts'
import { whereAny } from './key-filter.ts'
import type { Answers, MergedCall, Row } from './merged-call.ts'
import { withFields } from './selection.ts'

/** Asks for the rows of many keys in one `findMany`. */
export async function mergeRows(call: MergedCall, keys: readonly LookupKey[]): Promise<Answers> {
  const { plan, key, filters, rest, params, query } = call
  const { fields } = key
  const { args, added } = withFields(rest, fields, call.fields)
  const rows = (await query({ ...args, where: whereAny(fields, keys, filters) }, redirect(params, 'findMany'))) as Row[]
  const groups = splitRows(rows, keys, (row) => fields.map((field) => row[field]))
  if (groups === undefined) return undefined
  if (added.length > 0) for (const row of rows) for (const field of added) delete row[field]
  if (plan.action === 'many') return groups
  const firsts = new Map<string, unknown>()
  for (const [text, found] of groups) {
    const [row] = found
    // Whoever throws when there is no row does so with its own error, from its own query.
    if (row !== undefined) firsts.set(text, row)
    else if (!plan.throws) firsts.set(text, null)
  }
  return firsts
}
