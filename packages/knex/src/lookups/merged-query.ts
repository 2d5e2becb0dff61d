import type { LookupKey } from '@sluice/core'
import type { Knex } from 'knex'
import { asListing, type BuilderInternals, emptyLike } from '../internals.ts'
import type { RankOrder } from './merge.ts'
import type { Plan } from './plan.ts'
import type { SelectParts } from './select-parts.ts'

/** The one select that answers for all keys. The builder it is made from is untouched. */
export function mergedQuery(builder: BuilderInternals, parts: SelectParts, plan: Plan, keys: readonly LookupKey[]): Knex.QueryBuilder {
  const { merge, added } = plan
  const replaced = new Set(plan.keys.map(({ filter }) => parts.filters[filter]?.at))
  if ('ranks' in merge) {
    const numbered = byKeys(
      asListing(builder, (at, grouping) => grouping === 'where' && !replaced.has(at)),
      plan,
      keys,
    )
    return ranked(builder, numbered, merge, parts, plan)
  }
  const listing = byKeys(
    asListing(builder, (at) => !replaced.has(at)),
    plan,
    keys,
  )
  for (const column of added) listing.select(column)
  return 'lists' in merge ? listing : listing.groupBy(plan.keys.map(({ written }) => written))
}

function byKeys(listing: Knex.QueryBuilder, plan: Plan, keys: readonly LookupKey[]): Knex.QueryBuilder {
  const columns = plan.keys.map(({ written }) => written)
  const [only] = columns
  if (columns.length === 1 && only !== undefined) return listing.whereIn(only, keys.map(({ values }) => values[0]) as string[])
  return listing.whereIn(columns, keys.map(({ values }) => values) as string[][])
}

/** Rows by their number among their key's, and in that order. */
function ranked(
  builder: BuilderInternals,
  numbered: Knex.QueryBuilder,
  { ranks, calledAs }: { readonly ranks: readonly RankOrder[]; readonly calledAs: string },
  { method, columns, limit, offset }: SelectParts,
  { keys, added, rank }: Plan,
): Knex.QueryBuilder {
  const partition = keys.map(({ written }) => written)
  // Knex takes a list of orders here, though its types know of one only.
  const rows = numbered
    .select('*')
    .rowNumber(rank, [...ranks] as never, partition)
    .as(calledAs)
  const selected = columns.length === 0 ? ['*'] : columns
  const query = emptyLike(builder)
    .from(rows)
    .select(...selected, ...added)
  if (offset > 0) query.where(rank, '>', offset)
  return query.where(rank, '<=', offset + (method === 'first' ? 1 : (limit ?? 1))).orderBy(rank)
}
