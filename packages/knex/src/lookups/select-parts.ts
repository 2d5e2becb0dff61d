/** A select of one table in its parts: what it compares is apart from the values that it compares with. */
export interface SelectParts {
  readonly method: 'select' | 'first' | 'pluck'
  /** The table as written, with its alias. */
  readonly table: string
  readonly schema: string | undefined
  /** All of them hold at once. */
  readonly filters: readonly Filter[]
  /** Selected columns as written; empty for all. */
  readonly columns: readonly string[]
  readonly aggregates: readonly Aggregate[]
  /** Columns of `groupBy` as written. */
  readonly groups: readonly string[]
  readonly orders: readonly Order[]
  /** The most rows; `undefined` for all, and for `first`, which takes one. */
  readonly limit: number | undefined
  readonly offset: number
}

/** The most rows that a select with a limit gives. */
export function pageSizeOf({ method, limit }: SelectParts): number {
  return method === 'first' ? 1 : (limit ?? 1)
}

/** A condition on one plain column. */
export interface Filter {
  /** As written, with its table where that is written. */
  readonly column: string
  /** The comparison without its value. */
  readonly form: string
  readonly value: unknown
  /** Its place among the builder's statements. */
  readonly at: number
}

export interface Order {
  /** A column or an alias, as written. */
  readonly column: string
  readonly direction: string | undefined
  /** Where nulls go: Knex then orders by whether the column is null, and by nothing else. */
  readonly nulls: string | undefined
}

/** One call of `count`, `sum`, `min`, `max` or `avg`. */
export interface Aggregate {
  readonly method: string
  readonly isDistinct: boolean
  /** What it gives, in order. */
  readonly outputs: readonly AggregateOutput[]
}

export interface AggregateOutput {
  /** Columns as written; `*` for rows. */
  readonly columns: readonly string[]
  readonly alias: string | undefined
}

/** The form of `column = value` with a value that may be a key. */
export const EQUALS = '='

/** Equal for selects that differ in values only; the same in every process. */
export function structureOf(parts: SelectParts, context: string): string {
  const { method, table, schema, filters, columns, aggregates, groups, orders, limit, offset } = parts
  const [filter] = filters
  const isShort =
    schema === undefined &&
    filters.length === 1 &&
    columns.length === 0 &&
    aggregates.length === 0 &&
    orders.length === 0 &&
    groups.length === 0 &&
    limit === undefined &&
    offset === 0 &&
    context === ''
  if (isShort && filter !== undefined) return `${method} ${table}\n${filter.column} ${filter.form}`
  const conditions = filters.map(({ column, form }) => [column, form])
  return JSON.stringify([method, table, schema, conditions, columns, aggregates, groups, orders, limit !== undefined, offset > 0, context])
}
