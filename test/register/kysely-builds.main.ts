// A script that does not know Sluice, and loads Kysely as CommonJS or as an ES module.
import { createRequire } from 'node:module'
import BetterSqlite from 'better-sqlite3'
import type { Generated, Kysely } from 'kysely'

interface Database {
  author: { id: Generated<number>; name: string }
}

const { APP_LOADS, APP_KYSELY = 'kysely' } = process.env
const load = APP_LOADS === 'require' ? createRequire(import.meta.url) : (name: string) => import(name)
const kysely: typeof import('kysely') = await load(APP_KYSELY)

const db: Kysely<Database> = new kysely.Kysely({
  dialect: new kysely.SqliteDialect({ database: new BetterSqlite(':memory:') }),
})
await kysely.sql`create table author (id integer primary key, name text)`.execute(db)
const values = Array.from({ length: 20 }, (_, at) => ({ name: `author ${at}` }))
await db.insertInto('author').values(values).execute()
for (const { id } of await db.selectFrom('author').select('id').execute())
  console.log(await db.selectFrom('author').selectAll().where('id', '=', id).execute()) // the loop
console.log(db instanceof kysely.Kysely, db.withSchema('main') instanceof kysely.Kysely)
await db.destroy()
