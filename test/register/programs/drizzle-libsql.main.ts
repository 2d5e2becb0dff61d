// Drizzle on a client of `@libsql/client`: a loop, a batch and a transaction.
import { createClient } from '@libsql/client'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/libsql'
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

const authors = sqliteTable('author', { id: integer('id').primaryKey(), name: text('name').notNull() })
const client = createClient({ url: `file:${process.env.DATABASE_FILE}` })
const db = drizzle(client)
const show = (value: unknown) => console.log(JSON.stringify(value))

const all = await db.select({ id: authors.id }).from(authors).orderBy(authors.id)
for (const { id } of all) {
  show(await db.select().from(authors).where(eq(authors.id, id))) // the loop
}
const [first, second] = all.map(({ id }) => db.select().from(authors).where(eq(authors.id, id)))
if (first !== undefined && second !== undefined) show(await db.batch([first, second]))
const failed = await db
  .transaction(async (tx) => {
    await tx.update(authors).set({ name: 'changed' }).where(eq(authors.id, 1))
    show(await tx.select().from(authors).where(eq(authors.id, 1)).get())
    throw new Error('rolled back')
  })
  .catch(({ message }) => message)
show([failed, await db.select().from(authors).where(eq(authors.id, 1)).get()])
client.close()
