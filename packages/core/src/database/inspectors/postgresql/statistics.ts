import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import { MAX_BOUNDS, MAX_COMMON } from '../../sampling/statistics-from-sample.ts'
import type { ColumnStatistics, StatisticsValue, TableSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { inOrder, numberOf, thinned } from '../row-values.ts'

/** By column: its statistics, given the table's rows. */
export type TableStatistics = ReadonlyMap<string, (rows: number) => ColumnStatistics>

/**
 * A table with children has two statistics: for itself, and for all. A partitioned table has only the latter;
 * for others, the former is used.
 */
const STATISTICS = `
  SELECT DISTINCT ON (s.schemaname, s.tablename, s.attname)
    s.schemaname::text AS "schema", s.tablename::text AS "table", s.attname::text AS "column",
    s.null_frac::float8 AS "null_frac", s.avg_width::float8 AS "avg_width", s.n_distinct::float8 AS "n_distinct",
    s.most_common_vals::text AS "most_common_vals", pg_catalog.to_json(s.most_common_vals::text::text[])::text AS "common",
    pg_catalog.to_json(s.most_common_freqs)::text AS "most_common_freqs",
    s.histogram_bounds::text AS "histogram_bounds", pg_catalog.to_json(s.histogram_bounds::text::text[])::text AS "bounds",
    s.correlation::float8 AS "correlation"
  FROM pg_catalog.pg_stats s
  WHERE s.schemaname <> 'information_schema' AND s.schemaname !~ '^pg_'
  ORDER BY s.schemaname, s.tablename, s.attname, s.inherited`

export async function readStatistics(
  connection: Connection,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, TableStatistics>> {
  return gaps.read(
    'statistics',
    'Without them, the distribution of values is unknown.',
    new Map(),
    async () => {
      const tables = new Map<TableId, Map<string, (rows: number) => ColumnStatistics>>()
      for (const row of await connection.query(STATISTICS)) {
        const id = tableId('postgresql', textOf(row, 'schema'), textOf(row, 'table'), 'public')
        const columns = tables.get(id) ?? new Map<string, (rows: number) => ColumnStatistics>()
        tables.set(id, columns)
        columns.set(textOf(row, 'column'), (rows) => statisticsOf(row, rows))
      }
      return tables
    },
  )
}

function statisticsOf(row: Row, rows: number): ColumnStatistics {
  const distinct = numberOf(row, 'n_distinct') ?? 0
  const shares = listOf<number>(row, 'most_common_freqs')
  const bounds = listOf<string>(row, 'bounds')
  const correlation = numberOf(row, 'correlation')
  const averageWidth = numberOf(row, 'avg_width')
  const nullShare = numberOf(row, 'null_frac') ?? 0
  return {
    // A negative one is a share of the rows.
    distinct: Math.max(1, Math.round(distinct < 0 ? -distinct * Math.max(rows, 0) : distinct)),
    nullShare,
    ...(averageWidth === undefined ? {} : { averageWidth }),
    common: listOf<string>(row, 'common').map((value, at) => ({ value, share: shares[at] ?? 0 })),
    bounds: thinned(bounds, 101),
    ...(correlation === undefined ? {} : { correlation }),
    raw: {
      null_frac: nullShare,
      avg_width: averageWidth ?? null,
      n_distinct: distinct,
      most_common_vals: optionalTextOf(row, 'most_common_vals') ?? null,
      most_common_freqs: shares.length === 0 ? null : shares,
      histogram_bounds: optionalTextOf(row, 'histogram_bounds') ?? null,
      correlation: correlation ?? null,
    },
  }
}

function listOf<T>(row: Row, column: string): readonly T[] {
  const text = optionalTextOf(row, column)
  return text === undefined ? [] : (JSON.parse(text) as T[])
}

type Counters = Pick<
  TableSnapshot,
  | 'inserted'
  | 'updated'
  | 'deleted'
  | 'fullScans'
  | 'fullScanRows'
  | 'deadRows'
  | 'analyzedAt'
  | 'changedSinceAnalyze'
>

export type TableCounters = Counters & { readonly liveRows?: number }

const TABLES = `
  SELECT schemaname::text AS "schema", relname::text AS "table",
    n_tup_ins::float8 AS "inserted", n_tup_upd::float8 AS "updated", n_tup_del::float8 AS "deleted",
    seq_scan::float8 AS "fullScans", seq_tup_read::float8 AS "fullScanRows",
    n_live_tup::float8 AS "liveRows", n_dead_tup::float8 AS "deadRows", n_mod_since_analyze::float8 AS "changedSinceAnalyze",
    pg_catalog.floor(pg_catalog.date_part('epoch', GREATEST(last_analyze, last_autoanalyze))::float8 * 1000) AS "analyzedAt"
  FROM pg_catalog.pg_stat_user_tables`

const INDEXES = `SELECT indexrelid::text AS "oid", idx_scan::float8 AS "scans" FROM pg_catalog.pg_stat_user_indexes`

const COUNTERS = [
  'inserted',
  'updated',
  'deleted',
  'fullScans',
  'fullScanRows',
  'liveRows',
  'deadRows',
  'changedSinceAnalyze',
  'analyzedAt',
] as const

export async function readTableCounters(
  connection: Connection,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, TableCounters>> {
  return gaps.read('table use', 'Set track_counts to on.', new Map(), async () => {
    const rows = await connection.query(TABLES)
    return new Map(
      rows.map((row) => {
        const counters = COUNTERS.map((name) => [name, numberOf(row, name)] as const).filter(
          ([, value]) => value !== undefined,
        )
        return [
          tableId('postgresql', textOf(row, 'schema'), textOf(row, 'table'), 'public'),
          Object.fromEntries(counters) as TableCounters,
        ]
      }),
    )
  })
}

/** How often each index was used, by the server's number for it. */
export async function readIndexScans(
  connection: Connection,
  gaps: Gaps,
): Promise<ReadonlyMap<string, number>> {
  return gaps.read('index use', 'Set track_counts to on.', new Map(), async () => {
    const rows = await connection.query(INDEXES)
    return new Map(rows.map((row) => [textOf(row, 'oid'), numberOf(row, 'scans') ?? 0]))
  })
}

/** The share of a partition's rows that are distinct, from which other partitions have other values. */
const MOSTLY_DISTINCT = 0.1

interface Part {
  readonly rows: number
  readonly statistics: ColumnStatistics
}

/**
 * Estimates the statistics of a partitioned table from those of its partitions, if it has none: autovacuum
 * analyzes partitions only.
 */
export function withStatisticsOfPartitions(tables: readonly TableSnapshot[]): TableSnapshot[] {
  const partitions = new Map<TableId, TableSnapshot[]>()
  for (const table of tables) {
    if (table.parent === undefined) continue
    const known = partitions.get(table.parent)
    if (known === undefined) partitions.set(table.parent, [table])
    else known.push(table)
  }
  const leavesOf = (id: TableId): TableSnapshot[] =>
    (partitions.get(id) ?? []).flatMap((table) => (partitions.has(table.id) ? leavesOf(table.id) : [table]))
  return tables.map((table) => {
    if (!partitions.has(table.id)) return table
    const leaves = leavesOf(table.id).filter(({ rows }) => rows > 0)
    return {
      ...table,
      columns: table.columns.map((column) => {
        if (column.statistics !== undefined) return column
        const parts = leaves.flatMap(({ rows, columns }): Part[] => {
          const statistics = columns.find(({ name }) => name === column.name)?.statistics
          return statistics === undefined ? [] : [{ rows, statistics }]
        })
        return parts.length === 0 ? column : { ...column, statistics: united(parts) }
      }),
    }
  })
}

function united(parts: readonly Part[]): ColumnStatistics {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const mean = (of: (statistics: ColumnStatistics) => number) =>
    parts.reduce((sum, part) => sum + (of(part.statistics) * part.rows) / rows, 0)
  const shares = new Map<StatisticsValue, number>()
  for (const part of parts)
    for (const { value, share } of part.statistics.common)
      shares.set(value, (shares.get(value) ?? 0) + (share * part.rows) / rows)
  const common = [...shares]
    .map(([value, share]) => ({ value, share }))
    .sort((a, b) => b.share - a.share)
    .slice(0, MAX_COMMON)
  const numbers = parts.map(({ statistics }) => statistics.distinct)
  const areOwn = parts.every((part) => part.statistics.distinct >= part.rows * MOSTLY_DISTINCT)
  const distinct = areOwn
    ? numbers.reduce((sum, number) => sum + number, 0)
    : Math.max(...numbers, shares.size)
  const widths = parts.filter(({ statistics }) => statistics.averageWidth !== undefined)
  return {
    distinct: Math.max(1, distinct),
    nullShare: mean(({ nullShare }) => nullShare),
    ...(widths.length < parts.length ? {} : { averageWidth: mean(({ averageWidth = 0 }) => averageWidth) }),
    common,
    bounds: thinned(parts.flatMap(({ statistics }) => statistics.bounds).sort(inOrder), MAX_BOUNDS),
  }
}
