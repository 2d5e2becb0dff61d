// Drizzle on a database of `better-sqlite3`: a loop, relations, a transaction and raw SQL.
import Database from 'better-sqlite3'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

const authors = sqliteTable('author', { id: integer('id').primaryKey(), name: text('name').notNull() })
const client = new Database(process.env.DATABASE_FILE)
// As apps set it before Drizzle uses it.
client.pragma('journal_mode = WAL')
const db = drizzle({ client })
const show = (value: unknown) => console.log(JSON.stringify(value))

const all = await db.select({ id: authors.id }).from(authors).orderBy(authors.id)
for (const { id } of all) {
  show(await db.select().from(authors).where(eq(authors.id, id))) // the loop
}
for (const { id } of all) {
  show(db.select({ name: authors.name }).from(authors).where(eq(authors.id, id)).get()) // the synchronous loop
}
show(db.all(sql`SELECT name FROM author WHERE id < 3`))
try {
  db.transaction((tx) => {
    tx.update(authors).set({ name: 'changed' }).where(eq(authors.id, 1)).run()
    show(tx.select().from(authors).where(eq(authors.id, 1)).get())
    throw new Error('rolled back')
  })
} catch (error) {
  show([(error as Error).message, db.select().from(authors).where(eq(authors.id, 1)).get()])
}
client.close()
