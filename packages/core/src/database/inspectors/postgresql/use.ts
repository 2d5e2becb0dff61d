import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { textOf } from '../../../schema/readers/row-values.ts'
import type { TableSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-numbers.ts'

type Counters = Pick<
  TableSnapshot,
  'inserted' | 'updated' | 'deleted' | 'fullScans' | 'fullScanRows' | 'deadRows' | 'analyzedAt' | 'changedSinceAnalyze'
>

export type TableUse = Counters & { readonly liveRows?: number }

const TABLES = `
  SELECT schemaname::text AS "schema", relname::text AS "table",
    n_tup_ins::float8 AS "inserted", n_tup_upd::float8 AS "updated", n_tup_del::float8 AS "deleted",
    seq_scan::float8 AS "fullScans", seq_tup_read::float8 AS "fullScanRows",
    n_live_tup::float8 AS "liveRows", n_dead_tup::float8 AS "deadRows", n_mod_since_analyze::float8 AS "changedSinceAnalyze",
    pg_catalog.floor(pg_catalog.date_part('epoch', GREATEST(last_analyze, last_autoanalyze))::float8 * 1000) AS "analyzedAt"
  FROM pg_catalog.pg_stat_user_tables`

const INDEXES = `SELECT indexrelid::text AS "oid", idx_scan::float8 AS "scans" FROM pg_catalog.pg_stat_user_indexes`

const COUNTERS = [
  ...['inserted', 'updated', 'deleted', 'fullScans', 'fullScanRows'],
  ...['liveRows', 'deadRows', 'changedSinceAnalyze', 'analyzedAt'],
] as const

export async function readTableUse(connection: Connection, gaps: Gaps): Promise<ReadonlyMap<TableId, TableUse>> {
  return gaps.read('table use', 'Set track_counts to on.', new Map(), async () => {
    const rows = await connection.query(TABLES)
    return new Map(
      rows.map((row) => {
        const counters = COUNTERS.map((name) => [name, numberOf(row, name)] as const).filter(([, value]) => value !== undefined)
        return [tableId('postgresql', textOf(row, 'schema'), textOf(row, 'table'), 'public'), Object.fromEntries(counters) as TableUse]
      }),
    )
  })
}

/** How often each index was used, by the server's number for it. */
export async function readIndexScans(connection: Connection, gaps: Gaps): Promise<ReadonlyMap<string, number>> {
  return gaps.read('index use', 'Set track_counts to on.', new Map(), async () => {
    const rows = await connection.query(INDEXES)
    return new Map(rows.map((row) => [textOf(row, 'oid'), numberOf(row, 'scans') ?? 0]))
  })
}
