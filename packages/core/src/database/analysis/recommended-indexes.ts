import { uniqueKeys } from '../advisor/candidates.ts'
import { coveragesOf, findsBy } from '../advisor/index-coverage.ts'
import { indexPages, PAGE_BYTES } from '../advisor/index-pages.ts'
import { KeyMaker } from '../advisor/key-maker.ts'
import { resolveWorkload } from '../advisor/resolve-workload.ts'
import type { ColumnCondition, StatementUse } from '../advisor/table-use.ts'
import { createIndexSql } from '../fixes/index-statements.ts'
import type { SchemaChange } from '../fixes/schema-change.ts'
import type { IndexDefinition, IndexKey } from '../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { formatCount, indexNameOf, shownName, tableTitle } from '../names.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import type { DatabaseAnalysis } from './database-analysis.ts'

/** Smaller tables are read as a whole in no time. */
const MIN_ROWS = 500
const MAX_COLUMNS = 4

interface MissingIndex {
  readonly keys: readonly IndexKey[]
  readonly queries: { readonly fingerprint: string; readonly totalMs: number }[]
  calls: number
  totalMs: number
}

/**
 * The indexes that an analysis found for a table; without an analysis, those that its workload needs.
 *
 * @returns `undefined` if neither is known.
 */
export function recommendedIndexes(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  analysis: DatabaseAnalysis | undefined,
  workload: readonly WorkloadEntry[],
): IndexStrategy[] | undefined {
  if (analysis !== undefined) return strategiesOf(analysis, table, snapshot)
  return workload.length === 0 ? undefined : indexesForWorkload(snapshot, table, workload)
}

/**
 * Missing indexes by which statements of one table find their rows, those for the most expensive statements
 * first. Based on the SQL only: without a planner, and without the cost of writes.
 */
function indexesForWorkload(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  workload: readonly WorkloadEntry[],
): IndexStrategy[] {
  if (table.kind === 'view' || (table.rows >= 0 && table.rows < MIN_ROWS)) return []
  const missing = new Map<string, MissingIndex>()
  const own = workload.filter(({ dialect }) => dialect === snapshot.dialect)
  for (const { entry, use } of resolveWorkload(own, snapshot).statements) {
    const keys = missingKeys(snapshot, table, use)
    if (keys === undefined) continue
    const id = keys
      .map(({ column }) => column)
      .sort()
      .join()
    const known = missing.get(id) ?? { keys, queries: [], calls: 0, totalMs: 0 }
    known.calls += entry.calls
    known.totalMs += entry.totalMs
    known.queries.push({ fingerprint: entry.fingerprint, totalMs: entry.totalMs })
    missing.set(id, known)
  }
  return [...missing.values()]
    .sort((a, b) => b.totalMs - a.totalMs)
    .map((one) => strategyFor(snapshot, table, one))
}

/**
 * The columns that an index would need first; `undefined` if one table is not all that the statement reads,
 * or if an index serves it.
 */
function missingKeys(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  { uses }: StatementUse,
): readonly IndexKey[] | undefined {
  const [use, another] = uses
  if (use === undefined || another !== undefined || use.table !== table || use.alternatives.length > 0)
    return undefined
  const maker = new KeyMaker(snapshot, table)
  const plain = (toKey: (condition: ColumnCondition) => IndexKey | undefined) =>
    use.conditions.flatMap((condition) => {
      const key = condition.operator === 'is not null' ? undefined : toKey(condition)
      return key === undefined || key.expression !== undefined ? [] : [key]
    })
  const equalities = plain((condition) => maker.equality(condition))
  const keys = uniqueKeys([
    ...equalities,
    ...plain((condition) => maker.range(condition, [])).slice(0, 1),
  ]).slice(0, MAX_COLUMNS)
  const columns = (equalities.length > 0 ? equalities : keys).map(({ column }) => column)
  const isServed = isUniqueBy(table, columns) || coveragesOf(table).some((index) => findsBy(index, columns))
  return keys.length === 0 || isServed ? undefined : keys
}

/** Whether what is asked for is one row: nothing finds it faster. */
function isUniqueBy(table: TableSnapshot, equalities: readonly string[]): boolean {
  return coveragesOf(table).some(
    ({ isUnique, where, keys }) =>
      isUnique &&
      where === undefined &&
      keys.every(({ column, expression }) => expression === undefined && equalities.includes(column)),
  )
}

function strategyFor(
  snapshot: DatabaseSnapshot,
  table: TableSnapshot,
  { keys, queries, calls, totalMs }: MissingIndex,
): IndexStrategy {
  const index: IndexDefinition = { table: table.id, keys, method: 'btree', isUnique: false }
  const columns = keys.map(({ column }) => column)
  const indexName = indexNameOf(table.name, columns, 'idx')
  const name = shownName(table, snapshot)
  return {
    table: name,
    columns,
    indexName,
    type: 'btree',
    unique: false,
    sparse: false,
    indexSize: table.rows < 0 ? 0 : indexPages(index, table, 1) * PAGE_BYTES,
    reason: `${formatCount(calls)} statements, ${formatCount(totalMs)} ms in total, filter ${name} by (${columns.join(', ')}), without an index. Not validated by the planner.`,
    queries: queries.sort((a, b) => b.totalMs - a.totalMs).map(({ fingerprint }) => fingerprint),
    estimatedGain: 0,
    writeCost: 0,
    ddl: createIndexSql(snapshot, table, index, indexName),
    fix: { kind: 'create-index', index, name: indexName },
  }
}

/** The indexes that an analysis found for a table. */
function strategiesOf(
  { findings }: DatabaseAnalysis,
  table: TableSnapshot,
  snapshot: DatabaseSnapshot,
): IndexStrategy[] {
  return findings.flatMap(
    ({ code, changes: [change], details, statements, bytes = 0, sql = [], upkeep = 0 }): IndexStrategy[] => {
      if (code !== 'MISSING_INDEX' || change?.index.table !== table.id) return []
      const { index, name } = change
      return [
        {
          table: tableTitle(table.id, snapshot),
          columns: index.keys.map(({ column }) => column),
          indexName: name,
          type:
            index.method === 'gin' || index.method === 'fulltext'
              ? 'fulltext'
              : index.method === 'hash'
                ? 'hash'
                : 'btree',
          unique: index.isUnique,
          sparse: index.where !== undefined,
          indexSize: bytes,
          reason: details[0] ?? '',
          queries: statements.map(({ fingerprint }) => fingerprint),
          estimatedGain: statements.reduce(
            (sum, { calls, cost }) => sum + (cost === undefined ? 0 : calls * (cost.without - cost.with)),
            0,
          ),
          writeCost: upkeep,
          ddl: sql.join(';\n'),
          fix: change,
        },
      ]
    },
  )
}

/** An index that a table should have, and why. */
export interface IndexStrategy {
  /** As the database writes it, with its schema where that is not the default one. */
  readonly table: string
  readonly columns: readonly string[]
  readonly indexName: string
  /** `fulltext`: GIN over a text search vector (PostgreSQL), `FULLTEXT` (MySQL), an FTS5 table (SQLite). */
  readonly type: 'btree' | 'hash' | 'fulltext'
  readonly unique: boolean
  /** Whether it holds a part of the rows only. */
  readonly sparse: boolean
  /** Bytes, as an estimate; 0 where nothing is known of the table's size. */
  readonly indexSize: number
  /** For people: one sentence. */
  readonly reason: string
  /** Fingerprints of the statements that it serves, most expensive first. */
  readonly queries: readonly string[]
  /** Saving and maintenance cost for the workload, both in the planner's unit; 0: not estimated. */
  readonly estimatedGain: number
  readonly writeCost: number
  /** The statement that creates it, without locking the table if the database supports that. */
  readonly ddl: string
  /**
   * The same as a change that files can be written from; `undefined` where none can: a primary key, an FTS5
   * table.
   */
  readonly fix: SchemaChange | undefined
}
