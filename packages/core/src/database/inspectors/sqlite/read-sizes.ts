import type { Connection } from '../../../schema/connection.ts'
import { textOf } from '../../../schema/readers/row-values.ts'
import type { Gaps } from '../gaps.ts'
import { numberOf } from '../row-numbers.ts'

export interface TreeSize {
  readonly bytes: number
  /** Unused bytes of its pages. */
  readonly free: number
}

/** To measure a file is to read all of it, in the app's own process: about a second for each 100,000 pages. */
const MAX_PAGES = 100_000

const SIZES = `SELECT name, SUM(pgsize) AS "bytes", SUM(unused) AS "free" FROM dbstat WHERE schema = 'main' AND aggregate = TRUE GROUP BY name`

/** The sizes of tables and indexes, by name. */
export async function readSizes(connection: Connection, pages: number, gaps: Gaps): Promise<ReadonlyMap<string, TreeSize>> {
  if (pages > MAX_PAGES) {
    gaps.add(
      'sizes',
      `The file has ${pages} pages; above ${MAX_PAGES} it is not measured, since that reads all of it. Run sqlite3_analyzer on a copy.`,
    )
    return new Map()
  }
  return gaps.read('sizes', 'This build of SQLite needs the option SQLITE_ENABLE_DBSTAT_VTAB to tell them.', new Map(), async () => {
    const rows = await connection.query(SIZES)
    return new Map(rows.map((row) => [textOf(row, 'name'), { bytes: numberOf(row, 'bytes') ?? 0, free: numberOf(row, 'free') ?? 0 }]))
  })
}
