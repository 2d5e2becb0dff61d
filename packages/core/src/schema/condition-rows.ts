import type { Dialect } from '../sql/dialect.ts'
import type { Condition, Statement } from '../sql/statement-types.ts'
import type { SchemaCatalog } from './catalog.ts'
import type { TableId } from './catalog-data.ts'
import type { CatalogRegistry } from './catalog-registry.ts'
import { type KeyedRows, keyedRows, MAX_READ_ROWS, type RowKey } from './row-key.ts'

/** The rows of one table on which a read depends. */
export interface PinnedRead extends KeyedRows {
  readonly table: TableId
  /**
   * Whether each row of the result is one row of the table; otherwise one table row can produce several
   * result rows.
   */
  readonly isPlain: boolean
}

/**
 * The rows that match all of a statement's conditions, identified by the primary key; `undefined` if the
 * conditions do not specify it.
 *
 * @param values - Values that are bound to its parameters.
 */
export function rowsOfConditions(
  { placeholders }: Statement,
  conditions: readonly Condition[],
  key: RowKey,
  values: readonly unknown[],
  most: number,
): KeyedRows | undefined {
  // If the number of bound values differs from the number of placeholders, the values are bound differently
  // from how the SQL is read here.
  const isBound = key.dialect === 'postgresql' || placeholders === values.length
  const options: (readonly unknown[])[] = []
  for (const column of key.columns) {
    const condition = conditionOn(column, conditions, key.dialect)
    if (condition === undefined) return undefined
    const own: unknown[] = []
    for (const value of condition.values) {
      if (typeof value !== 'number') own.push(value)
      else if (isBound) own.push(values[value])
      else return undefined
    }
    options.push(own)
  }
  return keyedRows(key, options, most)
}

function conditionOn(
  column: string,
  conditions: readonly Condition[],
  dialect: Dialect,
): Condition | undefined {
  const name = dialect === 'postgresql' ? column : column.toLowerCase()
  for (const condition of conditions) if (condition.column === name) return condition
  return undefined
}

/** A SELECT's listing, with names resolved by one catalog. */
interface ResolvedListing {
  readonly catalog: SchemaCatalog
  /** `undefined` if the table is also read elsewhere in the statement. */
  readonly table: TableId | undefined
}

/** Most statements run repeatedly, and have the same meaning until a catalog changes. */
const resolved = new WeakMap<Statement, ResolvedListing>()

/**
 * The rows of a SELECT's first table on which the result depends, if the conditions identify them by primary
 * key and the table is not read elsewhere in the statement.
 */
export function pinnedReadOf(
  statement: Statement,
  values: readonly unknown[],
  sourceId: string,
  catalogs: CatalogRegistry,
): PinnedRead | undefined {
  const { listing } = statement
  const catalog = listing && catalogs.seenBy(sourceId)
  if (listing === undefined || catalog === undefined) return undefined
  let known = resolved.get(statement)
  if (known?.catalog !== catalog) {
    const table = catalog.idOf(listing.table)
    const isReadOnce = statement.reads.filter((name) => catalog.idOf(name) === table).length === 1
    known = { catalog, table: isReadOnce ? table : undefined }
    resolved.set(statement, known)
  }
  const { table } = known
  const key = table === undefined ? undefined : catalogs.rowKey(sourceId, table)
  if (table === undefined || key === undefined) return undefined
  const rows = rowsOfConditions(statement, listing.conditions, key, values, MAX_READ_ROWS)
  return rows === undefined
    ? undefined
    : { buckets: rows.buckets, count: rows.count, table, isPlain: listing.isPlain }
}
