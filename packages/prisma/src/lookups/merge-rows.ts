import {
  isInstance,
  type LookupKey,
  maxRowsOfSlices,
  type Slice,
  splitRows,
  TooManyRowsError,
} from '@sluice/core/adapter'
import type { PrismaShape } from '../prisma-shape.ts'
import { mergePages } from './merge-pages.ts'
import { type Answers, dropUnsettled, findRows, firstsOf, type MergedCall } from './merged-call.ts'
import { maxPages } from './page.ts'
import { valuesIn } from './row-order.ts'

/** Queries all rows of many keys. */
export async function mergeRows(
  call: MergedCall,
  keys: readonly LookupKey[],
  maxRows?: number,
): Promise<Answers> {
  const { plan, key } = call
  const { rows, drop } = await findRows(call, keys, plan.action === 'many' ? maxRows : undefined)
  const groups = splitRows(rows, keys, (row) => key.fields.map((field) => row[field]))
  if (groups === undefined) return undefined
  drop()
  return plan.action === 'many' ? groups : firstsOf(groups, plan.throws)
}

/** Shapes whose keys turned out to have many rows. */
const heavy = new WeakSet<PrismaShape>()

/**
 * Whether the keys of a shape have so many rows that the database must apply the limit: Sluice then batches
 * them only if the database can.
 */
export function isHeavy(shape: PrismaShape, maxExtraRows: number): boolean {
  return maxExtraRows === 0 || heavy.has(shape)
}

/**
 * Queries all rows of many keys and applies the limits here, while there are few rows: one query instead of
 * the two of a page.
 */
export async function mergeSlices(
  call: MergedCall,
  slice: Slice,
  keys: readonly LookupKey[],
  maxRows?: number,
): Promise<Answers> {
  const { plan, key, shape, ties } = call
  const most = maxRowsOfSlices(keys.length, slice, call.maxExtraRows)
  const found = await findRows(call, keys, Math.min(most, maxRows ?? most)).catch((error: unknown) => {
    if (!isInstance(error, TooManyRowsError)) throw error
  })
  if (found === undefined) {
    heavy.add(shape)
    return mergePagesOf(call, keys)
  }
  const groups = splitRows(found.rows, keys, (row) => key.fields.map((field) => row[field]))
  if (groups === undefined) return undefined
  if (ties !== undefined) dropUnsettled(shape, groups, slice, ties, (row) => valuesIn(row, ties.fields))
  found.drop()
  const slices = new Map(
    [...groups].map(([text, rows]) => [text, rows.slice(slice.skip, slice.skip + slice.take)] as const),
  )
  return plan.action === 'many' ? slices : firstsOf(slices, plan.throws)
}

/** The keys' pages, as many per query as fit; `undefined` if the database cannot select them. */
async function mergePagesOf(call: MergedCall, keys: readonly LookupKey[]): Promise<Answers> {
  const { page } = call
  if (page === undefined) return undefined
  const answers = new Map<string, unknown>()
  const size = maxPages(page)
  if (size < 2) return undefined
  for (let at = 0; at < keys.length; at += size) {
    const some = await mergePages(call, page, keys.slice(at, at + size))
    for (const [text, answer] of some ?? []) answers.set(text, answer)
  }
  return answers
}
