import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement, TableWrite } from '../sql/statement.ts'

/** Status of a connection of MySQL and MariaDB, as in the protocol. */
const IN_TRANSACTION = 1
const AUTOCOMMIT = 2

/** Writes whose answers contain the number of rows that they changed. */
const COUNTED: ReadonlySet<TableWrite['how']> = new Set(['insert', 'update', 'delete'])

/**
 * Whether a statement writes one base table with a single INSERT, UPDATE or DELETE, so that the number of
 * rows in its answer is that of the rows that it changed in this table.
 *
 * @param sourceId - The source whose catalog resolves the table's name.
 */
export function countsChanges(
  { kinds, writes, opaque, several, mayCommit }: Statement,
  sourceId: string,
  catalogs: CatalogRegistry,
): boolean {
  const [write, other] = writes
  if (write === undefined || other !== undefined || opaque !== undefined || several || mayCommit) return false
  if (kinds.length !== 1 || !COUNTED.has(write.how) || kinds[0] !== write.how.toUpperCase()) return false
  const catalog = catalogs.seenBy(sourceId)
  const table = catalog && catalogs.cacheableTable(catalog.dialect, catalog.idOf(write.name))
  // A rule of PostgreSQL can write to a different table instead.
  return table !== undefined && table.hasTriggers !== true
}

/**
 * Whether the answer to such a statement shows that it certainly changed a row. Answers of drivers: the
 * number of rows, or a result of `pg`, of `mysql2`, or of a query builder that renames its members.
 *
 * @param isOpen - Whether a transaction is known to be open on the connection. Without one, an answer
 * that shows a transaction proves nothing.
 */
export function hasChanged(
  { kinds: [kind] }: Pick<Statement, 'kinds'>,
  dialect: Dialect,
  answer: unknown,
  isOpen: boolean,
): boolean {
  const result: unknown = dialect === 'mysql' && Array.isArray(answer) ? answer[0] : answer
  if (dialect === 'postgresql') return countIn(result, ['rowCount', 'numAffectedRows']) > 0
  // MySQL counts the rows that an UPDATE found, if the driver asks it to.
  if (kind === 'UPDATE' && typeof result === 'number') return false
  const names = kind === 'UPDATE' ? ['changedRows', 'numChangedRows'] : ['affectedRows', 'numAffectedRows']
  return countIn(result, names) > 0 && isInState(result, isOpen)
}

function countIn(result: unknown, names: readonly string[]): number {
  if (typeof result === 'number') return result
  if (typeof result !== 'object' || result === null) return 0
  for (const name of names) {
    const count = (result as Readonly<Record<string, unknown>>)[name]
    if (typeof count === 'number' || typeof count === 'bigint') return Number(count)
  }
  // Each row that RETURNING returns was changed.
  const { rows } = result as { readonly rows?: unknown }
  return Array.isArray(rows) ? rows.length : 0
}

/** Whether the server's own view of the connection's transaction is not a different one. */
function isInState(result: unknown, isOpen: boolean): boolean {
  const { serverStatus } = (result ?? {}) as { readonly serverStatus?: unknown }
  if (typeof serverStatus !== 'number') return true
  return isOpen
    ? (serverStatus & IN_TRANSACTION) !== 0
    : (serverStatus & (IN_TRANSACTION | AUTOCOMMIT)) === AUTOCOMMIT
}
