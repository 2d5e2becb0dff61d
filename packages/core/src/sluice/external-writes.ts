import type { ReadYourWritesTracker } from '../balancing/replicas/read-your-writes-tracker.ts'
import { EVERYTHING } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import { InvalidArgumentError } from '../shared/errors.ts'

/**
 * Invalidates the results of a table that an external writer modified.
 *
 * @param ids - Primary keys of the modified rows; omitted: any row.
 * @throws InvalidArgumentError, synchronously, if a catalog is known and does not contain the table. A table
 * in a database of MySQL that no client uses counts as everything.
 */
export function invalidateTable(
  writes: ReadYourWritesTracker,
  catalogs: CatalogRegistry,
  table: string,
  ids: readonly unknown[] | undefined,
): Promise<void> {
  if (typeof table !== 'string' || table === '')
    throw new InvalidArgumentError('table', 'the name of a model or table', table)
  if (ids !== undefined && !Array.isArray(ids))
    throw new InvalidArgumentError('ids', 'an array of primary keys', ids)
  // Names of a catalog that is being read are not found yet.
  const tables = catalogs.isReading() ? new Set<TableId>() : catalogs.resolve(table)
  if (tables.size === 0 && catalogs.isKnown() && !catalogs.isReading() && !catalogs.mayBeOutside(table)) {
    throw new InvalidArgumentError('table', 'the name of a model or table in the catalog', table)
  }
  const effect = ids === undefined ? { tables, everything: false } : catalogs.effectOnRows(tables, ids)
  const notified = writes.invalidate(tables.size === 0 ? EVERYTHING : effect)
  // A caller that does not await the promise must not crash; Sluice retries until it succeeds.
  notified.catch(() => {})
  return notified
}

/** Serves and caches nothing until the returned function is called; then invalidates all results. */
export function suspendCaching(writes: ReadYourWritesTracker): () => void {
  const intent = writes.begin(EVERYTHING)
  let isSuspended = true
  return () => {
    if (!isSuspended) return
    intent.end('committed')
    isSuspended = false
    // Other processes can have cached results from meanwhile, too; Sluice retries until they are notified.
    writes.invalidate(EVERYTHING).catch(() => {})
  }
}
