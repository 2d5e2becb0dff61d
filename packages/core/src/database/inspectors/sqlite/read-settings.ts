import type { Connection } from '../../../schema/connection.ts'
import { optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-values.ts'

const PRAGMAS = [
  'page_size',
  'page_count',
  'freelist_count',
  'journal_mode',
  'auto_vacuum',
  'cache_size',
  'foreign_keys',
  'encoding',
]

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
export async function readSettings(
  connection: Connection,
  gaps: Gaps,
): Promise<Readonly<Record<string, string>>> {
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

export interface TreeSize {
  readonly bytes: number
  /** Unused bytes of its pages. */
  readonly free: number
}

/**
 * To measure a file is to read all of it, in the app's own process: about a second for each 100,000 pages.
 */
const MAX_PAGES = 100_000

const SIZES = `SELECT name, SUM(pgsize) AS "bytes", SUM(unused) AS "free" FROM dbstat WHERE schema = 'main' AND aggregate = TRUE GROUP BY name`

/** The sizes of tables and indexes, by name. */
export async function readSizes(
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
