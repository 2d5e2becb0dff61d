// A loop and a transaction of an ORM: with an adapter on `better-sqlite3`, or on `sqlite3`.
import { createRequire } from 'node:module'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import Database from 'better-sqlite3'
import knexFactory from 'knex'
import { Kysely, SqliteDialect } from 'kysely'
import { DataTypes, Sequelize } from 'sequelize'
import type { DataSource as DataSourceType, EntitySchema as EntitySchemaType } from 'typeorm'
import { PrismaClient } from '../../generated/sqlite/client/client.ts'

const { APP_ORM = '', APP_DRIVER: client = 'better-sqlite3', DATABASE_FILE: filename = '' } = process.env
const require = createRequire(import.meta.url)
const show = (value: unknown) =>
  console.log(JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)))

const programs = {
  async knex() {
    const db = knexFactory({
      client,
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
  async typeorm() {
    const { DataSource, EntitySchema } = (await import('typeorm03' as string)) as {
      readonly DataSource: typeof DataSourceType
      readonly EntitySchema: typeof EntitySchemaType
    }
    const Author = new EntitySchema<{ id: number; name: string }>({
      name: 'Author',
      tableName: 'author',
      columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
    })
    const options = { type: 'sqlite', driver: require('sqlite3'), database: filename, entities: [Author] }
    const db = await new DataSource(options as never).initialize()
    const authors = db.getRepository(Author)
    for (const { id } of await authors.find({ order: { id: 'ASC' } })) {
      show(await authors.findOneBy({ id })) // the loop of typeorm
    }
    await db.transaction(async (manager) => show(await manager.update(Author, { id: 99 }, { name: 'same' })))
    await db.destroy()
  },
  async sequelize() {
    const db = new Sequelize({
      dialect: 'sqlite',
      dialectModule: require('sqlite3'),
      storage: filename,
      logging: false,
    })
    const Author = db.define('Author', { name: DataTypes.TEXT }, { timestamps: false, tableName: 'author' })
    for (const author of await Author.findAll({ order: ['id'] })) {
      show(await Author.findByPk(author.get('id') as number)) // the loop of sequelize
    }
    await db.transaction(async (transaction) =>
      show(await Author.update({ name: 'same' }, { where: { id: 99 }, transaction })),
    )
    await db.close()
  },
} satisfies Readonly<Record<string, () => Promise<void>>>

await programs[APP_ORM as keyof typeof programs]()
