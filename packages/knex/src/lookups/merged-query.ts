import { type LookupKey, withNeighbors } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import { asListing, asRows, emptyLike } from '../internals/derived-builder.ts'
import type { BuilderInternals } from '../internals/types.ts'
import type { RankMerge } from './merge.ts'
import type { Plan } from './plan.ts'
import { type SelectParts, sliceOf } from './select-parts.ts'

/**
 * The single select that returns the rows of all keys. The original builder is not modified.
 *
 * @param limit - Maximum number of rows, if it lists rows.
 */
export function mergedQuery(
  builder: BuilderInternals,
  parts: SelectParts,
  plan: Plan,
  keys: readonly LookupKey[],
  limit?: number,
): Knex.QueryBuilder {
  const { merge, added } = plan
  const replaced = new Set(plan.keys.map(({ filter }) => parts.filters[filter]?.at))
  const listing = byKeys(
    asListing(builder, parts.statements, (at) => !replaced.has(at)),
    plan,
    keys,
  )
  for (const column of added) listing.select(column)
  if ('ranks' in merge && !merge.isTotal && merge.ranks.length > 0) {
    if (parts.columns.length === 0) listing.select('*')
    const columns = plan.keys.map(({ written }) => written)
    listing.rank(plan.rank, [...merge.ranks] as never, columns as never)
  }
  if (limit !== undefined) listing.limit(limit)
  return 'groups' in merge || 'totals' in merge
    ? listing.groupBy(plan.keys.map(({ written }) => written))
    : listing
}

function byKeys(listing: Knex.QueryBuilder, plan: Plan, keys: readonly LookupKey[]): Knex.QueryBuilder {
  const columns = plan.keys.map(({ written }) => written)
  const [only] = columns
  if (columns.length === 1 && only !== undefined)
    return listing.whereIn(only, keys.map(({ values }) => values[0]) as string[])
  return listing.whereIn(columns, keys.map(({ values }) => values) as string[][])
}

/**
 * A separate select for each key, like the original select: with an index on the key and the order, it reads
 * no more rows than its page has, and the database compares the same values as in the original select. Each
 * row contains the index of its key, and its position in the page.
 */
export function pagesQuery(
  builder: BuilderInternals,
  { ranks, isTotal, calledAs }: Pick<RankMerge, 'ranks' | 'isTotal' | 'calledAs'>,
  parts: SelectParts,
  plan: Plan,
  keys: readonly LookupKey[],
): Knex.QueryBuilder {
  const { statements, columns, filters } = parts
  const places = plan.keys.map(({ filter }) => filters[filter]?.at ?? -1)
  const { skip, take } = isTotal ? sliceOf(parts) : withNeighbors(sliceOf(parts)).outer
  const selects = keys.map(({ values }, key): Knex.QueryBuilder => {
    const rows = asRows(builder, statements, new Map(places.map((place, at) => [place, values[at]])))
      .limit(take)
      .offset(skip)
    const page = emptyLike(builder)
      .from(rows.as(calledAs))
      .select(...(columns.length === 0 ? ['*'] : columns), { [plan.place]: key } as never)
    if (ranks.length === 0) return page
    if (!isTotal) return page.rank(plan.rank, [...ranks] as never)
    // The only row has number 1. Knex accepts a list of orders here, although its types only declare one.
    return take === 1
      ? page.select({ [plan.rank]: 1 } as never)
      : page.rowNumber(plan.rank, [...ranks] as never)
  })
  const [first = emptyLike(builder), ...others] = selects
  return others.length === 0 ? first : first.unionAll(others)
}
