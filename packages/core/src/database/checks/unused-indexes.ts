import { definitionOf } from '../index-definition.ts'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { UnusedIndex } from '../results/index-findings.ts'
import { columnsOf, coveragesOf, findsBy } from './index-coverage.ts'
import { dropIndexSql } from './index-sql.ts'
import { formatBytes, shownName } from './names.ts'

/**
 * Indexes that were not read since the server's counters began, and indexes that cannot be read; the largest first. Keys and constraints
 * stay, and so does what MySQL needs for a foreign key. Empty where the server does not count.
 */
export function unusedIndexes(snapshot: DatabaseSnapshot): UnusedIndex[] {
  const found = snapshot.tables.flatMap((table) =>
    table.indexes.flatMap((index) => {
      const reason = reasonOf(snapshot, table, index)
      return reason === undefined ? [] : [describe(snapshot, table, index, reason)]
    }),
  )
  return found.sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0))
}

function reasonOf(snapshot: DatabaseSnapshot, table: TableSnapshot, index: IndexSnapshot): string | undefined {
  if (index.isPrimary || index.isConstraint) return undefined
  if (!index.isValid)
    return `${index.name} was not made completely: no query can use it, and each write pays for it. Drop it, or make it anew.`
  if (index.isUnique || index.scans !== 0) return undefined
  const key = snapshot.foreignKeys.find(({ table: holder, columns }) => holder === table.id && findsBy(index, columns))
  const isOnly = key !== undefined && !coveragesOf(table).some((other) => other.name !== index.name && findsBy(other, key.columns))
  if (isOnly && snapshot.dialect === 'mysql') return undefined
  const room = index.bytes === undefined ? '' : ` It takes ${formatBytes(index.bytes)}.`
  const care = isOnly ? ` It is the only one by which rows are found when a row of ${key.references} is deleted.` : ''
  return `No query has read ${index.name} since the server's counters began; each write pays for it.${room}${care} Look at replicas, and at rare jobs, before it is dropped.`
}

function describe(snapshot: DatabaseSnapshot, table: TableSnapshot, index: IndexSnapshot, reason: string): UnusedIndex {
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
