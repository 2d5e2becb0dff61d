import { type TableId, type TableInfo, tableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import { readMysql } from '../../schema/readers/mysql.ts'
import { textOf } from '../../schema/readers/row-values.ts'
import type { IndexSnapshot, TableSnapshot } from './database-snapshot.ts'
import { Gaps } from './gaps.ts'
import { readIndexes } from './mysql/indexes.ts'
import { readConnections, readSettings, readStatements } from './mysql/server.ts'
import {
  type InnodbStatistics,
  readColumnDetails,
  readInnodbStatistics,
  readTableDetails,
  type TableDetails,
} from './mysql/tables.ts'
import { readTableUse, type TableUse } from './mysql/use.ts'
import { type Inspected, versionParts } from './row-values.ts'

/** Reads the database that the connection has chosen. For MySQL 8 and MariaDB 10.6. */
export async function inspectMysql(connection: Connection): Promise<Inspected> {
  const gaps = new Gaps()
  const catalog = await readMysql(connection)
  const schema = catalog.defaultSchema
  const [server = {}] = await connection.query('SELECT VERSION() AS `version`')
  const version = textOf(server, 'version')
  const details = await readTableDetails(connection, schema, gaps)
  const idOf = (table: TableInfo) => tableId('mysql', table.schema, table.name, schema)
  const known = catalog.tables.filter((table) => details.has(idOf(table)))
  const columns = await readColumnDetails(connection, schema, gaps)
  const columnNames = new Map(known.map((table) => [idOf(table), table.columns.map(({ name }) => name)]))
  const indexes = await readIndexes(connection, schema, columnNames, gaps)
  const innodb = await readInnodbStatistics(connection, schema, gaps)
  const settings = await readSettings(connection, gaps)
  const use = await readTableUse(connection, schema, settings, gaps)
  const product = /mariadb/i.test(version) ? 'mariadb' : 'mysql'

  const tables = known.map((table): TableSnapshot => {
    const id = idOf(table)
    const detail = details.get(id) as TableDetails
    const analyzedAt = innodb.analyzedAt.get(id)
    // MySQL shows counts that may be a day old.
    const rows = (product === 'mysql' ? innodb.rows.get(id) : undefined) ?? detail.rows
    const ofColumns = columns.get(id)
    return {
      ...{ id, schema: table.schema ?? schema, name: table.name, kind: detail.kind, rows },
      ...{ bytes: detail.bytes, indexBytes: detail.indexBytes, primaryKey: table.primaryKey },
      columns: table.columns.map((column) => ({
        ...column,
        databaseType: column.type,
        ...ofColumns?.get(column.name),
      })),
      indexes: (indexes.get(id) ?? []).map((index) => withUse(index, innodb, use)),
      ...(detail.definition === undefined ? {} : { definition: detail.definition }),
      ...(detail.freeBytes === undefined ? {} : { freeBytes: detail.freeBytes }),
      ...(analyzedAt === undefined ? {} : { analyzedAt }),
      ...use?.get(id)?.counters,
    }
  })
  const ids = new Set(tables.map(({ id }) => id))
  return {
    ...{ product, version, versionParts: versionParts(version), defaultSchema: schema, tables },
    foreignKeys: catalog.foreignKeys.filter(({ table }) => ids.has(table)),
    ...{ settings, extensions: { installed: [], available: [] } },
    ...(await readConnections(connection, settings, gaps)),
    statements: await readStatements(connection, settings, gaps),
    gaps: gaps.list,
  }
}

/** The primary key holds the rows: what it takes is the table's. */
function withUse(
  index: IndexSnapshot,
  innodb: InnodbStatistics,
  use: ReadonlyMap<TableId, TableUse> | undefined,
): IndexSnapshot {
  const bytes = innodb.indexBytes.get(index.table)?.get(index.name)
  return {
    ...index,
    ...(bytes === undefined ? {} : { bytes }),
    ...(use === undefined ? {} : { scans: use.get(index.table)?.scans.get(index.name) ?? 0 }),
  }
}
