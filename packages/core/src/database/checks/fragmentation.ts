import { quoteName } from '../../sql/dialect.ts'
import type { DatabaseSnapshot, IndexSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { quotedTable, shownName } from '../names.ts'

/** Less than this, in bytes or as a share, is normal slack of a table. */
const MIN_BYTES = { server: 10 * 1024 * 1024, file: 1024 * 1024 }
const MIN_RATIO = 0.2
/** PostgreSQL: bytes of a page, of its header, and of each row's header with its pointer. */
const PAGE = 8192
const PAGE_HEADER = 24
const ROW_HEADER = 28
/** Bytes of an index entry in addition to its keys, and the fill factor of a new b-tree. */
const ENTRY_HEADER = 12
const BTREE_FILL = 0.9
/** Average alignment of a value in bytes, in addition to its width. */
const ALIGNMENT = 4

/**
 * Unused space of tables and indexes, the largest first; small amounts, absolute or relative, are omitted.
 */
export function fragmentation(snapshot: DatabaseSnapshot): FragmentationReport[] {
  const least = snapshot.dialect === 'sqlite' ? MIN_BYTES.file : MIN_BYTES.server
  const found = snapshot.tables.flatMap((table) => [
    ...ofTable(snapshot, table),
    ...ofIndexes(snapshot, table),
  ])
  const worthwhile = found.filter(({ wastedBytes, ratio }) => wastedBytes >= least && ratio >= MIN_RATIO)
  return worthwhile.sort((a, b) => b.wastedBytes - a.wastedBytes)
}

function ofTable(snapshot: DatabaseSnapshot, table: TableSnapshot): FragmentationReport[] {
  if (table.kind === 'view' || table.kind === 'partitioned' || table.bytes <= 0) return []
  const name = shownName(table, snapshot)
  const sql = quotedTable(snapshot, table)
  const report = (wastedBytes: number, total: number, advice: string): FragmentationReport => {
    return {
      table: name,
      wastedBytes: Math.round(wastedBytes),
      ratio: wastedBytes / Math.max(1, total),
      advice,
    }
  }
  if (snapshot.dialect === 'mysql') {
    // Free space is not part of the table's data size.
    const free = table.freeBytes ?? 0
    return [report(free, table.bytes + free, `OPTIMIZE TABLE ${sql}; rebuilds the table while it is in use.`)]
  }
  if (snapshot.dialect === 'sqlite') {
    const advice = 'VACUUM; rebuilds the whole file, which needs twice the disk space and blocks writers.'
    return [report(table.freeBytes ?? 0, table.bytes, advice)]
  }
  const dead = table.deadRows ?? 0
  const share = table.rows < 0 || dead === 0 ? 0 : dead / (table.rows + dead)
  const vacuum = `VACUUM (ANALYZE) ${sql}; makes the space of dead rows available to new rows. If the problem returns, look for old transactions, and lower autovacuum_vacuum_scale_factor of this table.`
  const bloat = bloatOf(table)
  const rebuild = `VACUUM FULL ${sql}; returns the space to the system, and locks the table meanwhile. pg_repack does so without the lock.`
  const byDead = report(share * table.bytes, table.bytes, vacuum)
  const byPages = bloat === undefined ? undefined : report(bloat, (table.pages ?? 0) * PAGE, rebuild)
  return [byPages !== undefined && byPages.wastedBytes > byDead.wastedBytes * 2 ? byPages : byDead]
}

/**
 * Bytes beyond those that its rows need, by the widths of its columns; `undefined` where they are not all
 * known.
 */
function bloatOf({ pages, rows, columns }: TableSnapshot): number | undefined {
  if (pages === undefined || rows < 0) return undefined
  let width = ROW_HEADER
  for (const { statistics } of columns) {
    if (statistics?.averageWidth === undefined) return undefined
    width += (1 - statistics.nullShare) * (statistics.averageWidth + ALIGNMENT)
  }
  const needed = Math.ceil(rows / Math.max(1, Math.floor((PAGE - PAGE_HEADER) / width)))
  return Math.max(0, pages - needed) * PAGE
}

function ofIndexes(snapshot: DatabaseSnapshot, table: TableSnapshot): FragmentationReport[] {
  if (snapshot.dialect !== 'postgresql' || table.rows < 0) return []
  return table.indexes.flatMap((index) => {
    const needed = bytesOf(index, table)
    if (needed === undefined || index.bytes === undefined) return []
    const wastedBytes = Math.round(index.bytes - needed)
    const advice = `REINDEX INDEX CONCURRENTLY ${quoteName(index.name, snapshot.dialect)};`
    return [
      {
        table: shownName(table, snapshot),
        index: index.name,
        wastedBytes,
        ratio: wastedBytes / Math.max(1, index.bytes),
        advice,
      },
    ]
  })
}

/** Size in bytes of a b-tree on whole columns; `undefined` if it cannot be determined. */
function bytesOf(index: IndexSnapshot, table: TableSnapshot): number | undefined {
  if (index.method !== 'btree' || index.where !== undefined || !index.isValid) return undefined
  let width = ENTRY_HEADER
  for (const name of [
    ...index.keys.map((key) => (key.expression === undefined ? key.column : '')),
    ...(index.include ?? []),
  ]) {
    const averageWidth = table.columns.find((column) => column.name === name)?.statistics?.averageWidth
    if (averageWidth === undefined) return undefined
    width += averageWidth + ALIGNMENT
  }
  return (table.rows * width) / BTREE_FILL + PAGE * 2
}

/** Room that a table or an index takes and does not need. */
export interface FragmentationReport {
  readonly table: string
  /** Set where it is an index's. */
  readonly index?: string
  /** Bytes, as an estimate. */
  readonly wastedBytes: number
  /** Share of its size, 0 to 1. */
  readonly ratio: number
  /** Recommendation, with the statement. */
  readonly advice: string
}
