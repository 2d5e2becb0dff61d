import { definitionOf } from '../index-definition.ts'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { DuplicateIndex } from '../results/index-findings.ts'
import { sharedKeys } from '../shared-keys.ts'
import { type Coverage, columnsOf, coveragesOf, isServing } from './index-coverage.ts'
import { dropIndexSql } from './index-sql.ts'
import { shownName } from './names.ts'

/**
 * Indexes that another of their table makes needless: it has the same keys, or begins with them, and is of the same method, condition and
 * operators. A unique index is needless only beside another unique one of the same keys, and a primary key never is.
 */
export function duplicateIndexes(snapshot: DatabaseSnapshot): DuplicateIndex[] {
  return snapshot.tables.flatMap((table) => duplicatesOf(snapshot, table))
}

function duplicatesOf(snapshot: DatabaseSnapshot, table: TableSnapshot): DuplicateIndex[] {
  const others = coveragesOf(table)
  const gone = new Set<string>()
  const found: DuplicateIndex[] = []
  // What is easiest to drop goes first; of two that are alike one stays.
  for (const index of table.indexes.filter(isServing).sort(byDispensability)) {
    if (index.isPrimary) continue
    const cover = others.find((other) => other.name !== index.name && !gone.has(other.name) && makesNeedless(other, index))
    if (cover === undefined) continue
    gone.add(index.name)
    found.push(describe(snapshot, table, index, cover))
  }
  return found
}

function byDispensability(a: IndexSnapshot, b: IndexSnapshot): number {
  const rank = ({ isPrimary, isConstraint, isUnique }: IndexSnapshot) => Number(isPrimary) * 4 + Number(isConstraint) * 2 + Number(isUnique)
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

function describe(snapshot: DatabaseSnapshot, table: TableSnapshot, index: IndexSnapshot, cover: Coverage): DuplicateIndex {
  const kind = cover.keys.length === index.keys.length ? 'identical' : 'prefix'
  const columns = columnsOf(index)
  const how = kind === 'identical' ? 'has the same keys' : `begins with the same keys: (${columnsOf(cover).join(', ')})`
  return {
    table: shownName(table, snapshot),
    index: index.name,
    columns,
    coveredBy: cover.name,
    kind,
    bytes: index.bytes,
    reason: `Whatever ${index.name} (${columns.join(', ')}) serves, ${cover.name} serves as well: it ${how}. Each write pays for both.`,
    ddl: dropIndexSql(snapshot, table, index),
    fix: { kind: 'drop-index', index: definitionOf(index), name: index.name },
  }
}
