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

/**
 * The order of a lookup in the syntax of an ORM; `undefined` if a column is none that the ORM knows.
 *
 * @param nameOf - Returns the name of a column in the app.
 */
export function orderOf(
  { order }: SimpleLookup,
  nameOf: (column: string) => string | undefined,
  format: (name: string, direction: 'ASC' | 'DESC') => string,
): readonly string[] | undefined {
  const terms = order.map(({ column, descending }) => {
    const name = nameOf(column)
    return name && format(name, descending ? 'DESC' : 'ASC')
  })
  return terms.every((term) => term !== undefined) ? terms : undefined
}
