import type { EqualitySelect } from '@sluice/core/adapter'

/** A select of rows by one key, with the names of the database. */
export interface SimpleLookup {
  readonly table: string
  readonly key: string
  readonly order: readonly { readonly column: string; readonly descending: boolean }[]
}

/** `undefined`: the select has other conditions, aggregates, or a limit of the rows for each key. */
export function simpleLookup(select: EqualitySelect): SimpleLookup | undefined {
  const { table, keys, conditions, aggregates, order, isLimited } = select
  const [path, ...others] = keys
  const name = table.path.at(-1)
  const key = path?.at(-1)
  if (name === undefined || key === undefined || others.length > 0) return undefined
  if (conditions.length > 0 || aggregates.length > 0 || (isLimited && order.length > 0)) return undefined
  return {
    table: name,
    key,
    order: order.map(({ path, descending }) => ({ column: path.at(-1) ?? '', descending })),
  }
}
