// A loop, calls at the same time, transactions, events and errors, on pools and connections of `mysql`.
import { createRequire } from 'node:module'

type Callback = (this: unknown, error: NodeJS.ErrnoException | null, ...results: never[]) => void
interface Queryable {
  query(
    sql: unknown,
    values?: unknown,
    callback?: Callback,
  ): NodeJS.EventEmitter & { stream(): NodeJS.EventEmitter }
  end(callback: Callback): void
}
interface Connection extends Queryable {
  beginTransaction(callback?: Callback): void
  commit(callback?: Callback): void
  rollback(callback?: Callback): void
  changeUser(options: object, callback: Callback): void
  release(): void
}
interface Pool extends Queryable {
  getConnection(callback: (error: unknown, connection: Connection) => void): void
}
// It has no types.
const mysql = createRequire(import.meta.url)('mysql') as {
  createPool(url: string): Pool
  createConnection(url: string): Connection
  createPoolCluster(): { add(id: string, url: string): void; of(pattern: string): Queryable; end(): void }
}

const url = process.env.DATABASE_URL ?? ''
const show = (name: string, value: unknown) => console.log(name, JSON.stringify(value))
const plain = ({ code, message }: NodeJS.ErrnoException) => [code, message]
const called = <T = unknown>(call: (callback: Callback) => unknown): Promise<T> =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result as T))))

const pool = mysql.createPool(url)
const authors = await called<{ id: number }[]>((done) =>
  pool.query('SELECT id FROM author ORDER BY id', done),
)
const loop: unknown[] = []
for (const { id } of authors) {
  loop.push(await called((done) => pool.query('SELECT * FROM author WHERE id = ?', [id], done))) // the loop
}
show('loop', loop)
const sql = 'SELECT name FROM author WHERE id = ?'
show(
  'together',
  await Promise.all(authors.map(({ id }) => called((done) => pool.query({ sql, values: id }, done)))),
)
show('error', await called((done) => pool.query('SELECT missing', done)).catch(plain))
const results = new Promise((resolve) => {
  const seen: unknown[] = []
  const command = pool.query(
    'SELECT 1 AS one',
    function (this: unknown, error: unknown, rows: object[], fields: object[]) {
      resolve([error, rows, fields.length, seen, this === command])
    },
  )
  for (const name of ['result', 'end']) command.on(name, () => seen.push(name))
})
show('callback', await results)
const rows: unknown[] = []
const stream = pool.query('SELECT id FROM author ORDER BY id').stream()
await new Promise((resolve) => stream.on('data', (row) => rows.push(row)).on('end', resolve))
show('stream', rows)
const events: unknown[] = []
await new Promise((resolve) =>
  pool
    .query('SELECT missing')
    .on('error', ({ code }) => events.push(code))
    .on('end', resolve),
)
show('events', events)

const connection = await new Promise<Connection>((resolve) => pool.getConnection((_, got) => resolve(got)))
await called((done) => connection.beginTransaction(done))
await called((done) => connection.query("UPDATE author SET name = 'changed' WHERE id = 1", done))
show('inside', await called((done) => connection.query('SELECT name FROM author WHERE id = 1', done)))
await called((done) => connection.rollback(done))
connection.beginTransaction()
connection.query("UPDATE author SET name = 'changed' WHERE id = 1")
connection.rollback()
show('after', await called((done) => connection.query('SELECT name FROM author WHERE id = 1', done)))
await called((done) => connection.changeUser({}, done))
connection.release()

const cluster = mysql.createPoolCluster()
cluster.add('one', url)
show(
  'clustered',
  await called((done) => cluster.of('*').query('SELECT id FROM author WHERE id = ?', [1], done)),
)
cluster.end()

const single = mysql.createConnection(url)
const alone: unknown[] = []
for (const { id } of authors) {
  alone.push(await called((done) => single.query('SELECT name, id FROM author WHERE id = ?', [id], done))) // the connection's loop
}
show('alone', alone)
await called((done) => single.end(done))
await called((done) => pool.end(done))
show('ended', await called((done) => pool.query('SELECT 1', done)).catch(plain))
