// `postgres` as an ES module or as CommonJS: each form of a query, transactions, streams and errors.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { inspect } from 'node:util'

type Postgres = typeof import('postgres')
const { DATABASE_URL = '', APP_BUILD = 'import' } = process.env
const postgres: Postgres =
  APP_BUILD === 'import' ? (await import('postgres')).default : createRequire(import.meta.url)('postgres')
const show = (name: string, value: unknown) => console.log(name, JSON.stringify(value))
const failed = (name: string, query: PromiseLike<unknown>) =>
  query.then(
    () => show(name, 'no error'),
    (error) =>
      show(name, [error.name, error.code, error.message, error.query, error.parameters, error.severity]),
  )
process.on('unhandledRejection', (error) => show('unhandled', (error as Error).message))

const sql = postgres(DATABASE_URL, { max: 2, onnotice: () => {}, debug: false })
show('members', [Object.keys(sql), sql.name, sql.length, Object.keys(sql.options).length])
const unsent = sql`SELECT ${1}::int AS one`
show('query', [Object.getOwnPropertyNames(unsent), unsent.constructor.name, unsent instanceof Promise])
show('inspected', inspect(unsent).replaceAll(/\s+at .*|\[Function[^\]]*\]/g, ''))
show('rows', await unsent)
const { count, command, columns, statement } = await sql`SELECT id, name FROM author ORDER BY id LIMIT 2`
show('result', [count, command, columns.map(({ name, type }) => [name, type]), statement.string])

const authors = await sql<{ id: number }[]>`SELECT id FROM author ORDER BY id`
for (const { id } of authors) {
  show('author', await sql`SELECT id, name FROM author WHERE id = ${id}`) // the loop
}
const unsafely = authors.map(({ id }) => sql.unsafe('SELECT name FROM author WHERE id = $1', [id])) // together
show('together', await Promise.all(unsafely))
// More than the connections: most are sent by an event of a connection.
const bookOf = (id: number) => sql`SELECT title FROM book WHERE id = ${id}` // the helper
show('books', (await Promise.all(authors.map(({ id }) => bookOf(id)))).flat())

const isNamed = (name: string) => sql`name = ${name}`
show(
  'fragments',
  await sql`SELECT ${sql('id', 'name')} FROM ${sql('author')} WHERE ${isNamed('author 3')} OR id IN ${sql([4, 5])}`,
)
show('inserted', await sql`INSERT INTO book ${sql({ id: 99, title: 'new', author_id: 1 })} RETURNING *`)
show('updated', (await sql`UPDATE book SET ${sql({ title: 'changed' })} WHERE id = 99`).count)
show(
  'types',
  await sql`SELECT ${sql.array([1, 2])}::int[] AS a, ${sql.json({ b: 1 })} AS b, ${sql.typed('c', 25)} AS c`,
)
show('values', await sql`SELECT id, name FROM author ORDER BY id LIMIT 2`.values())
show(
  'raw',
  (await sql`SELECT id FROM author ORDER BY id LIMIT 1`.raw()).map((row) => row.map(String)),
)
show('described', (await sql`SELECT id FROM author WHERE id = ${1}`.describe()).string)
show('several', await sql`SELECT 1 AS a; SELECT 2 AS b`.simple())
show('file', await sql.file(process.env.APP_FILE ?? ''))
const each: unknown[] = []
await sql`SELECT id FROM author ORDER BY id LIMIT 3`.forEach((row) => void each.push(row))
show('each', each)
const executing = sql`SELECT 1 AS executed`.execute()
show('executed', [await executing, await executing.then(({ length }) => length)])
show('caught', await sql`SELECT 1 AS a`.catch(() => 0).finally(() => show('finally', 1)))

const batches: unknown[] = []
for await (const rows of sql`SELECT id FROM author ORDER BY id`.cursor(6)) batches.push(rows.length)
for await (const [row] of sql`SELECT id FROM author ORDER BY id`.cursor()) {
  batches.push(row)
  if (batches.length > 6) break
}
await sql`SELECT id FROM author ORDER BY id`.cursor(7, (rows) =>
  rows[0]?.id > 7 ? sql.CLOSE : void batches.push(rows[0]),
)
show('cursors', batches)

const copied: unknown[] = []
for await (const part of await sql`COPY (SELECT id FROM author ORDER BY id LIMIT 3) TO STDOUT`.readable())
  copied.push(String(part))
await pipeline(Readable.from(['100\tcopied\t1\n']), await sql`COPY book FROM STDIN`.writable())
show('copied', [copied, await sql`SELECT * FROM book WHERE id = 100`])

await failed('syntax', sql`SELECT missing`)
await failed('undefined', sql`SELECT ${undefined as unknown as string}`)
await failed('file', sql.file('missing.sql'))
const slow = sql`SELECT pg_sleep(20)`
const slowly = failed('canceled', slow)
setTimeout(() => slow.cancel(), 50)
await slowly
sql`SELECT unhandled`.execute()
await new Promise((resolve) => setTimeout(resolve, 50))

const nameOf = (db: typeof sql = sql) => db`SELECT name FROM author WHERE id = 1`.then(([row]) => row?.name)
await failed(
  'rolled back',
  sql.begin('isolation level serializable', async (tx) => {
    await tx`UPDATE author SET name = 'changed' WHERE id = 1`
    show('inside', [await nameOf(tx as unknown as typeof sql), await nameOf(), Object.keys(tx)])
    await failed(
      'savepoint',
      tx.savepoint('s', async (inner) => {
        await inner`UPDATE author SET name = 'inner' WHERE id = 1`
        return inner`SELECT nothing`
      }),
    )
    show('after', await nameOf(tx as unknown as typeof sql))
    throw new Error('rolled back')
  }),
)
show('committed', [
  await sql.begin((tx) => [tx`SELECT 1 AS a`, tx`UPDATE author SET name = 'new' WHERE id = 2`]),
  await nameOf(),
])
const reserved = await sql.reserve()
show('reserved', [Object.keys(reserved), await reserved`SELECT 1 AS a`])
reserved.release()

const heard = new Promise(
  (resolve) => void sql.listen('channel', resolve, () => void sql.notify('channel', 'hello')),
)
show('heard', await heard)
const single = postgres(DATABASE_URL, { max: 1 })
show('order', await ordered())
async function ordered(): Promise<unknown> {
  const order: number[] = []
  await Promise.all(
    [1, 2, 3, 4, 5, 6].map((one) =>
      single
        .unsafe(one % 2 ? 'SELECT 1' : 'UPDATE book SET title = title WHERE id = 1')
        .then(() => order.push(one)),
    ),
  )
  return order
}
await failed(
  'cursor',
  single`SELECT id FROM author`.cursor(2, () => Promise.reject(new Error('in the cursor'))),
)
await single.end()
// Both requests wait for the same connections.
const server = createServer(async ({ url }, response) => {
  const rows = authors.map(({ id }) => sql.unsafe(`SELECT * FROM ${url?.slice(1)} WHERE id = $1`, [id]))
  response.end(JSON.stringify(await Promise.all(rows)))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
const bodyOf = async (table: string) => (await fetch(`http://127.0.0.1:${port}/${table}`)).text()
show('responses', await Promise.all([bodyOf('author'), bodyOf('book')]))
server.close()
server.closeAllConnections()
await sql`DELETE FROM book WHERE id > 40`
await sql`UPDATE author SET name = 'author 2' WHERE id = 2`
await sql.end()
await failed('ended', sql`SELECT 1`)
