import type { ForeignKeyInfo } from '../../schema/catalog-data.ts'
import { createIndexSql, dropIndexSql } from '../fixes/index-statements.ts'
import type { SchemaChange } from '../fixes/schema-change.ts'
import { definitionOf, type IndexDefinition, sharedKeys } from '../index-definition.ts'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { formatBytes, formatCount, indexNameOf, shownName } from '../names.ts'
import { type Coverage, columnsOf, coveragesOf, findsBy, isServing } from './index-coverage.ts'

/**
 * Indexes that were not read since the server's counters began, and indexes that cannot be read; the largest
 * first. Keys and constraints stay, and so does what MySQL needs for a foreign key. Empty where the server
 * does not count.
 */
export function unusedIndexes(snapshot: DatabaseSnapshot): UnusedIndex[] {
  const found = snapshot.tables.flatMap((table) =>
    table.indexes.flatMap((index) => {
      const reason = reasonOf(snapshot, table, index)
      return reason === undefined ? [] : [unused(snapshot, table, index, reason)]
    }),
  )
  return found.sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))
}

function reasonOf(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  index: IndexSnapshot,
): string | undefined {
  if (index.isPrimary || index.isConstraint) return undefined
  if (!index.isValid)
    return `${index.name} is incomplete: no query can use it, but each write updates it. Drop it, or build it again.`
  if (index.isUnique || index.scans !== 0) return undefined
  const key = snapshot.foreignKeys.find(
    ({ table: holder, columns }) => holder === table.id && findsBy(index, columns),
  )
  const isOnly =
    key !== undefined &&
    !coveragesOf(table).some((other) => other.name !== index.name && findsBy(other, key.columns))
  if (isOnly && snapshot.dialect === 'mysql') return undefined
  const room = index.bytes === undefined ? '' : ` It takes ${formatBytes(index.bytes)}.`
  const care = isOnly
    ? ` It is the only one by which rows are found when a row of ${key.references} is deleted.`
    : ''
  return `No query has read ${index.name} since the server's counters began; each write pays for it.${room}${care} Look at replicas, and at rare jobs, before it is dropped.`
}

function unused(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  index: IndexSnapshot,
  reason: string,
): UnusedIndex {
  return {
    table: shownName(table, snapshot),
    index: index.name,
    columns: columnsOf(index),
    bytes: index.bytes,
    reason,
    ddl: dropIndexSql(snapshot, table, index),
    fix: { kind: 'drop-index', index: definitionOf(index), name: index.name },
  }
}

/**
 * Indexes that another index of their table replaces: it has the same keys, or begins with them, and has the
 * same method, condition and operators. Only another unique index of the same keys replaces a unique one, and
 * a primary key is never redundant.
 */
export function duplicateIndexes(snapshot: DatabaseSnapshot): DuplicateIndex[] {
  return snapshot.tables.flatMap((table) => duplicatesOf(snapshot, table))
}

function duplicatesOf(snapshot: DatabaseSnapshot, table: TableSnapshot): DuplicateIndex[] {
  const others = coveragesOf(table)
  const dropped = new Set<string>()
  const found: DuplicateIndex[] = []
  // The index that is easiest to drop comes first; of two identical ones, one stays.
  for (const index of table.indexes.filter(isServing).sort(byDispensability)) {
    if (index.isPrimary) continue
    const cover = others.find(
      (other) => other.name !== index.name && !dropped.has(other.name) && makesNeedless(other, index),
    )
    if (cover === undefined) continue
    dropped.add(index.name)
    found.push(duplicate(snapshot, table, index, cover))
  }
  return found
}

function byDispensability(a: IndexSnapshot, b: IndexSnapshot): number {
  const rank = ({ isPrimary, isConstraint, isUnique }: IndexSnapshot) =>
    Number(isPrimary) * 4 + Number(isConstraint) * 2 + Number(isUnique)
  return rank(a) - rank(b) || a.keys.length - b.keys.length || (a.name < b.name ? 1 : -1)
}

function makesNeedless(other: Coverage, index: IndexSnapshot): boolean {
  if (other.method !== index.method || other.where !== index.where) return false
  const shared = sharedKeys(index.keys, other.keys)
  if (shared < index.keys.length) return false
  const isSame = other.keys.length === shared
  if (index.isUnique && !(other.isUnique && isSame)) return false
  // Only a b-tree is read by its first keys.
  if (!isSame && index.method !== 'btree') return false
  const carried = new Set([
    ...other.keys.flatMap(({ column, expression }) => (expression === undefined ? [column] : [])),
    ...(other.include ?? []),
  ])
  return other.name === 'PRIMARY KEY' || (index.include ?? []).every((column) => carried.has(column))
}

function duplicate(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  index: IndexSnapshot,
  cover: Coverage,
): DuplicateIndex {
  const kind = cover.keys.length === index.keys.length ? 'identical' : 'prefix'
  const columns = columnsOf(index)
  const how =
    kind === 'identical' ? 'has the same keys' : `begins with the same keys: (${columnsOf(cover).join(', ')})`
  return {
    table: shownName(table, snapshot),
    index: index.name,
    columns,
    coveredBy: cover.name,
    kind,
    bytes: index.bytes,
    reason: `${cover.name} serves every query that ${index.name} (${columns.join(', ')}) serves: it ${how}. Each write updates both.`,
    ddl: dropIndexSql(snapshot, table, index),
    fix: { kind: 'drop-index', index: definitionOf(index), name: index.name },
  }
}

/**
 * Foreign keys by whose columns no index finds rows; those of the largest tables first. PostgreSQL and SQLite
 * create none automatically, and most ORMs do not either. A partition has those of its parent.
 */
export function missingForeignKeyIndexes(snapshot: DatabaseSnapshot): MissingForeignKeyIndex[] {
  const tables = new Map(snapshot.tables.map((table) => [table.id, table]))
  const found = new Map<string, MissingForeignKeyIndex>()
  for (const key of snapshot.foreignKeys) {
    const table = tables.get(key.table)
    if (table === undefined || (table.kind !== 'table' && table.kind !== 'partitioned')) continue
    const id = `${key.table} ${[...key.columns].sort().join()}`
    if (found.has(id) || coveragesOf(table).some((index) => findsBy(index, key.columns))) continue
    found.set(id, missing(snapshot, table, key, tables.get(key.references)))
  }
  return [...found.values()].sort((a, b) => b.rows - a.rows)
}

function missing(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  { columns, references, onDelete }: ForeignKeyInfo,
  target: TableSnapshot | undefined,
): MissingForeignKeyIndex {
  const name = indexNameOf(table.name, columns, 'idx')
  const index: IndexDefinition = {
    table: table.id,
    keys: columns.map((column) => ({ column })),
    method: 'btree',
    isUnique: false,
  }
  const referenced = target === undefined ? references : shownName(target, snapshot)
  const rows = table.rows < 0 ? 'every row' : `all ${formatCount(table.rows)} rows`
  const what =
    onDelete === 'Cascade'
      ? 'delete what belongs to it'
      : onDelete === 'SetNull'
        ? 'take it out'
        : 'see that nothing refers to it'
  return {
    table: shownName(table, snapshot),
    columns,
    references: referenced,
    rows: table.rows,
    reason: `${columns.join(', ')} references ${referenced}, and no index begins with it: deleting a referenced row reads ${rows} here to ${what}, and so does each join and each query by it.`,
    ddl: createIndexSql(snapshot, table, index, name),
    fix: { kind: 'create-index', index, name },
  }
}

/** An index that nothing reads. */
export interface UnusedIndex {
  readonly table: string
  readonly index: string
  readonly columns: readonly string[]
  /** Bytes that it takes; `undefined` where that is not known. */
  readonly bytes: number | undefined
  readonly reason: string
  readonly ddl: string
  readonly fix: SchemaChange
}

/** An index that serves nothing that another does not serve. */
export interface DuplicateIndex {
  readonly table: string
  readonly index: string
  readonly columns: readonly string[]
  /** The other index; `PRIMARY KEY` for a key that the table itself is ordered by. */
  readonly coveredBy: string
  /** Whether the other has the same keys, or begins with them. */
  readonly kind: 'identical' | 'prefix'
  /** Bytes that it takes; `undefined` where that is not known. */
  readonly bytes: number | undefined
  readonly reason: string
  readonly ddl: string
  readonly fix: SchemaChange
}

/** A foreign key whose columns no index begins with. */
export interface MissingForeignKeyIndex {
  readonly table: string
  readonly columns: readonly string[]
  /** The table that it refers to. */
  readonly references: string
  /** Rows of the table that holds the key. -1: not known. */
  readonly rows: number
  readonly reason: string
  readonly ddl: string
  readonly fix: SchemaChange
}
