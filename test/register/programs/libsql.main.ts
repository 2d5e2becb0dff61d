// Loops, batches, migrations, scripts, transactions and errors, on a client of `@libsql/client`.
import { createRequire } from 'node:module'

const { APP_LOADS, DATABASE_FILE = '' } = process.env
const { createClient } = (
  APP_LOADS === 'require' ? createRequire(import.meta.url)('@libsql/client') : await import('@libsql/client')
) as typeof import('@libsql/client')

const show = (name: string, value: unknown) =>
  console.log(
    name,
    JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)),
  )
const rejected = (run: Promise<unknown>) =>
  run.catch(({ name, message, code }: Error & { code?: string }) => [name, message, code])

const client = createClient({ url: DATABASE_FILE === '' ? ':memory:' : `file:${DATABASE_FILE}` })
show('migrated', await client.migrate(['CREATE TABLE writer (id integer PRIMARY KEY, name text NOT NULL)']))
const inserts = Array.from({ length: 20 }, (_, at) => ({
  sql: 'INSERT INTO writer VALUES (:id, :name)',
  args: { id: at + 1, name: `author ${at + 1}` },
}))
show('batch', await client.batch(inserts, 'write'))
show('script', await client.executeMultiple('CREATE TABLE other (id integer); INSERT INTO other VALUES (1)'))

const { rows } = await client.execute('SELECT id FROM writer ORDER BY id')
for (const { id = null } of rows) {
  show('loop', await client.execute({ sql: 'SELECT id, name FROM writer WHERE id = ?', args: [id] })) // the loop
}
const together = rows.map(({ id = null }) => client.execute('SELECT name FROM writer WHERE id = ?', [id])) // the loop at the same time
show('together', await Promise.all(together))

const [first] = rows
show('row', [
  first?.[0],
  Object.keys(first ?? {}),
  first?.length,
  client.execute('SELECT 1') instanceof Promise,
])
show('batch of reads', await client.batch(['SELECT count(*) FROM writer', ['SELECT ? AS one', [1]]]))

const transaction = await client.transaction('write')
await transaction.execute({ sql: 'UPDATE writer SET name = ? WHERE id = 1', args: ['changed'] })
show('inside', await transaction.batch([{ sql: 'SELECT name FROM writer WHERE id = ?', args: [1] }]))
await transaction.executeMultiple('DELETE FROM writer WHERE id = 20; DELETE FROM other')
await transaction.rollback()
const closing = await client.transaction()
await closing.execute('DELETE FROM writer')
closing.close()
show('closed', [
  closing.closed,
  await rejected(closing.execute('SELECT 1')),
  await rejected(closing.commit()),
])
closing.close()
const committed = await client.transaction('read')
show('read', await committed.execute('SELECT name FROM writer WHERE id IN (1, 20)'))
await committed.commit()
show('after', await client.execute('SELECT name FROM writer WHERE id IN (1, 20)'))

for (const failing of [
  client.execute('SELECT missing'),
  client.execute({ sql: 'INSERT INTO writer VALUES (?, ?)', args: [1, 'again'] }),
  client.batch(['DELETE FROM writer', 'SYNTAX']),
  client.batch([{ sql: 'SELECT ?', args: [Number.NaN] }]),
  client.executeMultiple('SYNTAX'),
  client.migrate(['SYNTAX']),
  client.execute(undefined as unknown as string),
  client.batch(undefined as unknown as []),
])
  show('error', await rejected(failing))
show('rows', await client.execute('SELECT count(*) FROM writer'))
await client.execute('DROP TABLE writer')
await client.execute('DROP TABLE other')
client.close()
show('ended', [client.closed, client.protocol, await rejected(client.execute('SELECT 1'))])
await client.reconnect()
show('connected again', await client.execute('SELECT 1 AS one'))
client.close()
