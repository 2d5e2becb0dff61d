import { isSettledSlice, type LookupKey, type Slice, TooManyRowsError } from '@sluice/core/adapter'
import { type InternalParams, type QueryFunction, redirect } from '../internals.ts'
import type { PrismaShape } from '../prisma-shape.ts'
import { whereAny } from './key-filter.ts'
import type { KeyPlan } from './key-plan.ts'
import type { KeyedPlan } from './keyed-plan.ts'
import type { Page } from './page.ts'
import type { Ties } from './row-order.ts'
import { type RowFields, withFields } from './selection.ts'

type Args = Readonly<Record<string, unknown>>

/** Properties that a batched query takes from the call that represents its group. */
export interface MergedCall {
  readonly shape: PrismaShape
  readonly plan: KeyedPlan
  readonly key: KeyPlan
  /** Conditions in addition to the key. */
  readonly filters: Args
  /** Arguments in addition to `where`. */
  readonly rest: Args
  readonly fields: RowFields
  /** Number of unrequested rows that can be fetched per key. */
  readonly maxExtraRows: number
  /** Set for a page of each key's rows. */
  readonly page: Page | undefined
  /** Set for a part of each key's rows in a nondeterministic order. */
  readonly ties: Ties | undefined
  readonly params: InternalParams
  readonly query: QueryFunction
  /** See `LookupContext`. */
  readonly writes: () => number | undefined
}

/** Results by `key.text`; missing keys are queried individually. `undefined`: no result is certain. */
export type Answers = ReadonlyMap<string, unknown> | undefined

export type Row = Record<string, unknown>

/** Rows of several keys, in the call's order. */
interface FoundRows {
  readonly rows: readonly Row[]
  /** Removes the fields that were selected only to distinguish rows. */
  drop(): void
}

/**
 * Queries the rows of many keys in one `findMany`.
 *
 * @param maxRows - Maximum number of rows to fetch.
 * @throws TooManyRowsError if there are more.
 */
export async function findRows(
  call: MergedCall,
  keys: readonly LookupKey[],
  maxRows?: number,
): Promise<FoundRows> {
  const { key, filters, params, query } = call
  const { take: _take, skip: _skip, ...rest } = call.rest
  const needed = call.ties === undefined ? key.fields : [...new Set([...key.fields, ...call.ties.fields])]
  const { args, added } = withFields(rest, needed, call.fields)
  const limit = maxRows === undefined ? {} : { take: maxRows + 1 }
  const rows = (await started(
    query({ ...args, ...limit, where: whereAny(key, keys, filters) }, redirect(params, 'findMany')),
  )) as Row[]
  if (maxRows !== undefined && rows.length > maxRows) throw new TooManyRowsError()
  const drop = () => {
    if (added.length > 0) for (const row of rows) for (const field of added) delete row[field]
  }
  return { rows, drop }
}

/**
 * Sends a Prisma query now. If it were only awaited, Prisma would send it slightly later, after a write that
 * the app starts in this tick.
 */
export function started<T>(query: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    query.then(resolve, reject)
  })
}

/** A call that throws if no row exists throws its own error, from its own query. */
export function firstsOf(groups: ReadonlyMap<string, readonly unknown[]>, throws: boolean): Answers {
  const firsts = new Map<string, unknown>()
  for (const [text, [row]] of groups) if (row !== undefined || !throws) firsts.set(text, row ?? null)
  return firsts
}

/** Shapes whose keys turned out to have tied rows. */
const tied = new WeakSet<PrismaShape>()

export function isTied(shape: PrismaShape): boolean {
  return tied.has(shape)
}

/**
 * Removes keys whose requested rows are tied: the database decides which ones it returns. If most keys are,
 * later calls of the shape are not batched.
 *
 * @param valuesOf - Returns the values by which a row is ordered.
 */
export function dropUnsettled<TRow>(
  shape: PrismaShape,
  groups: Map<string, TRow[]>,
  slice: Slice,
  ties: Ties,
  valuesOf: (row: TRow) => readonly unknown[],
): void {
  const { size } = groups
  // Without an order, all rows are tied.
  const areTied = (left: TRow, right: TRow) => ties.areEqual(valuesOf(left), valuesOf(right))
  for (const [text, rows] of groups) if (!isSettledSlice(rows, slice, areTied)) groups.delete(text)
  if (groups.size < size / 2) tied.add(shape)
}
