import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex from 'knex'

const db = knex({
  client: 'better-sqlite3',
  connection: { filename: ':memory:' },
  useNullAsDefault: true,
  pool: { min: 1, max: 1 },
})
await db.schema.createTable('authors', (table) => {
  table.increments('id')
  table.string('name')
})
await db('authors').insert(Array.from({ length: 20 }, (_, at) => ({ name: `author ${at}` })))
// A test asks for a Sluice of the app.
if (process.env.APP_SLUICE === 'own') withSluice(db, createSluice())

let statements = 0
db.on('query', () => {
  statements += 1
})

/** Reads each author with a separate query, sequentially. */
export async function readInLoop(): Promise<string> {
  const names: string[] = []
  for (let id = 1; id <= 20; id += 1) names.push((await db('authors').where({ id }).first()).name) // the loop
  return names.join()
}

/** Reads each author with a separate query, concurrently. */
export async function readTogether(): Promise<string> {
  const ids = Array.from({ length: 20 }, (_, at) => at + 1)
  const rows = await Promise.all(ids.map((id) => db('authors').where({ id }).first()))
  return rows.map(({ name }) => name).join()
}

/** A query that is sent when it is awaited. */
export function lazyRead(): PromiseLike<unknown> {
  return db('authors').where({ id: 1 }).first()
}

export async function endWork(): Promise<void> {
  await db.destroy()
  console.error(`statements ${statements}`)
}
