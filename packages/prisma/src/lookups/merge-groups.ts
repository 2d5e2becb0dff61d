import { type LookupKey, splitRows } from '@sluice/core/adapter'
import { redirect } from '../internals.ts'
import { aggregatesOf, countAsAggregate, engineSelect, noAggregates } from './aggregates.ts'
import { whereAny } from './key-filter.ts'
import { type Answers, type MergedCall, type Row, started } from './merged-call.ts'

/** Runs `count`, `aggregate` or `groupBy` for many keys as one `groupBy`. */
export async function mergeGroups(call: MergedCall, keys: readonly LookupKey[]): Promise<Answers> {
  const { plan, rest } = call
  if (plan.action === 'groupBy') return listsOf(call, keys)
  const aggregates = plan.action === 'count' ? countAsAggregate(rest) : rest
  const groups = await groupsOf(call, keys, [], aggregates)
  if (groups === undefined) return undefined
  const answers = new Map<string, unknown>()
  for (const [text, [row, ...others]] of groups) {
    // Two groups of one key: the database compares values differently from Sluice.
    if (others.length > 0) return undefined
    const found = row === undefined ? noAggregates(aggregates) : aggregatesOf(row, aggregates)
    answers.set(text, plan.action === 'count' ? found._count : found)
  }
  return answers
}

async function listsOf(call: MergedCall, keys: readonly LookupKey[]): Promise<Answers> {
  const { by, ...rest } = call.rest
  const own = (Array.isArray(by) ? by : [by]) as readonly string[]
  const groups = await groupsOf(call, keys, own, rest)
  if (groups === undefined) return undefined
  return new Map([...groups].map(([text, rows]) => [text, rows.map((row) => aggregatesOf(row, rest))]))
}

/** Each key's groups, without the key's fields unless the caller requested them. */
async function groupsOf(
  { key, filters, params, query }: MergedCall,
  keys: readonly LookupKey[],
  own: readonly string[],
  { having, orderBy, ...aggregates }: Readonly<Record<string, unknown>>,
): Promise<Map<string, Row[]> | undefined> {
  const { fields } = key
  const added = fields.filter((field) => !own.includes(field))
  const by = [...own, ...added]
  const select = { ...engineSelect(aggregates), ...Object.fromEntries(by.map((field) => [field, true])) }
  const conditions = {
    ...(having === undefined ? {} : { having }),
    ...(orderBy === undefined ? {} : { orderBy }),
  }
  const args = { by, where: whereAny(fields, keys, filters), ...conditions, select }
  const rows = (await started(query(args, redirect(params, 'groupBy')))) as Row[]
  const groups = splitRows(rows, keys, (row) => fields.map((field) => row[field]))
  for (const row of rows) for (const field of added) delete row[field]
  return groups
}
