// A loop, calls at the same time, transactions, streams and errors, on pools and connections of `mariadb`:
// its ES modules, its bundles, and the version of Prisma's adapter.
import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import * as modules from 'mariadb'
import * as calledModules from 'mariadb/callback'

const require = createRequire(import.meta.url)
const adapter = createRequire(require.resolve('@prisma/adapter-mariadb'))
const connector = process.env.APP_CONNECTOR
const from = connector === 'prisma' ? adapter : require
const promised = connector === 'module' ? modules : (from('mariadb') as typeof modules)
const core = connector === 'module' ? calledModules : (from('mariadb/callback') as typeof calledModules)

const { hostname: host, port, username: user, password, pathname } = new URL(process.env.DATABASE_URL ?? '')
const options = { host, port: Number(port), user, password, database: pathname.slice(1) }
const show = (name: string, value: unknown) =>
  console.log(
    name,
    JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)),
  )
const plain = (error: object) => {
  const { code, sqlMessage } = error as { readonly code?: string; readonly sqlMessage?: string }
  return [code, sqlMessage]
}
type Callback = (error: unknown, ...results: unknown[]) => void
/** The declarations of the package lack forms of its calls. */
interface CallbackConnection {
  beginTransaction(done: Callback): void
  rollback(done: Callback): void
  query(...args: unknown[]): EventEmitter
  prepare(sql: string, done: (error: unknown, statement: CallbackStatement) => void): void
  release(done: Callback): void
}
interface CallbackStatement {
  execute(...args: unknown[]): void
}
const called = (call: (callback: Callback) => unknown): Promise<unknown> =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))

const pool = promised.createPool({ ...options, connectionLimit: 4 })
const authors = await pool.query<{ id: number }[]>('SELECT id FROM author ORDER BY id')
for (const { id } of authors) {
  show('loop', await pool.query('SELECT * FROM author WHERE id = ?', [id])) // the loop
}
for (const { id } of authors) {
  show('executed', await pool.execute('SELECT id, name FROM author WHERE id = ?', [id])) // the executed loop
}
const sql = 'SELECT name FROM author WHERE id = ?'
show('together', await Promise.all(authors.map(({ id }) => pool.query({ sql }, id))))
show('arrays', await pool.query({ sql: 'SELECT 1 AS one', rowsAsArray: true }))
show('metadata', (await pool.query({ sql: 'SELECT 1 AS one', metaAsArray: true }))[1].length)
show('named', await pool.query({ sql: 'SELECT :id AS id', namedPlaceholders: true }, { id: 7 }))
show('error', await pool.query('SELECT missing FROM author').catch(plain))
show('wrong', await pool.execute('SELECT ?, ?', [1]).catch(plain))

const connection = await pool.getConnection()
await connection.beginTransaction()
await connection.query('UPDATE author SET name = ? WHERE id = ?', ['changed', 1])
const batch = await connection.batch('UPDATE author SET name = ? WHERE id = ?', [
  ['two', 2],
  ['three', 3],
])
show('batch', batch)
show('inside', await connection.execute('SELECT name FROM author WHERE id < 4'))
await connection.rollback()
show('after', await connection.query('SELECT name FROM author WHERE id < 4'))
await connection.query('START TRANSACTION')
await connection.query('UPDATE author SET name = ? WHERE id = 1', ['lost'])
await connection.release()
show('released', await pool.query('SELECT name FROM author WHERE id = 1'))

const other = await pool.getConnection()
const statement = await other.prepare('SELECT name, id, name AS again FROM author WHERE id = ?')
for (const { id } of authors) {
  show('prepared', await statement.execute([id])) // the prepared loop
}
const streamed: unknown[] = []
for await (const row of statement.executeStream([3])) streamed.push(row)
for await (const row of other.queryStream('SELECT id FROM author ORDER BY id')) streamed.push(row)
show('streamed', streamed)
const failing = other.queryStream('SELECT missing')
show('failed stream', await new Promise((resolve) => failing.on('error', (error) => resolve(plain(error)))))
statement.close()
await other.changeUser({ user, password, database: options.database })
await other.reset()
await other.release()

const single = await promised.createConnection(options)
for (const { id } of authors) {
  show('alone', await single.query('SELECT name, id FROM author WHERE id = ?', [id])) // the connection's loop
}
await single.end()
show('ended', await single.query('SELECT 1').catch(({ code }) => code))

const calls = core.createPool(options)
for (const { id } of authors) {
  const rows = await called((done) => calls.query('SELECT author.* FROM author WHERE id = ?', [id], done)) // the loop with callbacks
  show('called', rows)
}
const results = new Promise((resolve) =>
  calls.execute('SELECT 1 AS one', (...all: unknown[]) => resolve([all[0], all[1], all.length])),
)
show('results', await results)
show('called error', await called((done) => calls.query('SELECT missing', done)).catch(plain))
await new Promise<void>((resolve) =>
  calls.getConnection((_, connection) => {
    const got = connection as unknown as CallbackConnection
    const rows: unknown[] = []
    got.beginTransaction(() => {
      got.query("UPDATE author SET name = 'changed' WHERE id = 1", () => {
        got.rollback(() => {
          const command = got.query('SELECT id, name FROM author WHERE id < 3')
          command.on('data', (row) => rows.push(row))
          command.on('end', () => {
            show('events', rows)
            got.prepare(sql, (_, ready) => {
              ready.execute([2], undefined, (error: unknown, found: unknown) => {
                show('prepared call', [error, found])
                got.release(() => resolve())
              })
            })
          })
        })
      })
    })
  }),
)
await called((done) => calls.end(done))

const cluster = promised.createPoolCluster()
cluster.add('one', options)
show('clustered', await cluster.of('one').query('SELECT id FROM author WHERE id = 1'))
await cluster.end()
await pool.end()
show('pool ended', await pool.query('SELECT 1').catch(({ code }) => code))
