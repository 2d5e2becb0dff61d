import pg from 'pg'
import type { Store } from './store.ts'
import type { Table } from './table.ts'

const CHUNK = 5_000
const MARK = 'atlas '

/** The tables of one PostgreSQL database. Other tables are never replaced. */
export function postgresqlStore(url: string): Store {
  return {
    stamp: () => withConnection(url, readStamp),
    load: (ddl, tables, stamp, onRows) =>
      withConnection(url, async (connection) => {
        await connection.query('BEGIN')
        await dropOwn(connection, tables)
        await connection.query(ddl)
        for (const table of tables) await insert(connection, table, onRows)
        await connection.query(
          `SELECT setval(pg_get_serial_sequence('reviews', 'id'), (SELECT MAX(id) FROM reviews))`,
        )
        await connection.query(`COMMENT ON TABLE cities IS '${MARK}${stamp}'`)
        await connection.query('COMMIT')
        // As autovacuum would, in a while: an index then answers alone.
        await connection.query('VACUUM (ANALYZE)')
      }),
  }
}

/** Deletes the rows of a run: everything except the loaded reviews. */
export async function restorePostgresql(url: string, loadedReviews: number): Promise<void> {
  await withConnection(url, async (connection) => {
    await connection.query('DELETE FROM reviews WHERE id > $1', [loadedReviews])
    await connection.query(`SELECT setval(pg_get_serial_sequence('reviews', 'id'), $1)`, [loadedReviews])
  })
}

async function readStamp(connection: pg.Client): Promise<number | undefined> {
  const { rows } = await connection.query(`SELECT obj_description(to_regclass('cities'), 'pg_class') AS mark`)
  const mark: string | null = rows[0]?.mark ?? null
  return mark?.startsWith(MARK) ? Number(mark.slice(MARK.length)) : undefined
}

async function dropOwn(connection: pg.Client, tables: readonly Table[]): Promise<void> {
  const names = tables.map((table) => table.name)
  const { rows } = await connection.query(
    'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL',
    [names],
  )
  if (rows.length > 0 && (await readStamp(connection)) === undefined) {
    throw new Error(
      `The database contains other tables (${rows.map((row) => row.name).join(', ')}). Atlas requires an empty database.`,
    )
  }
  await connection.query(`DROP TABLE IF EXISTS ${names.join(', ')}`)
}

async function insert(
  connection: pg.Client,
  { name, columns, rows }: Table,
  onRows: (rows: number) => void,
): Promise<void> {
  const list = columns.join(', ')
  const sql = `INSERT INTO ${name} (${list}) SELECT ${list} FROM json_populate_recordset(NULL::${name}, $1)`
  for (let start = 0; start < rows.length; start += CHUNK) {
    const chunk = rows.slice(start, start + CHUNK)
    const records = chunk.map((row) =>
      Object.fromEntries(columns.map((column, index) => [column, row[index]])),
    )
    await connection.query(sql, [JSON.stringify(records)])
    onRows(chunk.length)
  }
}

async function withConnection<T>(url: string, use: (connection: pg.Client) => Promise<T>): Promise<T> {
  const connection = new pg.Client({ connectionString: url })
  await connection.connect()
  try {
    return await use(connection)
  } finally {
    await connection.end()
  }
}
