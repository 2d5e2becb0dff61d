import { isTotalOrder, showsTies } from '@sluice/core/adapter'
import type { KnexReason } from '../reasons.ts'
import { aggregateRefusal, groupRefusal } from './aggregates.ts'
import type { KeyColumn } from './choose-key.ts'
import { aliasesOf, columnName, type Ground, isShadowed, lastPart, type TableName, typeOf } from './names.ts'
import { EQUALS, type SelectParts } from './select-parts.ts'

/** How selects of many keys are combined into one. */
export type Merge =
  /** Lists the rows of all keys. */
  | { readonly lists: true }
  /** Adds the key to the existing grouping by other columns. */
  | { readonly groups: true }
  /** Groups by the key: one row per key. */
  | { readonly totals: true }
  /**
   * Lists the rows of all keys and applies the limits here. If there are many rows, runs a separate select
   * for each key, whose rows are numbered in their order, or passes the queries through with the reason
   * `leftAlone`.
   */
  | {
      readonly ranks: readonly RankOrder[]
      /**
       * Whether the order of one key's rows is deterministic. Otherwise the database ranks each key's rows,
       * and keys whose requested rows are tied are queried individually.
       */
      readonly isTotal: boolean
      readonly calledAs: string
      readonly leftAlone: KnexReason | undefined
    }

export type RankMerge = Extract<Merge, { readonly ranks: unknown }>

interface RankOrder {
  readonly column: string
  readonly order: 'asc' | 'desc'
}

export function chooseMerge(
  parts: SelectParts,
  { calledAs }: TableName,
  keys: readonly KeyColumn[],
  ground: Ground,
): Merge | { readonly refused: KnexReason } {
  const { method, filters, aggregates, groups, limit, offset } = parts
  if (keys.length === 0)
    return { refused: filters.some(({ form }) => form === EQUALS) ? 'UNSUPPORTED_COLUMN_TYPE' : 'NOT_BY_KEY' }
  if (groups.length > 0) {
    const refused = groupRefusal(parts, keys, ground)
    return refused === undefined ? { groups: true } : { refused }
  }
  if (aggregates.length > 0) {
    const refused = aggregateRefusal(parts, keys, ground)
    return refused === undefined ? { totals: true } : { refused }
  }
  const takesAll = limit === undefined && method !== 'first'
  const isUnique = isUniqueKey(keys, ground)
  if (offset === 0 && (takesAll || isUnique)) return { lists: true }
  const orders = takesAll ? undefined : rankOrders(parts, ground)
  const isSettled = orders !== undefined && isTotal(orders, keys, ground)
  if (orders === undefined || !(isSettled || areRanked(orders, ground))) return refuseOrder(parts)
  // SQLite runs in the app's process, so querying one page at a time costs less than one statement for all
  // pages.
  const leftAlone = ground.catalog?.dialect === 'sqlite' ? 'PAGE_ON_SQLITE' : undefined
  return parts.columns.every((written) => isSelectable(written, ground))
    ? { ranks: orders, isTotal: isSettled, calledAs, leftAlone }
    : { refused: 'UNSUPPORTED_COLUMNS' }
}

/** Refuses a select of a key's first rows, because the database decides which rows they are. */
export function refuseOrder({ method }: SelectParts): { readonly refused: KnexReason } {
  return { refused: method === 'first' ? 'NONDETERMINISTIC_FIRST_ROW' : 'UNSUPPORTED_LIMIT' }
}

/** Whether a subselect of the whole table contains the column. It does not contain a `rowid` or an `xmin`. */
function isSelectable(written: string, ground: Ground): boolean {
  const { name, depth } = columnName(written)
  return depth <= 2 && (name === '*' || typeOf(name, ground) !== undefined)
}

function isUniqueKey(keys: readonly KeyColumn[], { catalog, table }: Ground): boolean {
  if (catalog === undefined || table === undefined) return false
  return catalog.isUniqueKey(
    table.id,
    keys.map(({ name }) => name),
  )
}

/** The order, if it consists of columns of the table. Without one, only a single row is settled. */
function rankOrders(parts: SelectParts, ground: Ground): readonly RankOrder[] | undefined {
  if (ground.table === undefined) return undefined
  const aliases = aliasesOf(parts, ground)
  const orders: RankOrder[] = []
  for (const { column, direction, nulls } of parts.orders) {
    if (nulls !== undefined || typeOf(column, ground) === undefined || isShadowed(column, aliases, ground))
      return undefined
    orders.push({ column, order: direction?.toLowerCase() === 'desc' ? 'desc' : 'asc' })
  }
  return orders
}

function isTotal(
  orders: readonly RankOrder[],
  keys: readonly KeyColumn[],
  { table, nameOf }: Ground,
): boolean {
  return (
    table !== undefined &&
    isTotalOrder(
      orders.map(({ column }) => nameOf(lastPart(column))),
      keys.map(({ name }) => name),
      table,
    )
  )
}

function areRanked(orders: readonly RankOrder[], ground: Ground): boolean {
  return showsTies(
    orders.map(({ column }) => typeOf(column, ground)),
    ground.catalog?.dialect,
  )
}
