// pg-promise: a loop by key, calls at the same time, a task, transactions, a stream and errors.
import pgPromise from 'pg-promise'

const pgp = pgPromise()
const db = pgp({ connectionString: process.env.DATABASE_URL ?? '', max: 4 })
const show = (name: string, value: unknown) => console.log(name, JSON.stringify(value))

const authors: { readonly id: number }[] = await db.any('SELECT id FROM author ORDER BY id')
for (const { id } of authors) {
  show('loop', await db.one('SELECT id, name FROM author WHERE id = $1', [id])) // the loop
}
for (const { id } of authors) {
  show('named', await db.oneOrNone('SELECT name FROM author WHERE id = $<id>', { id })) // the loop of names
}
show(
  'together',
  await Promise.all(authors.map(({ id }) => db.any('SELECT name, id FROM author WHERE id = $1', id))),
)
await db.task(async (task) => {
  for (const { id } of authors) {
    show('task', await task.any('SELECT * FROM book WHERE author_id = $1', id)) // the loop of the task
  }
})
const changed = db.tx(async (tx) => {
  await tx.none('UPDATE author SET name = $1 WHERE id = $2', ['changed', 1])
  show('inside', await tx.one('SELECT name FROM author WHERE id = 1'))
  await tx.tx((inner) => inner.none('UPDATE author SET name = $1 WHERE id = 2', 'inner'))
  throw new Error('rolled back')
})
show('rolled back', await changed.catch(({ message }) => message))
show('after', await db.any('SELECT name FROM author WHERE id < 3 ORDER BY id'))
show('result', (await db.result('UPDATE author SET name = name WHERE id = 3')).rowCount)
show('multi', await db.multi('SELECT 1 AS one; SELECT 2 AS two'))
show(
  'parameterized',
  await db.one(new pgp.ParameterizedQuery({ text: 'SELECT $1::int AS one', values: [7] })),
)
show('prepared', await db.one({ name: 'by-id', text: 'SELECT name FROM author WHERE id = $1', values: [4] }))
show('none', await db.one('SELECT 1 WHERE false').catch(({ message }) => message))
show('error', await db.any('SELECT missing FROM author').catch(({ code }) => code))
const connection = await db.connect()
show('connected', await connection.any('SELECT name FROM author WHERE id = 5'))
connection.done()
await db.$pool.end()
