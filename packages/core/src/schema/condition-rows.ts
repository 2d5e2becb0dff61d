import type { Dialect } from '../sql/dialect.ts'
import type { Condition, Statement } from '../sql/statement-types.ts'
import type { SchemaCatalog } from './catalog.ts'
import type { TableId } from './catalog-data.ts'
import type { CatalogRegistry } from './catalog-registry.ts'
import { type KeyedRows, keyedRows, MAX_READ_ROWS, type RowKey } from './row-key.ts'

/** The rows of one table that a read is about. */
export interface PinnedRead extends KeyedRows {
  readonly table: TableId
  /** Whether each row of the result is one row of the table; otherwise a row may give several. */
  readonly isPlain: boolean
}

/**
 * The rows that all of a statement's conditions leave, as its primary key names them; `undefined` where they name none.
 *
 * @param values - What is bound to its parameters.
 */
export function rowsOfConditions(
  { placeholders }: Statement,
  conditions: readonly Condition[],
  key: RowKey,
  values: readonly unknown[],
  most: number,
): KeyedRows | undefined {
  // Bound values that are not as many as the text takes are not bound as it is read here.
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

function conditionOn(column: string, conditions: readonly Condition[], dialect: Dialect): Condition | undefined {
  const name = dialect === 'postgresql' ? column : column.toLowerCase()
  for (const condition of conditions) if (condition.column === name) return condition
  return undefined
}

/** What a SELECT lists, as one catalogue reads its names. */
interface ResolvedListing {
  readonly catalog: SchemaCatalog
  /** `undefined` where the table is read in other places too. */
  readonly table: TableId | undefined
}

/** Most statements are asked again and again, and mean the same until a catalogue changes. */
const resolved = new WeakMap<Statement, ResolvedListing>()

/** The rows of its first table on which a SELECT's result depends, if it names them by their primary key and reads the table nowhere else. */
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
  return rows === undefined ? undefined : { buckets: rows.buckets, count: rows.count, table, isPlain: listing.isPlain }
}
