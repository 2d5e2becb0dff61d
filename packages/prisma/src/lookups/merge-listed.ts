import { exactCopy, type LookupKey, lookupKey, TooManyRowsError, typedKeyText } from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import { redirect } from '../internals.ts'
import { whereAny } from './key-filter.ts'
import { type Answers, type MergedCall, type Row, started } from './merged-call.ts'
import type { RelationKey } from './relation-key.ts'

/** Maximum number of rows that are fetched to list or to count them. */
const MAX_ROWS = 1_000

/**
 * Queries the rows that are related to any of the keys, each with those of the keys that it is related to.
 * Prisma reads the two in separate statements, so no result is certain if the tables were written in between.
 *
 * @throws TooManyRowsError
 */
export async function mergeListed(
  call: MergedCall,
  { field, listed = '' }: RelationKey,
  keys: readonly LookupKey[],
  maxRows: number = MAX_ROWS,
): Promise<Answers> {
  const { key, filters, params, query, plan, shape, writes } = call
  const before = writes()
  if (before === undefined) return undefined
  const limit = Math.min(maxRows, MAX_ROWS)
  const related = {
    where: { [listed]: { in: keys.flatMap(({ values }) => values) } },
    select: { [listed]: true },
  }
  const { take: _take, skip: _skip, ...rest } = call.rest
  const args = {
    ...withRelation(plan.action === 'count' ? countedRow(shape.model?.primaryKey) : rest, field, related),
    where: whereAny(key, keys, filters),
    take: limit + 1,
  }
  const rows = (await started(query(args, redirect(params, 'findMany')))) as Row[]
  if (rows.length > limit) throw new TooManyRowsError()
  if (writes() !== before) return undefined
  const groups = new Map<string, Row[]>(keys.map(({ text }) => [text, []]))
  for (const row of rows) {
    const found = row[field] as readonly Row[]
    delete row[field]
    if (found.length === 0) return undefined
    for (const [at, { [listed]: value }] of found.entries()) {
      const group = groups.get(lookupKey([value], typedKeyText)?.text ?? '')
      // Each caller gets separate rows.
      const own = at === 0 ? { value: row } : exactCopy(row)
      if (group === undefined || own === undefined) return undefined
      group.push(own.value)
    }
  }
  return plan.action === 'count' ? new Map([...groups].map(([text, { length }]) => [text, length])) : groups
}

type Args = Readonly<Record<string, unknown>>

function withRelation(args: Args, field: string, related: Args): Args {
  const name = isPlainObject(args.select) ? 'select' : 'include'
  return { ...args, [name]: { ...(args[name] as Args | undefined), [field]: related } }
}

function countedRow(primaryKey: readonly string[] = []): Args {
  return { select: Object.fromEntries(primaryKey.map((name) => [name, true])) }
}
