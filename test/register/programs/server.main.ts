// A server whose requests send the same queries at the same time. Prints its responses, and what `pg` sends.
import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/drizzle'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { countPgStatements } from './pg-statements.ts'
import { serve } from './serve.ts'

const statements = countPgStatements()

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
const author = pgTable('author', { id: integer('id').primaryKey(), name: text('name').notNull() })
const bare = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
// A test asks for a Sluice of the app.
const own = process.env.APP_SLUICE === 'own' ? createSluice() : undefined
const db = drizzle({ client: own === undefined ? bare : withSluice(bare, own) })
const ids = Array.from({ length: 20 }, (_, at) => at + 1)

async function answer(): Promise<unknown[]> {
  const rows = ids.map((id) => pool.query('SELECT id, name FROM author WHERE id = $1', [id]))
  const drizzled = ids.map((id) => db.select().from(author).where(eq(author.id, id)))
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    await client.query('UPDATE author SET name = name WHERE id = $1', [1])
    await client.query('COMMIT')
  } finally {
    client.release()
  }
  const results = (await Promise.all(rows)).map(({ rows, rowCount, fields }) => [
    rows,
    rowCount,
    fields.length,
  ])
  return [results, await Promise.all(drizzled)]
}

await serve(answer, { requests: Number(process.env.APP_REQUESTS ?? 3), statements })
await pool.end()
await db.$client.end()
if (own !== undefined) console.error(`own ${own.queries.getStats().statements} statements`)
