// Drizzle on a client of `postgres` that the app tests before Drizzle uses it.
import { eq } from 'drizzle-orm'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'

const author = pgTable('author', { id: integer('id').primaryKey(), name: text('name').notNull() })
const sql = postgres(process.env.DATABASE_URL ?? '', { max: 4 })
await sql`SELECT 1`
const db = drizzle({ client: sql })

const authors = await db.select({ id: author.id }).from(author).orderBy(author.id)
for (const { id } of authors) {
  const rows = await db.select().from(author).where(eq(author.id, id)) // the loop
  console.log(JSON.stringify(rows))
}
const together = authors.map(({ id }) =>
  db.select({ name: author.name }).from(author).where(eq(author.id, id)),
)
console.log(JSON.stringify(await Promise.all(together)))
const failed = await db
  .transaction(async (tx) => {
    await tx.update(author).set({ name: 'changed' }).where(eq(author.id, 1))
    console.log(JSON.stringify(await tx.select().from(author).where(eq(author.id, 1))))
    throw new Error('rolled back')
  })
  .catch(({ message }) => message)
console.log(failed, JSON.stringify(await db.select().from(author).where(eq(author.id, 1))))
console.log(await db.execute('SELECT missing').catch(({ cause }) => cause.code))
await sql.end()
