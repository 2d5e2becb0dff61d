import type { Dialect } from '@sluice/core'
import { type LookupKey, type Refusal, splitRows } from '@sluice/core/adapter'
import { isPlainObject } from '../argument-shapes.ts'
import { redirect } from '../internals.ts'
import { refuse } from '../reasons.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import { whereAny } from './key-filter.ts'
import { type Answers, type MergedCall, type Row, started } from './merged-call.ts'

type Args = Readonly<Record<string, unknown>>

/** The aggregates of `aggregate` and `groupBy`, by the name of their argument. */
export const AGGREGATES: ReadonlySet<string> = new Set(['_count', '_sum', '_avg', '_min', '_max'])

/**
 * Types whose aggregates do not depend on the order in which the database reads the rows: a sum of floats
 * does.
 */
const EXACT: Readonly<Record<string, readonly string[]>> = {
  _sum: ['Int', 'BigInt'],
  _avg: ['Int'],
  // Any of the strings that a collation considers equal can be the minimum.
  _min: ['Int', 'BigInt', 'Float', 'DateTime', 'Decimal'],
  _max: ['Int', 'BigInt', 'Float', 'DateTime', 'Decimal'],
}
/** SQLite computes these with floats. */
const EXACT_BUT_SQLITE: Readonly<Record<string, readonly string[]>> = {
  _sum: ['Decimal'],
  _avg: ['BigInt', 'Decimal'],
}

/** The aggregates that `count` requests. */
export function countAsAggregate({ select }: Args): Args {
  return { _count: select ?? true }
}

/**
 * Reason why the aggregates of some arguments cannot be queried for many keys in one query; `undefined` if
 * they can.
 */
export function refuseAggregates(args: Args, model: PrismaModel, dialect: Dialect): Refusal | undefined {
  for (const name of AGGREGATES) {
    const fields = args[name]
    if (fields === undefined || (name === '_count' && fields === true)) continue
    if (!isPlainObject(fields)) return refuse('UNSUPPORTED_ARGUMENTS')
    for (const field of Object.keys(fields)) {
      if (fields[field] === undefined) continue
      if (fields[field] !== true) return refuse('UNSUPPORTED_ARGUMENTS')
      if (name !== '_count' && !isExact(name, model.fields.get(field)?.type, dialect))
        return refuse(`ORDER_DEPENDENT_AGGREGATE:${name}`)
    }
    if (Object.keys(fields).every((field) => fields[field] === undefined))
      return refuse('UNSUPPORTED_ARGUMENTS')
  }
  return undefined
}

function isExact(name: string, type: string | undefined, dialect: Dialect): boolean {
  if (type === undefined) return false
  return (
    EXACT[name]?.includes(type) === true ||
    (dialect !== 'sqlite' && EXACT_BUT_SQLITE[name]?.includes(type) === true)
  )
}

/**
 * The aggregates in the form that Prisma passes to its engine: Prisma no longer maps the arguments of a
 * redirected call.
 */
function engineSelect(args: Args): Record<string, unknown> {
  const select: Record<string, unknown> = {}
  for (const name in args) {
    if (AGGREGATES.has(name) && args[name] !== undefined)
      select[name] = { select: args[name] === true ? { _all: true } : args[name] }
  }
  return select
}

/** A group's aggregates, as the caller of the arguments receives them. */
function aggregatesOf(row: Row, args: Args): Row {
  return args._count === true ? { ...row, _count: (row._count as { readonly _all: number })._all } : row
}

/** The aggregates over zero rows. */
function noAggregates(args: Args): Row {
  const none: Row = {}
  for (const name in args) {
    const requested = args[name]
    if (!AGGREGATES.has(name) || requested === undefined) continue
    if (requested === true) none[name] = 0
    else {
      const fields = Object.keys(requested as Args).filter(
        (field) => (requested as Args)[field] !== undefined,
      )
      none[name] = Object.fromEntries(fields.map((field) => [field, name === '_count' ? 0 : null]))
    }
  }
  return none
}

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
  const args = { by, where: whereAny(key, keys, filters), ...conditions, select }
  const rows = (await started(query(args, redirect(params, 'groupBy')))) as Row[]
  const groups = splitRows(rows, keys, (row) => fields.map((field) => row[field]))
  for (const row of rows) for (const field of added) delete row[field]
  return groups
}
