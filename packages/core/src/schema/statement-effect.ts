import type { ReasonCode } from '../shared/reasons.ts'
import type { Statement, TableWrite } from '../sql/statement.ts'
import { TOO_LONG } from '../sql/tokenize.ts'
import { type Change, EVERYTHING, type SchemaCatalog, type WriteEffect } from './catalog.ts'
import type { ColumnType, TableId } from './catalog-data.ts'
import type { CatalogRegistry } from './catalog-registry.ts'
import { hiddenDependency, hiddenLevel, levelOfCall } from './hidden-calls.ts'
import { PlannedRows } from './planned-rows.ts'
import { MAX_WRITTEN_ROWS } from './row-key.ts'

const NO_VALUES: readonly unknown[] = []

/**
 * The writes of a statement, including cascades. If they cannot be determined (SQL that is not understood, a
 * function that can write, a view), the statement modifies everything. `undefined` if it writes nothing.
 *
 * @param sourceId - The source whose catalog resolves the statement's names.
 * @param values - Values bound to its parameters. Default: rows are determined only from the SQL itself.
 */
export function effectOfStatement(
  statement: Statement,
  sourceId: string,
  catalogs: CatalogRegistry,
  values: readonly unknown[] = NO_VALUES,
): WriteEffect | undefined {
  if (statement.transaction !== undefined || statement.isOwn === true) return undefined
  if (statement.opaque !== undefined) return EVERYTHING
  const catalog = catalogs.seenBy(sourceId)
  if (callsMayWrite(statement, catalog) || catalogs.callWhenRead(statement.reads)) return EVERYTHING
  if (statement.writes.length === 0) return undefined
  if (catalog === undefined) return EVERYTHING
  const changes: Change[] = []
  for (const write of statement.writes) {
    const table = catalog.idOf(write.name)
    if (catalog.baseTable(table) === undefined || write.how === 'truncate-cascade' || write.how === 'refresh')
      return EVERYTHING
    const key = write.conditions && catalogs.rowKey(sourceId, table)
    const named =
      key && PlannedRows.of(statement, write.conditions ?? [], table, key)?.of(values, MAX_WRITTEN_ROWS)
    changes.push(...changesOf(write, table, named?.buckets))
  }
  return catalogs.effectOf(catalog.dialect, changes)
}

/** Whether a function that it calls, explicitly or implicitly, can write. */
export function callsMayWrite(statement: Statement, catalog: SchemaCatalog | undefined): boolean {
  if (hiddenLevel(statement, catalog) !== 'reads') return true
  if (statement.functions.size === 0) return false
  return (
    catalog === undefined || [...statement.functions].some((name) => levelOfCall(name, catalog) !== 'reads')
  )
}

/** @param buckets - The specified rows; `undefined`: any. */
export function changesOf(
  { how, columns }: TableWrite,
  table: TableId,
  buckets: readonly number[] | undefined,
): Change[] {
  const rows = buckets === undefined ? {} : { rows: buckets }
  const insert: Change = { table, kind: 'insert' }
  const update: Change =
    columns === undefined ? { table, kind: 'update' } : { table, kind: 'update', columns, ...rows }
  const remove: Change = { table, kind: 'delete', ...rows }
  switch (how) {
    case 'insert':
      return [insert]
    case 'update':
      return [update]
    case 'upsert':
      return [insert, update]
    case 'delete':
    case 'truncate':
      return [remove]
    default:
      return [insert, { table, kind: 'update' }, remove]
  }
}

/**
 * Whether all functions depend only on their arguments, in addition to the pure functions that
 * `Statement.functions` omits.
 */
function arePure(functions: ReadonlySet<string>, catalog: SchemaCatalog | undefined): boolean {
  if (functions.size === 0) return true
  const pure = catalog?.functions?.pure
  return pure !== undefined && [...functions].every((name) => pure.has(name.replace(/^pg_catalog\./, '')))
}

/** Types of PostgreSQL whose values are never strings. */
const NO_STRINGS: ReadonlySet<ColumnType> = new Set([
  ...(['integer', 'decimal', 'float', 'boolean', 'datetime', 'uuid', 'bytes'] as const),
])

/** Whether a column that the statement reads as a time may contain one that depends on the clock. */
function mayReadClock({ timed, reads }: Statement, catalog: SchemaCatalog): boolean {
  if (timed.length === 0) return false
  const columns = reads.flatMap((name) => catalog.tables.get(catalog.idOf(name))?.columns ?? [])
  if (catalog.dialect === 'mysql')
    return columns.some(({ name, exactType }) => exactType === 'time' && timed.includes(name.toLowerCase()))
  return timed.some((name) => {
    const found = columns.filter((column) => column.name === name)
    return found.length === 0 || found.some(({ type }) => !NO_STRINGS.has(type))
  })
}

/**
 * The tables that a statement reads, if its result depends only on them and they are base tables; otherwise
 * the reason why the result must not be cached.
 *
 * @param sourceId - The source whose catalog resolves the statement's names.
 */
export function readsOfStatement(
  statement: Statement,
  sourceId: string,
  catalogs: CatalogRegistry,
): { readonly tables: readonly TableId[] } | { readonly refused: ReasonCode } {
  if (statement.opaque !== undefined)
    return { refused: statement.opaque === TOO_LONG ? 'STATEMENT_TOO_LONG' : 'UNSUPPORTED_SQL' }
  if (statement.writes.length > 0) return { refused: 'WRITES' }
  if (statement.volatile) return { refused: 'VOLATILE_FUNCTION' }
  if (statement.locks) return { refused: 'LOCKS_ROWS' }
  const catalog = catalogs.seenBy(sourceId)
  if (!arePure(statement.functions, catalog)) return { refused: 'UNKNOWN_FUNCTION' }
  if (catalog === undefined) return { refused: 'NO_CATALOG' }
  if (mayReadClock(statement, catalog)) return { refused: 'MAY_READ_CLOCK' }
  const hidden = hiddenDependency(statement, catalog)
  if (hidden !== undefined) return hidden
  const read = statement.reads.map((name) => catalog.idOf(name))
  const tables = catalogs.cacheableTables(catalog.dialect, read)
  return tables === undefined ? { refused: 'NO_BASE_TABLE' } : { tables }
}
