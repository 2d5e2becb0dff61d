// A loop, calls at the same time, a transaction, a stream and an error, on a pool and on a client of `pg`.
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'

const { DATABASE_URL } = process.env
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 })
const show = (name: string, value: unknown) => console.log(name, JSON.stringify(value))

const { rows: authors } = await pool.query<{ id: number }>('SELECT id FROM author ORDER BY id')
const loop: unknown[] = []
for (const { id } of authors) {
  loop.push((await pool.query('SELECT * FROM author WHERE id = $1', [id])).rows) // the loop
}
show('loop', loop)

const together = authors.map(({ id }) => pool.query('SELECT name FROM author WHERE id = $1', [id]))
show(
  'together',
  (await Promise.all(together)).map(({ rows, rowCount, command, fields }) => [
    rows,
    rowCount,
    command,
    fields.map(({ name }) => name),
  ]),
)

const withCallback = (sql: string) =>
  new Promise<unknown>((resolve) => {
    const returned: unknown = pool.query(
      sql,
      (error: Error | undefined, result: pg.QueryResult | undefined) =>
        resolve([returned, error?.message, result?.rows]),
    )
  })
show('callback', await withCallback('SELECT count(*) FROM author'))
show('callback with an error', await withCallback('SELECT missing FROM author'))
show('error', await pool.query('SELECT missing FROM author').catch(({ code }) => code))

const client = await pool.connect()
show('is a client', client instanceof pg.Client)
await client.query('BEGIN')
await client.query('UPDATE author SET name = $1 WHERE id = $2', ['changed', 1])
show('inside', (await client.query('SELECT name FROM author WHERE id = 1')).rows)
await client.query('ROLLBACK')
show('after', (await client.query('SELECT name FROM author WHERE id = 1')).rows)
const cursor = client.query(new Cursor('SELECT id FROM author ORDER BY id'))
show('cursor', [await cursor.read(2), await cursor.read(100)])
await cursor.close()
const streamed: unknown[] = []
const collect = new Writable({
  objectMode: true,
  write(row, _, done) {
    streamed.push(row)
    done()
  },
})
await pipeline(client.query(new QueryStream('SELECT id FROM author ORDER BY id')), collect)
show('stream', streamed)
client.release()

const connected = new Promise((resolve) => {
  pool.connect((error, taken, release) => {
    taken?.query({ text: 'SELECT 1 AS one', rowMode: 'array' }, (failed: Error, { rows }: pg.QueryResult) => {
      release()
      resolve([error, failed, rows])
    })
  })
})
show('connect with a callback', await connected)
show('counts', [pool.totalCount > 0, pool.idleCount === pool.totalCount, pool.waitingCount])

const single = new pg.Client({ connectionString: DATABASE_URL })
await single.connect()
const alone: unknown[] = []
for (const { id } of authors) {
  alone.push((await single.query('SELECT id, name FROM author WHERE id = $1', [id])).rows) // the client's loop
}
show('alone', alone)
show('error of a client', await single.query('SELECT missing').catch(({ code }) => code))
await single.end()
await pool.end()
show('ended', await pool.query('SELECT 1').catch(({ message }) => message))
