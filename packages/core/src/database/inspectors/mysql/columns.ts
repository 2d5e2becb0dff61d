import { type TableId, tableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { optionalTextOf, textOf } from '../../../schema/readers/row-values.ts'
import type { ColumnSnapshot } from '../database-snapshot.ts'
import type { Gaps } from '../gaps.ts'

type ColumnDetails = Pick<ColumnSnapshot, 'databaseType' | 'collation' | 'isGenerated'>

const COLUMNS = `
  SELECT c.TABLE_NAME AS \`table\`, c.COLUMN_NAME AS \`column\`, c.COLUMN_TYPE AS \`type\`,
    CASE WHEN c.COLLATION_NAME <> s.DEFAULT_COLLATION_NAME THEN c.COLLATION_NAME END AS \`collation\`,
    c.GENERATION_EXPRESSION AS \`generated\`
  FROM information_schema.COLUMNS c
  JOIN information_schema.SCHEMATA s ON s.SCHEMA_NAME = c.TABLE_SCHEMA
  WHERE c.TABLE_SCHEMA = DATABASE()`

export async function readColumnDetails(
  connection: Connection,
  schema: string,
  gaps: Gaps,
): Promise<ReadonlyMap<TableId, ReadonlyMap<string, ColumnDetails>>> {
  return gaps.read('types of columns', 'Without them, casts cannot be judged.', new Map(), async () => {
    const tables = new Map<TableId, Map<string, ColumnDetails>>()
    for (const row of await connection.query(COLUMNS)) {
      const id = tableId('mysql', schema, textOf(row, 'table'), schema)
      const columns = tables.get(id) ?? new Map<string, ColumnDetails>()
      const collation = optionalTextOf(row, 'collation')
      columns.set(textOf(row, 'column'), {
        databaseType: textOf(row, 'type'),
        ...(collation === undefined ? {} : { collation }),
        ...((optionalTextOf(row, 'generated') ?? '') === '' ? {} : { isGenerated: true }),
      })
      tables.set(id, columns)
    }
    return tables
  })
}
