// Drizzle on a client of a driver that the app tests before Drizzle uses it.
import { eq } from 'drizzle-orm'
import { int, mysqlTable, text as mysqlText } from 'drizzle-orm/mysql-core'
import { drizzle as onMysql2 } from 'drizzle-orm/mysql2'
import { drizzle as onPg } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle as onPostgres } from 'drizzle-orm/postgres-js'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'

const { DATABASE_URL: url = '', APP_DRIVER = 'pg' } = process.env
const pgAuthor = pgTable('author', { id: integer('id').primaryKey(), name: text('name').notNull() })
const mysqlAuthor = mysqlTable('author', { id: int('id').primaryKey(), name: mysqlText('name').notNull() })

async function onPool() {
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  await pool.query('SELECT 1')
  return { db: onPg({ client: pool }), author: pgAuthor, end: () => pool.end() }
}

/** Their builders have the same methods as those of `pg`. */
type Opened = Awaited<ReturnType<typeof onPool>>

async function onMysqlPool() {
  const pool = mysql.createPool(url)
  await pool.query('SELECT 1')
  return { db: onMysql2({ client: pool }), author: mysqlAuthor, end: () => pool.end() } as unknown as Opened
}

async function onSql() {
  const sql = postgres(url, { max: 4 })
  await sql`SELECT 1`
  return { db: onPostgres({ client: sql }), author: pgAuthor, end: () => sql.end() } as unknown as Opened
}

const OPEN: Readonly<Record<string, () => Promise<Opened>>> = { mysql2: onMysqlPool, postgres: onSql }
const { db, author, end } = await (OPEN[APP_DRIVER] ?? onPool)()

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
await end()
