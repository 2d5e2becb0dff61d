// A loop and a transaction of an ORM with an adapter, on a database of `better-sqlite3`.
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import Database from 'better-sqlite3'
import knexFactory from 'knex'
import { Kysely, SqliteDialect } from 'kysely'
import { PrismaClient } from '../../generated/sqlite/client/client.ts'

const { APP_ORM = '', DATABASE_FILE: filename = '' } = process.env
const show = (value: unknown) =>
  console.log(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)))

const programs = {
  async knex() {
    const db = knexFactory({
      client: 'better-sqlite3',
      connection: { filename },
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    })
    for (const { id } of await db('author').select('id').orderBy('id')) {
      show(await db('author').where({ id }).first()) // the loop of knex
    }
    await db.transaction(async (trx) => show(await trx('author').update({ name: 'same' }).where({ id: 99 })))
    await db.destroy()
  },
  async kysely() {
    const db = new Kysely<{ author: { id: number; name: string } }>({
      dialect: new SqliteDialect({ database: new Database(filename) }),
    })
    for (const { id } of await db.selectFrom('author').select('id').orderBy('id').execute()) {
      show(await db.selectFrom('author').selectAll().where('id', '=', id).executeTakeFirst()) // the loop of kysely
    }
    for await (const row of db.selectFrom('author').selectAll().stream()) show(row)
    await db.transaction().execute(async (trx) => show(await trx.selectFrom('author').select('id').execute()))
    await db.destroy()
  },
  async prisma() {
    const db = new PrismaClient({ adapter: new PrismaBetterSqlite3({ url: `file:${filename}` }) })
    for (const { id } of await db.author.findMany({ select: { id: true }, orderBy: { id: 'asc' } })) {
      show(await db.author.findUnique({ where: { id } })) // the loop of prisma
    }
    await db.$transaction([db.author.count(), db.author.count()])
    await db.$disconnect()
  },
} satisfies Readonly<Record<string, () => Promise<void>>>

await programs[APP_ORM as keyof typeof programs]()
