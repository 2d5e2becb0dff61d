// A server whose requests send the same queries at once. Prints its responses, and what `mysql2` sends.
import { eq } from 'drizzle-orm'
import { int, mysqlTable, text } from 'drizzle-orm/mysql-core'
import { drizzle } from 'drizzle-orm/mysql2'
import { createPool } from 'mysql2'
import mysql from 'mysql2/promise'
import { countMysql2Statements } from './mysql2-statements.ts'
import { serve } from './serve.ts'

const statements = countMysql2Statements()

const uri = process.env.DATABASE_URL ?? ''
const author = mysqlTable('author', { id: int('id').primaryKey(), name: text('name').notNull() })
const pool = mysql.createPool({ uri, connectionLimit: 4 })
const core = createPool({ uri, connectionLimit: 4 })
const db = drizzle({ client: mysql.createPool({ uri, connectionLimit: 4 }) })
const ids = Array.from({ length: 20 }, (_, at) => at + 1)

async function answer(): Promise<unknown[]> {
  const rows = ids.map((id) => pool.query('SELECT id, name FROM author WHERE id = ?', [id]))
  const called = ids.map(
    (id) =>
      new Promise((resolve) => {
        const command = core.query(
          { sql: 'SELECT name FROM author WHERE id = ?', rowsAsArray: true },
          [id],
          (...args) => resolve([args[0], args[1], args[2].length, typeof command.sql]),
        )
      }),
  )
  const drizzled = ids.map((id) => db.select().from(author).where(eq(author.id, id)))
  const connection = await pool.getConnection()
  await connection.beginTransaction()
  await connection.query('UPDATE author SET name = name WHERE id = 1')
  await connection.commit()
  connection.release()
  const results = (await Promise.all(rows)).map(([rows, fields]) => [rows, fields.map(({ name }) => name)])
  return [results, await Promise.all(called), await Promise.all(drizzled)]
}

await serve(answer, { requests: Number(process.env.APP_REQUESTS ?? 3), statements })
await Promise.all([pool.end(), core.promise().end(), db.$client.end()])
