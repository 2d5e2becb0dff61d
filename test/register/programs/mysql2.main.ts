// A loop, calls at the same time, transactions, streams and errors, on pools and connections of `mysql2`.
import mysql from 'mysql2'
import promised from 'mysql2/promise'

const uri = process.env.DATABASE_URL ?? ''
const pool = promised.createPool({ uri, connectionLimit: 4, multipleStatements: true })
const show = (name: string, value: unknown) => console.log(name, JSON.stringify(value))
const failure = ({ code, message }: NodeJS.ErrnoException) => [code, message]
const namesOf = (fields: readonly { readonly name: string }[] | undefined) => fields?.map(({ name }) => name)
type Rows = mysql.RowDataPacket[]

const [authors] = await pool.query<Rows>('SELECT id FROM author ORDER BY id')
const loop: unknown[] = []
for (const { id } of authors) {
  loop.push((await pool.query('SELECT * FROM author WHERE id = ?', [id]))[0]) // the loop
}
show('loop', loop)
const executed: unknown[] = []
for (const { id } of authors) {
  executed.push((await pool.execute('SELECT id, name FROM author WHERE id = ?', [id]))[0]) // the executed loop
}
show('executed', executed)
const together = authors.map(({ id }) => pool.query<Rows>('SELECT name FROM author WHERE id = ?', [id]))
show(
  'together',
  (await Promise.all(together)).map(([rows, fields]) => [rows, namesOf(fields)]),
)
show('several', (await pool.query('SELECT 1 AS one; SELECT 2 AS two'))[0])
show('arrays', (await pool.query({ sql: 'SELECT 1 AS one', rowsAsArray: true }))[0])
show('cast', (await pool.query({ sql: 'SELECT 1 AS one', typeCast: (field) => field.string() }))[0])
show('named', (await pool.query({ sql: 'SELECT :id AS id', namedPlaceholders: true }, { id: 7 } as never))[0])
show('error', await pool.query('SELECT missing FROM author').catch(failure))
show('wrong', await pool.execute('SELECT ?', [undefined] as never).catch(failure))

const connection = await pool.getConnection()
show('is a connection', connection instanceof promised.PoolConnection)
await connection.beginTransaction()
await connection.query('UPDATE author SET name = ? WHERE id = ?', ['changed', 1])
show('inside', (await connection.execute('SELECT name FROM author WHERE id = 1'))[0])
await connection.rollback()
show('after', (await connection.query('SELECT name FROM author WHERE id = 1'))[0])
const statement = await connection.prepare('SELECT name, id, name AS again FROM author WHERE id = ?')
const prepared: unknown[] = []
for (const { id } of authors) {
  prepared.push((await statement.execute([id]))[0]) // the prepared loop
}
show('prepared', prepared)
await statement.close()
await connection.reset()
await connection.changeUser({})
connection.release()

const core = pool.pool as unknown as mysql.Pool
const events = (command: mysql.Query, ...names: string[]) => {
  const seen: unknown[] = []
  for (const name of names) command.on(name, (value) => seen.push([name, name === 'fields' || value]))
  return seen
}
const withCallback = (sql: string) =>
  new Promise<unknown>((resolve) => {
    let seen: readonly unknown[] = []
    const command = core.query(sql, (error, rows, fields) =>
      resolve([error?.message ?? error, rows, namesOf(fields), seen]),
    )
    seen = events(command, 'fields', 'result', 'end', 'error')
  })
show('callback', await withCallback('SELECT count(*) AS count FROM author'))
show('callback with an error', await withCallback('SELECT missing FROM author'))
show('callback of a write', await withCallback('UPDATE author SET name = name WHERE id = 0'))
const streamed: unknown[] = []
for await (const row of core.query('SELECT id FROM author ORDER BY id').stream()) streamed.push(row)
show('stream', streamed)
const rows: unknown[] = []
await new Promise((resolve) =>
  core
    .query('SELECT missing')
    .on('error', (error) => rows.push(error.code))
    .on('end', resolve),
)
show('events', rows)

const acquired = new Promise((resolve) => core.once('acquire', resolve))
const bare = await new Promise<mysql.PoolConnection>((resolve) =>
  core.getConnection((_, got) => resolve(got)),
)
show('is bare', [bare instanceof mysql.Connection, bare === (await acquired)])
const outcomes = await new Promise((resolve) => {
  bare.beginTransaction(() => {
    const command = bare.query('UPDATE author SET name = 1 WHERE id = 2', (error, result) =>
      bare.rollback(() =>
        resolve([error, (result as mysql.ResultSetHeader).affectedRows, typeof command.setMaxListeners]),
      ),
    )
  })
})
show('outcomes', outcomes)
try {
  bare.execute('SELECT ?', [undefined] as never, () => {})
} catch (error) {
  show('thrown', failure(error as Error))
}
core.releaseConnection(bare)
/** The lists of its connections, which are not public. */
interface PoolLists {
  readonly _allConnections: { readonly length: number }
  readonly _freeConnections: { readonly length: number }
}
const { _allConnections: all, _freeConnections: free } = core as unknown as PoolLists
show('free', [all.length > 0, free.length <= all.length])

const cluster = mysql.createPoolCluster()
cluster.add('one', { uri })
const clustered: unknown[] = []
for (const { id } of authors) {
  const found = new Promise((resolve) => {
    cluster.of('*').query('SELECT id FROM author WHERE id = ?', [id], (_, rows) => resolve(rows)) // the cluster's loop
  })
  clustered.push(await found)
}
show('clustered', clustered)
await new Promise((resolve) => cluster.end(resolve as never))

const single = await promised.createConnection({ uri })
const alone: unknown[] = []
for (const { id } of authors) {
  alone.push((await single.query('SELECT name, id FROM author WHERE id = ?', [id]))[0]) // the connection's loop
}
show('alone', alone)
show('error of a connection', await single.query('SELECT missing').catch(failure))
await single.end()
await pool.end()
show('ended', await pool.query('SELECT 1').catch(({ message }) => message))
