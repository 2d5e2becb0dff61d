import type { Connection } from '../../../schema/connection.ts'
import { optionalTextOf, type Row, textOf } from '../../../schema/readers/row-values.ts'
import type { Gaps } from '../gaps.ts'

const PRAGMAS = ['page_size', 'page_count', 'freelist_count', 'journal_mode', 'auto_vacuum', 'cache_size', 'foreign_keys', 'encoding']

/** Each by itself: a server may not know some. Whether LIKE tells letters' case cannot be asked, only tried. */
const SETTINGS = [
  ...PRAGMAS.map((name) => `SELECT '${name}' AS "name", CAST((SELECT * FROM pragma_${name}) AS TEXT) AS "value"`),
  `SELECT 'case_sensitive_like', CAST('a' NOT LIKE 'A' AS TEXT)`,
].join('\nUNION ALL\n')

const COMPILE_OPTIONS = 'SELECT compile_options AS "option" FROM pragma_compile_options'
const TOLD = /^(?:ENABLE_(?:DBSTAT_VTAB|STAT4|FTS[345]|RTREE|JSON1)|LIKE_|CASE_SENSITIVE_LIKE|DEFAULT_CACHE_SIZE|OMIT_LIKE)/

/** `compile_options` lists those that the advice depends on. */
export async function readSettings(connection: Connection, gaps: Gaps): Promise<Readonly<Record<string, string>>> {
  const settings = await gaps.read('settings', 'Advice that depends on them is left out.', {}, async () => {
    const rows = await connection.query(SETTINGS)
    return Object.fromEntries(rows.map((row: Row) => [textOf(row, 'name'), optionalTextOf(row, 'value') ?? '']))
  })
  const options = await gaps.read('compile options', 'What this build of SQLite can do is not known then.', [], async () => {
    const rows = await connection.query(COMPILE_OPTIONS)
    return rows.map((row) => textOf(row, 'option')).filter((option) => TOLD.test(option))
  })
  return { ...settings, compile_options: options.join(' ') }
}
