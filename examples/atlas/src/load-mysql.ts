import { type Connection, createConnection } from 'mysql2/promise'
import type { Store } from './store.ts'
import type { Table } from './table.ts'

const CHUNK = 2_000
const MARK = 'atlas '

/** The tables of one MySQL or MariaDB database. Other tables are never replaced. */
export function mysqlStore(url: string): Store {
  return {
    stamp: () => withConnection(url, readStamp),
    load: (ddl, tables, stamp, onRows) =>
      withConnection(url, async (connection) => {
        await dropOwn(connection, tables)
        await connection.query(ddl)
        await connection.query('SET unique_checks = 0')
        for (const table of tables) await insert(connection, table, onRows)
        await connection.query(`ALTER TABLE cities COMMENT = '${MARK}${stamp}'`)
        await connection.query(`ANALYZE TABLE ${tables.map(({ name }) => name).join(', ')}`)
      }),
  }
}

/** Deletes the rows of a run: everything except the loaded reviews. */
export async function restoreMysql(url: string, loadedReviews: number): Promise<void> {
  await withConnection(url, async (connection) => {
    await connection.query('DELETE FROM reviews WHERE id > ?', [loadedReviews])
    await connection.query(`ALTER TABLE reviews AUTO_INCREMENT = ${loadedReviews + 1}`)
  })
}

async function readStamp(connection: Connection): Promise<number | undefined> {
  const [rows] = await connection.query(
    "SELECT table_comment AS mark FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'cities'",
  )
  const mark = (rows as { readonly mark: string }[])[0]?.mark
  return mark?.startsWith(MARK) ? Number(mark.slice(MARK.length)) : undefined
}

async function dropOwn(connection: Connection, tables: readonly Table[]): Promise<void> {
  const names = tables.map((table) => table.name)
  const [rows] = await connection.query(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  )
  const present = (rows as { readonly name: string }[])
    .map(({ name }) => name)
    .filter((name) => names.includes(name))
  if (present.length > 0 && (await readStamp(connection)) === undefined)
    throw new Error(
      `The database contains other tables (${present.join(', ')}). Atlas requires an empty database.`,
    )
  await connection.query(`DROP TABLE IF EXISTS ${names.join(', ')}`)
}

async function insert(
  connection: Connection,
  { name, columns, rows }: Table,
  onRows: (rows: number) => void,
): Promise<void> {
  const times = columns.indexOf('created_at')
  for (let start = 0; start < rows.length; start += CHUNK) {
    const chunk = rows.slice(start, start + CHUNK)
    // MySQL reads times without a zone.
    const values = chunk.map((row) =>
      row.map((value, at) => (at === times ? String(value).slice(0, 23).replace('T', ' ') : value)),
    )
    await connection.query(`INSERT INTO ${name} (${columns.join(', ')}) VALUES ?`, [values])
    onRows(chunk.length)
  }
}

async function withConnection<T>(url: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await createConnection({ uri: url, multipleStatements: true, timezone: 'Z' })
  try {
    return await use(connection)
  } finally {
    await connection.end()
  }
}
