import type { ForeignKeyInfo } from '../../schema/catalog-data.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { MissingForeignKeyIndex } from '../results/index-findings.ts'
import { coveragesOf, findsBy } from './index-coverage.ts'
import { createIndexSql } from './index-sql.ts'
import { formatCount, indexNameOf, shownName } from './names.ts'

/**
 * Foreign keys by whose columns no index finds rows; those of the largest tables first. PostgreSQL and SQLite create none
 * automatically, and most ORMs do not either. A partition has those of its parent.
 */
export function missingForeignKeyIndexes(snapshot: DatabaseSnapshot): MissingForeignKeyIndex[] {
  const tables = new Map(snapshot.tables.map((table) => [table.id, table]))
  const found = new Map<string, MissingForeignKeyIndex>()
  for (const key of snapshot.foreignKeys) {
    const table = tables.get(key.table)
    if (table === undefined || (table.kind !== 'table' && table.kind !== 'partitioned')) continue
    const id = `${key.table} ${[...key.columns].sort().join()}`
    if (found.has(id) || coveragesOf(table).some((index) => findsBy(index, key.columns))) continue
    found.set(id, describe(snapshot, table, key, tables.get(key.references)))
  }
  return [...found.values()].sort((a, b) => b.rows - a.rows)
}

function describe(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  { columns, references, onDelete }: ForeignKeyInfo,
  target: TableSnapshot | undefined,
): MissingForeignKeyIndex {
  const name = indexNameOf(table.name, columns, 'idx')
  const index: IndexDefinition = { table: table.id, keys: columns.map((column) => ({ column })), method: 'btree', isUnique: false }
  const referenced = target === undefined ? references : shownName(target, snapshot)
  const rows = table.rows < 0 ? 'every row' : `all ${formatCount(table.rows)} rows`
  const what =
    onDelete === 'Cascade' ? 'delete what belongs to it' : onDelete === 'SetNull' ? 'take it out' : 'see that nothing refers to it'
  return {
    table: shownName(table, snapshot),
    columns,
    references: referenced,
    rows: table.rows,
    reason: `${columns.join(', ')} refers to ${referenced}, and no index begins with it: deleting a row there reads ${rows} here to ${what}, as does each join and each query by it.`,
    ddl: createIndexSql(snapshot, table, index, name),
    fix: { kind: 'create-index', index, name },
  }
}
