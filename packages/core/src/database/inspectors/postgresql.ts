import { type ColumnInfo, type TableId, type TableInfo, tableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import { readPostgresql } from '../../schema/readers/postgresql.ts'
import { optionalTextOf, type Row } from '../../schema/readers/row-values.ts'
import type { ColumnSnapshot, TableSnapshot } from './database-snapshot.ts'
import { Gaps, NEVER_ANALYZED } from './gaps.ts'
import { readIndexes } from './postgresql/indexes.ts'
import { readConnections, readExtensions, readSettings, readStatements } from './postgresql/server.ts'
import {
  readIndexScans,
  readStatistics,
  readTableCounters,
  type TableCounters,
  type TableStatistics,
  withStatisticsOfPartitions,
} from './postgresql/statistics.ts'
import { readColumnDetails, readTableDetails, type TableDetails } from './postgresql/tables.ts'
import { type Inspected, versionParts } from './row-values.ts'

/** Reads all schemas of users. Needs PostgreSQL 11. */
export async function inspectPostgresql(connection: Connection): Promise<Inspected> {
  const gaps = new Gaps()
  const catalog = await readPostgresql(connection)
  const [server = {}] = await connection.query(
    `SELECT pg_catalog.current_setting('server_version')::text AS "version"`,
  )
  const version = (optionalTextOf(server as Row, 'version') ?? '').split(' ', 1)[0] ?? ''
  const parts = versionParts(version)
  const details = await readTableDetails(connection, gaps)
  const columns = await readColumnDetails(connection, gaps)
  const columnNames = new Map(
    catalog.tables.map((table) => [idOf(table), table.columns.map(({ name }) => name)]),
  )
  const indexes = await readIndexes(connection, columnNames, gaps)
  const scans = await readIndexScans(connection, gaps)
  const use = await readTableCounters(connection, gaps)
  const statistics = await readStatistics(connection, gaps)
  const extensions = await readExtensions(connection, gaps)

  const sizes = new Sizes(catalog.tables.map(idOf), details, use)

  const inspected = catalog.tables.flatMap((table): TableSnapshot[] => {
    const id = idOf(table)
    const detail = details.get(id)
    // A part of an extension, or dropped meanwhile.
    if (details.size > 0 && detail === undefined) return []
    const { liveRows: _, ...counters } = use.get(id) ?? {}
    const rows = sizes.of(id, 'rows')
    return [
      {
        id,
        schema: table.schema ?? '',
        name: table.name,
        kind: detail?.kind ?? table.kind,
        ...(detail?.parent === undefined ? {} : { parent: detail.parent }),
        ...(detail?.partitionKey === undefined ? {} : { partitionKey: detail.partitionKey }),
        ...(detail?.partitionBound === undefined ? {} : { partitionBound: detail.partitionBound }),
        rows,
        bytes: sizes.of(id, 'bytes'),
        indexBytes: sizes.of(id, 'indexBytes'),
        primaryKey: table.primaryKey,
        columns: table.columns.map((column) =>
          columnSnapshot(column, columns.get(id)?.get(column.name), statistics.get(id), rows),
        ),
        indexes: (indexes.get(id) ?? []).map(({ oid, ...index }) => {
          const count = scans.get(oid)
          return count === undefined ? index : { ...index, scans: count }
        }),
        ...(detail?.definition === undefined ? {} : { definition: detail.definition }),
        ...(detail?.pages === undefined ? {} : { pages: detail.pages }),
        ...(detail?.visiblePages === undefined ? {} : { visiblePages: detail.visiblePages }),
        ...counters,
      },
    ]
  })
  noteMissingStatistics(inspected, details, gaps)
  const tables = withStatisticsOfPartitions(inspected)
  return {
    product: 'postgresql',
    version,
    versionParts: parts,
    defaultSchema: catalog.defaultSchema,
    tables,
    foreignKeys: catalog.foreignKeys,
    settings: await readSettings(connection, gaps),
    extensions,
    ...(await readConnections(connection, gaps)),
    statements: await readStatements(connection, extensions, gaps),
    gaps: gaps.list,
  }
}

function idOf({ schema, name }: TableInfo): TableId {
  return tableId('postgresql', schema, name, 'public')
}

function columnSnapshot(
  column: ColumnInfo,
  details: Omit<ColumnSnapshot, 'name' | 'type' | 'nullable'> | undefined,
  statistics: TableStatistics | undefined,
  rows: number,
): ColumnSnapshot {
  const ofColumn = statistics?.get(column.name)?.(rows)
  return {
    ...column,
    databaseType: column.type,
    ...details,
    ...(ofColumn === undefined ? {} : { statistics: ofColumn }),
  }
}

/**
 * Rows and bytes of tables. A partitioned table has the rows of its partitions; it has no pages itself, and
 * rows only if it was analyzed.
 */
class Sizes {
  readonly #partitions = new Map<TableId, TableId[]>()

  constructor(
    tables: readonly TableId[],
    private readonly details: ReadonlyMap<TableId, TableDetails>,
    private readonly use: ReadonlyMap<TableId, TableCounters>,
  ) {
    for (const id of tables) {
      const parent = details.get(id)?.parent
      if (parent !== undefined) this.#partitions.set(parent, [...(this.#partitions.get(parent) ?? []), id])
    }
  }

  of(id: TableId, what: 'rows' | 'bytes' | 'indexBytes'): number {
    const partitions = this.#partitions.get(id)
    if (partitions !== undefined)
      return partitions.reduce((sum, part) => sum + Math.max(0, this.of(part, what)), 0)
    const detail = this.details.get(id)
    if (detail === undefined) return -1
    // Counters are better than an estimate from pages.
    const counted = this.use.get(id)?.liveRows ?? 0
    return what === 'rows' && detail.isGuess && counted > 0 ? counted : detail[what]
  }
}

function noteMissingStatistics(
  tables: readonly TableSnapshot[],
  details: ReadonlyMap<TableId, TableDetails>,
  gaps: Gaps,
): void {
  const without = tables.filter(
    ({ kind, rows, columns }) =>
      kind !== 'view' &&
      kind !== 'foreign' &&
      rows > 0 &&
      columns.every((column) => column.statistics === undefined),
  )
  const readable = (table: TableSnapshot) => details.get(table.id)?.isReadable !== false
  gaps.addTables('statistics', without.filter(readable), `${NEVER_ANALYZED}: run ANALYZE.`)
  gaps.addTables(
    'statistics',
    without.filter((table) => !readable(table)),
    'This role may not read the tables, and so sees no statistics of them: GRANT SELECT on them, or GRANT pg_read_all_data.',
  )
}
