// A server whose requests send the same queries at the same time. Prints its responses, and what `pg` sends.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/drizzle'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'

let statements = 0
const { prototype } = pg.Connection as unknown as {
  prototype: Record<'parse' | 'query', (...args: unknown[]) => unknown>
}
for (const name of ['parse', 'query'] as const) {
  const send = prototype[name]
  prototype[name] = function (this: unknown, ...args) {
    statements += 1
    return send.apply(this, args)
  }
}

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

const server = createServer(async (_, response) => void response.end(JSON.stringify(await answer())))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
for (let request = 0; request < Number(process.env.APP_REQUESTS ?? 3); request += 1) {
  const before = statements
  const response = await fetch(`http://127.0.0.1:${port}/authors`)
  console.log(await response.text())
  console.error(`statements ${statements - before}`)
  // The catalog is read after the first request.
  await new Promise((resolve) => setTimeout(resolve, 300))
}
server.close()
server.closeAllConnections()
await pool.end()
await db.$client.end()
if (own !== undefined) console.error(`own ${own.queries.getStats().statements} statements`)
