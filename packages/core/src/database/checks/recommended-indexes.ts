import { analyzeSql } from '../../sql/analyze.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { IndexStrategy } from '../results/index-strategy.ts'
import type { TrafficEntry } from '../traffic/traffic-entry.ts'
import { coveragesOf, findsBy } from './index-coverage.ts'
import { createIndexSql } from './index-sql.ts'
import { formatCount, indexNameOf, shownName, tableNamed } from './names.ts'
import { queryShapeOf } from './query-shape.ts'

/** Smaller tables are read as a whole in no time. */
const MIN_ROWS = 500
const MAX_COLUMNS = 4
const DEFAULT_WIDTH = 8
/** Bytes of an entry beside its keys, and the share of a page that is filled. */
const ENTRY_BYTES = 16
const FILL = 0.9

interface Wanted {
  readonly columns: readonly string[]
  readonly queries: { readonly fingerprint: string; readonly totalMs: number }[]
  calls: number
  totalMs: number
}

/**
 * Indexes by which statements of one table find their rows and that it does not have; those of the dearest statements first. By texts
 * alone: no planner is asked, and nothing is weighed against what writes would pay.
 */
export function indexesForTraffic(snapshot: DatabaseSnapshot, table: TableSnapshot, traffic: readonly TrafficEntry[]): IndexStrategy[] {
  if (table.kind === 'view' || (table.rows >= 0 && table.rows < MIN_ROWS)) return []
  const wanted = new Map<string, Wanted>()
  for (const entry of traffic) {
    const columns = entry.dialect === snapshot.dialect ? columnsWanted(snapshot, table, entry) : undefined
    if (columns === undefined) continue
    const key = [...columns].sort().join()
    const known = wanted.get(key) ?? { columns, queries: [], calls: 0, totalMs: 0 }
    known.calls += entry.calls
    known.totalMs += entry.totalMs
    known.queries.push({ fingerprint: entry.fingerprint, totalMs: entry.totalMs })
    wanted.set(key, known)
  }
  return [...wanted.values()].sort((a, b) => b.totalMs - a.totalMs).map((one) => strategyFor(snapshot, table, one))
}

function columnsWanted(snapshot: DatabaseSnapshot, table: TableSnapshot, { sql, dialect }: TrafficEntry): readonly string[] | undefined {
  const { statement } = analyzeSql(sql, dialect)
  const names = new Set([...statement.reads, ...statement.writes.map(({ name }) => name)].map((parts) => parts.join('.')))
  const [name] = names
  // Of several tables, whose a column is would be a guess.
  if (name === undefined || names.size > 1) return undefined
  const found = tableNamed(snapshot, name) ?? tableNamed(snapshot, name.slice(name.lastIndexOf('.') + 1))
  if (found !== table) return undefined
  const shape = queryShapeOf(sql, dialect)
  const own = (columns: readonly string[]) => columns.flatMap((column) => nameIn(table, column) ?? [])
  const equalities = own(shape.equalities)
  if (shape.hasOr || equalities.length + shape.ranges.length === 0) return undefined
  if (isUniqueBy(table, equalities)) return undefined
  const columns = [...new Set([...equalities, ...own(shape.ranges).slice(0, 1)])].slice(0, MAX_COLUMNS)
  const isServed = columns.length === 0 || coveragesOf(table).some((index) => findsBy(index, equalities.length > 0 ? equalities : columns))
  return isServed ? undefined : columns
}

/** The column as the catalogue writes it. */
function nameIn({ columns }: TableSnapshot, column: string): string | undefined {
  return (columns.find(({ name }) => name === column) ?? columns.find(({ name }) => name.toLowerCase() === column.toLowerCase()))?.name
}

/** Whether what is asked for is one row: nothing finds it faster. */
function isUniqueBy(table: TableSnapshot, equalities: readonly string[]): boolean {
  return coveragesOf(table).some(
    ({ isUnique, where, keys }) =>
      isUnique && where === undefined && keys.every(({ column, expression }) => expression === undefined && equalities.includes(column)),
  )
}

function strategyFor(snapshot: DatabaseSnapshot, table: TableSnapshot, { columns, queries, calls, totalMs }: Wanted): IndexStrategy {
  const index: IndexDefinition = { table: table.id, keys: columns.map((column) => ({ column })), method: 'btree', isUnique: false }
  const indexName = indexNameOf(table.name, columns, 'idx')
  const name = shownName(table, snapshot)
  return {
    ...{ table: name, columns, indexName, type: 'btree', unique: false, sparse: false },
    indexSize: sizeOf(table, columns),
    reason: `${formatCount(calls)} statements, ${formatCount(totalMs)} ms in total, ask ${name} by (${columns.join(', ')}), and no index finds rows by it. The planner was not asked.`,
    queries: queries.sort((a, b) => b.totalMs - a.totalMs).map(({ fingerprint }) => fingerprint),
    estimatedGain: 0,
    writeCost: 0,
    ddl: createIndexSql(snapshot, table, index, indexName),
    fix: { kind: 'create-index', index, name: indexName },
  }
}

function sizeOf(table: TableSnapshot, columns: readonly string[]): number {
  const widths = columns.map((column) => table.columns.find(({ name }) => name === column)?.statistics?.averageWidth ?? DEFAULT_WIDTH)
  const width = widths.reduce((sum, one) => sum + one, ENTRY_BYTES)
  return Math.round((Math.max(0, table.rows) * width) / FILL)
}
