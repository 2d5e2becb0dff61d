import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { TableSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-values.ts'

export interface TableUse {
  /** By index: rows that were read by it. */
  readonly scans: Map<string, number>
  readonly counters: Pick<TableSnapshot, 'inserted' | 'updated' | 'deleted' | 'fullScanRows'>
}

/**
 * The server counts rows, not scans. Writes, and reads without an index, are counted in the row without an
 * index name.
 */
const BY_INDEX = `
  SELECT OBJECT_NAME AS \`table\`, INDEX_NAME AS \`index\`, COUNT_FETCH AS \`fetched\`,
    COUNT_INSERT AS \`inserted\`, COUNT_UPDATE AS \`updated\`, COUNT_DELETE AS \`deleted\`
  FROM performance_schema.table_io_waits_summary_by_index_usage
  WHERE OBJECT_SCHEMA = DATABASE()`

const USER_STATISTICS = `
  SELECT TABLE_NAME AS \`table\`, INDEX_NAME AS \`index\`, ROWS_READ AS \`fetched\` FROM information_schema.INDEX_STATISTICS WHERE TABLE_SCHEMA = DATABASE()`

/** Counters of the server; `undefined` if it has none. An index that is not listed was not used. */
export async function readTableUse(
  connection: Connection,
  schema: string,
  settings: Readonly<Record<string, string>>,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, TableUse> | undefined> {
  if (settings.performance_schema === 'ON') {
    const help = 'GRANT SELECT ON performance_schema.*, and enable the instrument wait/io/table/sql/handler.'
    return gaps.read('index use', help, undefined, async () =>
      useOf(await connection.query(BY_INDEX), schema, true),
    )
  }
  if (settings.userstat === 'ON') {
    const help = 'GRANT PROCESS to this user.'
    return gaps.read('index use', help, undefined, async () =>
      useOf(await connection.query(USER_STATISTICS), schema, false),
    )
  }
  const orUserstat = settings.userstat === undefined ? '' : ', or userstat at any time'
  gaps.add(
    'index use',
    `The server does not count it: set performance_schema to ON in its configuration${orUserstat}.`,
  )
  return undefined
}

function useOf(rows: readonly Row[], schema: string, hasWrites: boolean): ReadonlyMap<TableId, TableUse> {
  const tables = new Map<TableId, TableUse>()
  const byTable = new Map<TableId, Row[]>()
  for (const row of rows) {
    const id = tableId('mysql', schema, textOf(row, 'table'), schema)
    byTable.set(id, [...(byTable.get(id) ?? []), row])
  }
  for (const [id, ofTable] of byTable) {
    const total = (column: string) => ofTable.reduce((sum, row) => sum + (numberOf(row, column) ?? 0), 0)
    const scans = new Map<string, number>()
    let fullScanRows = 0
    for (const row of ofTable) {
      const index = optionalTextOf(row, 'index')
      const fetched = numberOf(row, 'fetched') ?? 0
      if (index === undefined) fullScanRows += fetched
      else scans.set(index, fetched)
    }
    const written = {
      inserted: total('inserted'),
      updated: total('updated'),
      deleted: total('deleted'),
      fullScanRows,
    }
    tables.set(id, { scans, counters: hasWrites ? written : {} })
  }
  return tables
}
