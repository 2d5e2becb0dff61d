import type { TableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import type { Row } from '../../schema/readers/row-values.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { type Dialect, quoteName } from '../../sql/dialect.ts'
import type { ColumnSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { numberOf } from '../inspectors/row-values.ts'

export interface SampleOptions {
  /** @defaultValue 20,000 */
  readonly maxRows?: number
}

/**
 * Reads some rows of a table, evenly distributed, regardless of its size. Returns the same sample for the
 * same rows.
 *
 * @param columns - Columns, with their names in the catalog.
 * @throws InvalidArgumentError for PostgreSQL, which has its own statistics. The database's error, if the
 * table cannot be read.
 */
export async function sampleTable(
  connection: Connection,
  table: TableSnapshot,
  columns: readonly string[],
  { maxRows = 20_000 }: SampleOptions = {},
): Promise<TableSample> {
  const { dialect } = connection
  if (dialect === 'postgresql')
    throw new InvalidArgumentError('connection', 'one to SQLite, MySQL or MariaDB', dialect)
  const found = await (dialect === 'sqlite' ? sampleSqlite : sampleMysql)(connection, table, columns, maxRows)
  const rows = found.map((row: Row) => columns.map((_, at) => row[`c${at}`]))
  const isAll = rows.length < maxRows && (table.rows <= maxRows || table.rows < 0)
  const share = isAll || rows.length === 0 ? 1 : Math.min(1, rows.length / Math.max(table.rows, rows.length))
  return { dialect, table: table.id, columns, rows, share }
}

/** Rows of a table, spread evenly over it. */
export interface TableSample {
  readonly dialect: Dialect
  readonly table: TableId
  readonly columns: readonly string[]
  /**
   * Values in the order of the columns, as returned by the driver. Strings and bytes are truncated to 200; on
   * MySQL, dates and decimals are strings.
   */
  readonly rows: readonly (readonly unknown[])[]
  /** Which share of the table they are, over 0 and up to 1. */
  readonly share: number
}

/** Rows that lie side by side: few, since neighbours are alike. */
const ROWS_OF_STRETCH = 20
const STRETCHES_PER_STATEMENT = 250
/** Approximate maximum number of rows to read from a table that can only be read from its beginning. */
const MAX_ROWS_FROM_START = 2_000_000
const PLAIN = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'float', 'double', 'year', 'bit'])
const AS_IS = new Set(
  'point linestring polygon geometry multipoint multilinestring multipolygon geometrycollection'.split(' '),
)

async function sampleMysql(
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
  return `SELECT ${list} FROM ${from} WHERE RAND(7) < ${maxRows / Math.max(maxRows, Math.min(rows < 0 ? MAX_ROWS_FROM_START : rows, MAX_ROWS_FROM_START))} LIMIT ${maxRows}`
}

/** Dates and decimals as strings, because drivers convert them differently. */
function selected(column: ColumnSnapshot | undefined, name: string): string {
  const type = /^\w+/.exec(column?.databaseType ?? '')?.[0]?.toLowerCase() ?? ''
  if (PLAIN.has(type) || AS_IS.has(type)) return quoteName(name, 'mysql')
  if (column?.type === 'datetime' || column?.type === 'decimal')
    return `CAST(${quoteName(name, 'mysql')} AS CHAR)`
  return `LEFT(${quoteName(name, 'mysql')}, 200)`
}

/** Maximum number of rows to read from a table without rowids, which can only be read from its beginning. */
const MAX_ROWS_WITHOUT_ROWID = 1_000_000

async function sampleSqlite(
  connection: Connection,
  table: TableSnapshot,
  columns: readonly string[],
  maxRows: number,
): Promise<readonly Row[]> {
  const from = quoteName(table.name, 'sqlite')
  const list = columns.map((column, at) => `${cut(quoteName(column, 'sqlite'))} AS c${at}`).join(', ')
  const rowid = rowidOf(table)
  if (table.rows >= 0 && table.rows <= maxRows)
    return connection.query(`SELECT ${list} FROM ${from} LIMIT ${maxRows}`)
  if (rowid === undefined) {
    const places = spreadPlaces(
      1,
      Math.min(table.rows < 0 ? MAX_ROWS_WITHOUT_ROWID : table.rows, MAX_ROWS_WITHOUT_ROWID),
      maxRows,
    )
    return connection.query(
      `SELECT ${list} FROM (SELECT *, ROW_NUMBER() OVER () AS sluice_row FROM ${from} LIMIT ${MAX_ROWS_WITHOUT_ROWID})
       WHERE sluice_row IN (SELECT value FROM json_each(?))`,
      [JSON.stringify(places)],
    )
  }
  // In one query, they would scan the whole table.
  const end = (which: string) => `(SELECT ${which}(${rowid}) FROM ${from})`
  const [ends = {}] = await connection.query(`SELECT ${end('MIN')} AS "first", ${end('MAX')} AS "last"`)
  const first = numberOf(ends, 'first')
  const last = numberOf(ends, 'last')
  if (first === undefined || last === undefined) return []
  return connection.query(
    `SELECT ${list} FROM ${from} WHERE ${rowid} IN (
      SELECT (SELECT t.${rowid} FROM ${from} t WHERE t.${rowid} >= p.value ORDER BY t.${rowid} LIMIT 1) FROM json_each(?) p
    )`,
    [JSON.stringify(spreadPlaces(first, last, maxRows))],
  )
}

/** A name for the rowid that no column has. */
function rowidOf({ isClustered, columns }: TableSnapshot): string | undefined {
  if (isClustered === true) return undefined
  return ['_rowid_', 'rowid', 'oid'].find((alias) =>
    columns.every(({ name }) => name.toLowerCase() !== alias),
  )
}

function cut(column: string): string {
  return `CASE WHEN length(${column}) > 200 THEN substr(${column}, 1, 200) ELSE ${column} END`
}

/**
 * Whole numbers from `first` to `last`, in order: one in each of `count` stretches of equal length, at random
 * within it, so that what repeats with any period is met as often as it is there. The same each time.
 */
function spreadPlaces(first: number, last: number, count: number): number[] {
  const width = (last - first + 1) / count
  const random = mulberry32(20_000)
  const places = Array.from({ length: count }, (_, at) => Math.floor(first + (at + random()) * width))
  return [...new Set(places)]
}

/** Tommy Ettinger's Mulberry32. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
