import { type LookupKey, TooManyRowsError } from '@sluice/core/adapter'
import { redirect } from '../internals.ts'
import { whereAny } from './key-filter.ts'
import type { MergedCall, Row } from './merged-call.ts'
import { withFields } from './selection.ts'

/** Rows of several keys, in the call's order. */
export interface FoundRows {
  readonly rows: readonly Row[]
  /** Takes off what was asked for only to tell rows apart. */
  drop(): void
}

/**
 * Asks for the rows of many keys in one `findMany`.
 *
 * @param maxRows - The most rows to fetch.
 * @throws TooManyRowsError when there are more.
 */
export async function findRows(call: MergedCall, keys: readonly LookupKey[], maxRows?: number): Promise<FoundRows> {
  const { key, filters, params, query } = call
  const { take: _take, skip: _skip, ...rest } = call.rest
  const { args, added } = withFields(rest, key.fields, call.fields)
  const limit = maxRows === undefined ? {} : { take: maxRows + 1 }
  const rows = (await started(
    query({ ...args, ...limit, where: whereAny(key.fields, keys, filters) }, redirect(params, 'findMany')),
  )) as Row[]
  if (maxRows !== undefined && rows.length > maxRows) throw new TooManyRowsError()
  const drop = () => {
    if (added.length > 0) for (const row of rows) for (const field of added) delete row[field]
  }
  return { rows, drop }
}

/** Sends a query of Prisma's now. Awaited, it would be sent a moment later: after a write that the app makes in this tick. */
export function started<T>(query: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    query.then(resolve, reject)
  })
}
