import type { Statement } from '../sql/statement.ts'
import type { TableId } from './catalog-data.ts'
import type { CatalogRegistry } from './catalog-registry.ts'
import { PlannedRows } from './planned-rows.ts'
import { type KeyedRows, MAX_READ_ROWS } from './row-key.ts'
import { readsOfStatement } from './statement-effect.ts'

const NO_TABLES: readonly TableId[] = []

/** The reads of a query, without its values. Valid in one version of the catalogs. */
export class ReadPlan {
  constructor(
    readonly version: number,
    /** Every table on which the result depends. Empty if the result must not be cached. */
    readonly tables: readonly TableId[],
    /** Why the result must not be cached. */
    readonly refused?: string | undefined,
    /** How the values identify the rows of a table on which the result depends. */
    private readonly pinned?: PlannedRows | undefined,
    /**
     * Whether each row of the result is one row of that table; otherwise one table row can produce several
     * result rows.
     */
    readonly isPlain: boolean = false,
  ) {}

  /** @param sourceId - The source whose catalog resolves the statement's names. */
  static of(statement: Statement, sourceId: string, catalogs: CatalogRegistry): ReadPlan {
    const version = catalogs.used()
    const reads = readsOfStatement(statement, sourceId, catalogs)
    if ('refused' in reads) return new ReadPlan(version, NO_TABLES, reads.refused)
    const { listing } = statement
    const pinned = listing && pinnedOf(statement, reads.tables, sourceId, catalogs)
    return new ReadPlan(version, reads.tables, undefined, pinned, listing?.isPlain)
  }

  /** The table of which the result depends on certain rows only, if the values identify them. */
  get pinnedTable(): TableId | undefined {
    return this.pinned?.table
  }

  /** The rows of `pinnedTable` on which the result depends; `undefined`: any. */
  rowsOf(values: readonly unknown[]): KeyedRows | undefined {
    return this.pinned?.of(values, MAX_READ_ROWS)
  }
}

/**
 * Pins a SELECT's first table, if the conditions specify its key and the result does not depend on its other
 * rows.
 */
function pinnedOf(
  statement: Statement,
  tables: readonly TableId[],
  sourceId: string,
  catalogs: CatalogRegistry,
): PlannedRows | undefined {
  const { listing } = statement
  const catalog = catalogs.seenBy(sourceId)
  if (listing === undefined || catalog === undefined) return undefined
  const table = catalog.idOf(listing.table)
  if (tables.filter((one) => one === table).length !== 1) return undefined
  const key = catalogs.rowKey(sourceId, table)
  return key && PlannedRows.of(statement, listing.conditions, table, key)
}
