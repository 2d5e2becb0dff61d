// A script that does not know Sluice.
import knex from 'knex'

const db = knex({
  client: 'better-sqlite3',
  connection: { filename: ':memory:' },
  useNullAsDefault: true,
  pool: { min: 1, max: 1 },
})
await db.schema.createTable('authors', (table) => void table.increments('id'))
await db('authors').insert(Array.from({ length: 20 }, (_, at) => ({ id: at + 1 })))
let rows = 0
for (const { id } of await db('authors').select('id')) {
  const found: unknown[] = await db('authors').where({ id }) // the loop
  rows += found.length
}
console.log(rows)
await db.destroy()
