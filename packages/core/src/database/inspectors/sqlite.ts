import { type ColumnType, type TableId, tableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import { flagOf, integerOf, optionalTextOf, type Row, textOf } from '../../schema/readers/row-values.ts'
import { readSqlite, sqliteType } from '../../schema/readers/sqlite.ts'
import type { ColumnSnapshot, TableSnapshot } from './database-snapshot.ts'
import { Gaps, NEVER_ANALYZED } from './gaps.ts'
import { type Inspected, numberOf, versionParts } from './row-values.ts'
import { declaredCollations, readIndexes, viewDefinition } from './sqlite/read-definitions.ts'
import { readRowCounts, type SqliteTable } from './sqlite/read-rows.ts'

/** Shadow tables are how virtual ones keep their rows. */
const TABLES = `
  SELECT l.name AS "name", l.type AS "type", l.wr AS "without_rowid", s.sql AS "sql"
  FROM pragma_table_list l
  LEFT JOIN main.sqlite_schema s ON s.name = l.name AND s.type IN ('table', 'view')
  WHERE l.schema = 'main' AND l.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  ORDER BY l.name`

/** Hidden ones: 1 of a virtual table's own, 2 and 3 generated. */
const columnsOf = (types: string) => `
  SELECT l.name AS "table", x.name AS "column", x.type AS "type", x."notnull" AS "not_null", x.hidden AS "hidden"
  FROM (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN (${types}) AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\') l
  JOIN pragma_table_xinfo(l.name, 'main') x
  ORDER BY l.name, x.cid`

const ANALYZED = `SELECT tbl AS "table", stat AS "stat" FROM main.sqlite_stat1`

/** Reads the main database. Needs SQLite 3.37. */
export async function inspectSqlite(connection: Connection): Promise<Inspected> {
  const gaps = new Gaps()
  const catalog = await readSqlite(connection)
  const tableRows = await connection.query(TABLES)
  const [versionRow = {}] = await connection.query('SELECT sqlite_version() AS "version"')
  const version = textOf(versionRow, 'version')
  const columnRows = await connection.query(columnsOf(`'table'`))
  const otherColumnRows = await gaps.read(
    'columns of views',
    'A view with a missing table or column breaks them all: DROP it.',
    [],
    () => connection.query(columnsOf(`'view', 'virtual'`)),
  )
  const columns = groupBy([...columnRows, ...otherColumnRows], (row) => idOf(textOf(row, 'table')))
  const columnNames = new Map(
    [...columns].map(([id, rows]) => [id, rows.map((row) => textOf(row, 'column'))]),
  )
  const indexes = await readIndexes(connection, columnNames, gaps)
  const settings = await readSettings(connection, gaps)
  const sizes = await readSizes(connection, Number(settings.page_count ?? 0), gaps)
  const plain = tableRows.filter((row) => textOf(row, 'type') === 'table')
  const analyzed = await readAnalyzed(connection, gaps)
  const counted = plain.map((row) => countedTable(row, columnNames.get(idOf(textOf(row, 'name'))) ?? []))
  const counts = await readRowCounts(connection, counted, analyzed, gaps)
  const known = new Map(catalog.tables.map((table) => [idOf(table.name), table]))
  const names = tableRows.map((row) => textOf(row, 'name'))

  const tables = tableRows.flatMap((row): TableSnapshot[] => {
    const type = textOf(row, 'type')
    if (type === 'shadow') return []
    const name = textOf(row, 'name')
    const id = idOf(name)
    const sql = optionalTextOf(row, 'sql')
    const trees = type === 'virtual' ? names.filter((other) => other.startsWith(`${name}_`)) : [name]
    const ofTable = indexes.get(id) ?? []
    const nullable = new Map(known.get(id)?.columns.map((column) => [column.name, column.nullable]))
    const definition = type === 'view' && sql !== undefined ? viewDefinition(sql) : undefined
    const ofIndexes = sum(
      sizes,
      ofTable.map((index) => index.name),
    )
    const own = sum(sizes, trees)
    return [
      {
        id,
        schema: 'main',
        name,
        kind: type === 'view' || type === 'virtual' ? type : 'table',
        ...(counts.get(id) ?? { rows: -1 }),
        bytes: own?.bytes ?? -1,
        indexBytes: own === undefined ? -1 : (ofIndexes?.bytes ?? 0),
        columns: columnSnapshots(columns.get(id) ?? [], sql ?? '', nullable),
        primaryKey: known.get(id)?.primaryKey ?? [],
        indexes: ofTable.map((index) => ({ ...index, ...bytesOf(sizes.get(index.name)) })),
        ...(definition === undefined ? {} : { definition }),
        ...(flagOf(row, 'without_rowid') ? { isClustered: true } : {}),
        ...(own === undefined ? {} : { freeBytes: own.free }),
      },
    ]
  })
  const without = tables.filter(
    (table) => table.rows > 0 && table.indexes.length > 0 && !analyzed.has(table.id),
  )
  if (analyzed.size > 0)
    gaps.addTables('statistics', without, `${NEVER_ANALYZED}: run ANALYZE, or PRAGMA optimize.`)
  return {
    product: 'sqlite',
    version,
    versionParts: versionParts(version),
    defaultSchema: 'main',
    tables,
    foreignKeys: catalog.foreignKeys,
    settings,
    extensions: { installed: [], available: [] },
    statements: [],
    gaps: gaps.list,
  }
}

function idOf(name: string): TableId {
  return tableId('sqlite', undefined, name, 'main')
}

/** The rows of tables as ANALYZE found them: the first number of each statistic. */
async function readAnalyzed(connection: Connection, gaps: Gaps): Promise<ReadonlyMap<TableId, number>> {
  return gaps.read(
    'statistics',
    'ANALYZE was never run on this file: run it, or PRAGMA optimize.',
    new Map(),
    async () => {
      const analyzed = new Map<TableId, number>()
      for (const row of await connection.query(ANALYZED)) {
        const rows = Number.parseInt(optionalTextOf(row, 'stat') ?? '', 10)
        const id = idOf(textOf(row, 'table'))
        // A partial index has fewer.
        if (Number.isFinite(rows)) analyzed.set(id, Math.max(rows, analyzed.get(id) ?? 0))
      }
      return analyzed
    },
  )
}

function countedTable(row: Row, columns: readonly string[]): SqliteTable {
  const name = textOf(row, 'name')
  const taken = new Set(columns.map((column) => column.toLowerCase()))
  const rowid = flagOf(row, 'without_rowid')
    ? undefined
    : ['_rowid_', 'rowid', 'oid'].find((alias) => !taken.has(alias))
  return { id: idOf(name), name, rowid }
}

function columnSnapshots(
  rows: readonly Row[],
  sql: string,
  nullable: ReadonlyMap<string, boolean>,
): ColumnSnapshot[] {
  const collations = declaredCollations(sql)
  return rows.map((row) => {
    const name = textOf(row, 'column')
    const declared = textOf(row, 'type')
    const type: ColumnType = sqliteType(declared)
    const collation = collations.get(name.toLowerCase())
    return {
      name,
      type,
      databaseType: declared,
      nullable: nullable.get(name) ?? !flagOf(row, 'not_null'),
      ...(collation === undefined || collation === 'BINARY' ? {} : { collation }),
      ...(integerOf(row, 'hidden') > 1 ? { isGenerated: true } : {}),
    }
  })
}

function sum(sizes: ReadonlyMap<string, TreeSize>, names: readonly string[]): TreeSize | undefined {
  const found = names.map((name) => sizes.get(name)).filter((size) => size !== undefined)
  if (found.length === 0) return undefined
  return {
    bytes: found.reduce((all, { bytes }) => all + bytes, 0),
    free: found.reduce((all, { free }) => all + free, 0),
  }
}

function bytesOf(size: TreeSize | undefined): { readonly bytes?: number } {
  return size === undefined ? {} : { bytes: size.bytes }
}

function groupBy(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row))
    if (group === undefined) groups.set(keyOf(row), [row])
    else group.push(row)
  }
  return groups
}

const PRAGMAS =
  'page_size page_count freelist_count journal_mode auto_vacuum cache_size foreign_keys encoding'.split(' ')

/**
 * Each separately, because a server may not support some. The case sensitivity of LIKE cannot be queried,
 * only tested.
 */
const SETTINGS = [
  ...PRAGMAS.map(
    (name) => `SELECT '${name}' AS "name", CAST((SELECT * FROM pragma_${name}) AS TEXT) AS "value"`,
  ),
  `SELECT 'case_sensitive_like', CAST('a' NOT LIKE 'A' AS TEXT)`,
].join('\nUNION ALL\n')

const COMPILE_OPTIONS = 'SELECT compile_options AS "option" FROM pragma_compile_options'
const REPORTED =
  /^(?:ENABLE_(?:DBSTAT_VTAB|STAT4|FTS[345]|RTREE|JSON1)|LIKE_|CASE_SENSITIVE_LIKE|DEFAULT_CACHE_SIZE|OMIT_LIKE)/

/** `compile_options` lists those that the advice depends on. */
async function readSettings(connection: Connection, gaps: Gaps): Promise<Readonly<Record<string, string>>> {
  const settings = await gaps.read('settings', 'Advice that depends on them is omitted.', {}, async () => {
    const rows = await connection.query(SETTINGS)
    return Object.fromEntries(
      rows.map((row: Row) => [textOf(row, 'name'), optionalTextOf(row, 'value') ?? '']),
    )
  })
  const options = await gaps.read(
    'compile options',
    'The features of this SQLite build are unknown.',
    [],
    async () => {
      const rows = await connection.query(COMPILE_OPTIONS)
      return rows.map((row) => textOf(row, 'option')).filter((option) => REPORTED.test(option))
    },
  )
  return { ...settings, compile_options: options.join(' ') }
}

interface TreeSize {
  readonly bytes: number
  /** Unused bytes of its pages. */
  readonly free: number
}

/**
 * To measure a file is to read all of it, in the app's own process: about a second for each 100,000 pages.
 */
const MAX_PAGES = 100_000

const SIZES = `SELECT name, SUM(pgsize) AS "bytes", SUM(unused) AS "free" FROM dbstat WHERE schema = 'main' AND aggregate = TRUE GROUP BY name`

async function readSizes(
  connection: Connection,
  pages: number,
  gaps: Gaps,
): Promise<ReadonlyMap<string, TreeSize>> {
  if (pages > MAX_PAGES) {
    gaps.add(
      'sizes',
      `The file has ${pages} pages; above ${MAX_PAGES}, it is not measured, because that would read the whole file. Run sqlite3_analyzer on a copy.`,
    )
    return new Map()
  }
  return gaps.read(
    'sizes',
    'This SQLite build requires the option SQLITE_ENABLE_DBSTAT_VTAB for them.',
    new Map(),
    async () => {
      const rows = await connection.query(SIZES)
      return new Map(
        rows.map((row) => [
          textOf(row, 'name'),
          { bytes: numberOf(row, 'bytes') ?? 0, free: numberOf(row, 'free') ?? 0 },
        ]),
      )
    },
  )
}
