// Drizzle on a pool of `mysql2` that the app tests before Drizzle uses it.
import { eq } from 'drizzle-orm'
import { int, mysqlTable, text } from 'drizzle-orm/mysql-core'
import { drizzle } from 'drizzle-orm/mysql2'
import mysql from 'mysql2/promise'

const author = mysqlTable('author', { id: int('id').primaryKey(), name: text('name').notNull() })
const pool = mysql.createPool(process.env.DATABASE_URL ?? '')
await pool.query('SELECT 1')
const db = drizzle({ client: pool })

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
await pool.end()
