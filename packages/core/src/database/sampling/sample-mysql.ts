import type { Connection } from '../../schema/connection.ts'
import type { Row } from '../../schema/readers/row-values.ts'
import { quoteName } from '../../sql/dialect.ts'
import type { ColumnSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { numberOf } from '../inspectors/row-values.ts'
import { spreadPlaces } from './spread-places.ts'

/** Rows that lie side by side: few, since neighbours are alike. */
const ROWS_OF_STRETCH = 20
const STRETCHES_PER_STATEMENT = 250
/** Approximate maximum number of rows to read from a table that can only be read from its beginning. */
const READ_AT_MOST = 2_000_000
const PLAIN = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'float', 'double', 'year', 'bit'])
const AS_IS = new Set([
  'point',
  'linestring',
  'polygon',
  'geometry',
  'multipoint',
  'multilinestring',
  'multipolygon',
  'geometrycollection',
])

export async function sampleMysql(
  connection: Connection,
  table: TableSnapshot,
  columns: readonly string[],
  maxRows: number,
): Promise<readonly Row[]> {
  const from = `${quoteName(table.schema, 'mysql')}.${quoteName(table.name, 'mysql')}`
  const byName = new Map(table.columns.map((column) => [column.name, column]))
  const list = columns.map((column, at) => `${selected(byName.get(column), column)} AS c${at}`).join(', ')
  if (table.rows >= 0 && table.rows <= maxRows)
    return connection.query(`SELECT ${list} FROM ${from} LIMIT ${maxRows}`)
  const key = byName.get(table.primaryKey[0] ?? '')
  if (key === undefined || key.type !== 'integer')
    return connection.query(fromTheBeginning(list, from, table.rows, maxRows))
  const [ends = {}] = await connection.query(
    `SELECT MIN(${quoteName(key.name, 'mysql')}) AS \`first\`, MAX(${quoteName(key.name, 'mysql')}) AS \`last\` FROM ${from}`,
  )
  const first = numberOf(ends, 'first')
  const last = numberOf(ends, 'last')
  if (first === undefined || last === undefined) return []
  const rows: Row[] = []
  const stretches = Math.max(1, Math.floor(maxRows / ROWS_OF_STRETCH))
  const places = spreadPlaces(first, last, stretches)
  const name = quoteName(key.name, 'mysql')
  for (let from0 = 0; from0 < places.length; from0 += STRETCHES_PER_STATEMENT) {
    const arms = places.slice(from0, from0 + STRETCHES_PER_STATEMENT).map((place, at) => {
      const next = places[from0 + at + 1]
      const end = next === undefined ? '' : ` AND ${name} < ${next}`
      return `(SELECT ${list} FROM ${from} WHERE ${name} >= ${place}${end} ORDER BY ${name} LIMIT ${ROWS_OF_STRETCH})`
    })
    rows.push(...(await connection.query(arms.join('\nUNION ALL\n'))))
  }
  return rows.slice(0, maxRows)
}

/** The LIMIT ends it once enough was found, after so many rows. */
function fromTheBeginning(list: string, from: string, rows: number, maxRows: number): string {
  return `SELECT ${list} FROM ${from} WHERE RAND(7) < ${maxRows / Math.max(maxRows, Math.min(rows < 0 ? READ_AT_MOST : rows, READ_AT_MOST))} LIMIT ${maxRows}`
}

/** Dates and decimals as strings, because drivers convert them differently. */
function selected(column: ColumnSnapshot | undefined, name: string): string {
  const type = /^\w+/.exec(column?.databaseType ?? '')?.[0]?.toLowerCase() ?? ''
  if (PLAIN.has(type) || AS_IS.has(type)) return quoteName(name, 'mysql')
  if (column?.type === 'datetime' || column?.type === 'decimal')
    return `CAST(${quoteName(name, 'mysql')} AS CHAR)`
  return `LEFT(${quoteName(name, 'mysql')}, 200)`
}
