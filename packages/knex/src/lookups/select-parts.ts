import type { Slice } from '@sluice/core/adapter'
import type { Statement } from '../internals/types.ts'

/** A select of one table, split into parts: the compared columns are separate from the values. */
export interface SelectParts {
  readonly method: 'select' | 'first' | 'pluck'
  /** The table as written, with its alias. */
  readonly table: string
  readonly schema: string | undefined
  /** The builder's statements, with each group replaced by its conditions. */
  readonly statements: readonly Statement[]
  /** Combined with AND. */
  readonly filters: readonly Filter[]
  /** Selected columns as written; empty for all. */
  readonly columns: readonly string[]
  readonly aggregates: readonly Aggregate[]
  /** Columns of `groupBy` as written. */
  readonly groups: readonly string[]
  readonly orders: readonly Order[]
  /** Maximum number of rows; `undefined` for all rows, and for `first`, which returns one row. */
  readonly limit: number | undefined
  readonly offset: number
}

/** The rows that a select with a limit returns. */
export function sliceOf({ method, limit, offset }: SelectParts): Slice {
  return { skip: offset, take: method === 'first' ? 1 : (limit ?? 1) }
}

/** A condition on one plain column. */
export interface Filter {
  /** As written, with its table if that is written. */
  readonly column: string
  /** The comparison without its value. */
  readonly form: string
  readonly value: unknown
  /** Its index in the statements. */
  readonly at: number
}

export interface Order {
  /** A column or an alias, as written. */
  readonly column: string
  readonly direction: string | undefined
  /** Position of nulls: Knex then orders only by whether the column is null. */
  readonly nulls: string | undefined
}

/** One call of `count`, `sum`, `min`, `max` or `avg`. */
export interface Aggregate {
  readonly method: string
  readonly isDistinct: boolean
  /** Its results, in order. */
  readonly outputs: readonly AggregateOutput[]
}

export interface AggregateOutput {
  /** Columns as written; `*` for rows. */
  readonly columns: readonly string[]
  readonly alias: string | undefined
}

/** The form of `column = value`, with a value that can be a key. */
export const EQUALS = '='

/** Equal for selects that differ only in values; the same in every process. */
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
  return JSON.stringify([
    method,
    table,
    schema,
    conditions,
    columns,
    aggregates,
    groups,
    orders,
    limit !== undefined,
    offset > 0,
    context,
  ])
}
