// A server on an ORM without an adapter. Its requests query in loops, at the same time, and in a transaction.
// Prints its responses, and the number of statements that the driver sends. A test can ask for a Sluice of
// the app, in a mode.
import { createConsoleReport, createSluice, type Mode } from '@sluice/core'
import type { Model } from 'sequelize'
import { withSluice as withMikroOrm } from 'sluice/mikro-orm'
import { withSluice as withSequelize } from 'sluice/sequelize'
import { withSluice as withTypeorm } from 'sluice/typeorm'
import type { DataSource as DataSourceType, EntitySchema as EntitySchemaType } from 'typeorm'
import { countMysql2Statements } from './mysql2-statements.ts'
import { countPgStatements } from './pg-statements.ts'
import { serve } from './serve.ts'

const {
  DATABASE_URL: url = '',
  APP_ORM = 'typeorm',
  APP_MIKRO_ORM = '@mikro-orm/postgresql',
  APP_REQUESTS = '4',
  APP_SESSION,
  APP_SLUICE,
} = process.env
const own =
  APP_SLUICE === undefined ? undefined : createSluice({ mode: APP_SLUICE as Mode, cache: { tables: [] } })
own?.on('finding', createConsoleReport())

const isMysql = url.startsWith('mysql:')
const type = isMysql ? 'mysql' : ('postgres' as never)
const statements = isMysql ? countMysql2Statements() : countPgStatements()
/** Sets what a session, or on PostgreSQL a transaction, keeps. */
const setTenant = (isLocal: boolean) =>
  isMysql ? "SET @tenant = 'red'" : `SELECT set_config('app.tenant', 'red', ${isLocal})`
const TENANT = isMysql ? '@tenant' : "current_setting('app.tenant')"

interface Orm {
  authors(): Promise<readonly number[]>
  author(id: number): Promise<unknown>
  books(author: number): Promise<unknown>
  named(name: string): Promise<unknown>
  rename(id: number, fails: boolean): Promise<unknown>
  /** A comparison that PostgreSQL refuses, and MariaDB answers. */
  refused(id: number): Promise<unknown>
  /** What a session keeps from one statement to the next. */
  session(): Promise<unknown>
  close(): Promise<unknown>
}

async function typeorm(): Promise<Orm> {
  const { DataSource, EntitySchema } = (await import(APP_ORM)) as {
    readonly DataSource: typeof DataSourceType
    readonly EntitySchema: typeof EntitySchemaType
  }
  const Author = new EntitySchema<{ id: number; name: string }>({
    name: 'Author',
    tableName: 'author',
    columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
  })
  const Book = new EntitySchema<{ id: number; title: string; authorId: number }>({
    name: 'Book',
    tableName: 'book',
    columns: {
      id: { type: Number, primary: true },
      title: { type: 'text' },
      authorId: { type: Number, name: 'author_id' },
    },
  })
  const source = new DataSource({
    type,
    url,
    ...(isMysql && { connectorPackage: 'mysql2' }),
    entities: [Author, Book],
  })
  if (own !== undefined) withTypeorm(source, own)
  await source.initialize()
  const [authors, books] = [source.getRepository(Author), source.getRepository(Book)]
  return {
    authors: async () => (await authors.find({ order: { id: 'ASC' } })).map(({ id }) => id),
    author: (id) => authors.findOneBy({ id }),
    books: (authorId) => books.find({ where: { authorId }, order: { id: 'ASC' } }),
    named: (name) => authors.findBy({ name }),
    rename: (id, fails) =>
      source.transaction(async (manager) => {
        await manager.update(Author, { id }, { name: `author ${id}` })
        const renamed = await manager.findOneBy(Author, { id })
        if (fails) throw new Error('rolled back')
        return renamed
      }),
    refused: (id) => source.query(`SELECT id FROM author WHERE name = ${id}`),
    async session() {
      const runner = source.createQueryRunner()
      try {
        const seen = [await runner.query('SELECT count(*) FROM author')]
        // A member that only the driver's own connections have.
        const { escapeIdentifier, escapeId } = await runner.connect()
        seen.push(typeof (escapeIdentifier ?? escapeId))
        await runner.query(setTenant(false))
        seen.push(await runner.query(`SELECT ${TENANT} AS tenant`))
        await runner.query('CREATE TEMPORARY TABLE mine AS SELECT 1 AS one')
        seen.push(await runner.query('SELECT one FROM mine'))
        await runner.query(isMysql ? 'DROP TEMPORARY TABLE mine' : 'DROP TABLE mine; RESET app.tenant')
        return seen
      } finally {
        await runner.release()
      }
    },
    close: () => source.destroy(),
  }
}

async function sequelize(): Promise<Orm> {
  const { DataTypes, Sequelize } = await import('sequelize')
  const dialectOptions = isMysql ? {} : { query_timeout: 1_500 }
  const sequelize = new Sequelize(url, { logging: false, dialectOptions, pool: { max: 2 } })
  if (own !== undefined) withSequelize(sequelize, own)
  let hasTimedOut = false
  const options = { timestamps: false, freezeTableName: true }
  const Author = sequelize.define('author', { name: DataTypes.TEXT }, options)
  const Book = sequelize.define(
    'book',
    { title: DataTypes.TEXT, authorId: { type: DataTypes.INTEGER, field: 'author_id' } },
    options,
  )
  return {
    authors: async () =>
      (await Author.findAll({ order: [['id', 'ASC']] })).map((one: Model) => one.get('id') as number),
    author: (id) => Author.findByPk(id),
    books: (authorId) => Book.findAll({ where: { authorId }, order: [['id', 'ASC']] }),
    named: (name) => Author.findAll({ where: { name } }),
    rename: (id, fails) =>
      sequelize.transaction(async (transaction) => {
        await Author.update({ name: `author ${id}` }, { where: { id }, transaction })
        const renamed = await Author.findByPk(id, { transaction })
        if (fails) throw new Error('rolled back')
        return renamed
      }),
    refused: (id) => sequelize.query(`SELECT id FROM author WHERE name = ${id}`, { type: 'SELECT' }),
    async session() {
      // A connection whose query has timed out must not be used again.
      const slow = hasTimedOut
        ? ''
        : await sequelize
            .query(isMysql ? 'SELECT sleep(0)' : 'SELECT pg_sleep(4)', { type: 'SELECT' })
            .catch(String)
      hasTimedOut = true
      const author = await Author.findByPk(3)
      const tenant = await sequelize.transaction(async (transaction) => {
        await sequelize.query(setTenant(true), { transaction })
        return await sequelize.query(`SELECT ${TENANT} AS tenant`, { transaction })
      })
      return [slow, author, tenant]
    },
    close: () => sequelize.close(),
  }
}

async function mikroOrm(): Promise<Orm> {
  const { defineEntity, MikroORM, p } = (await import(
    APP_MIKRO_ORM
  )) as typeof import('@mikro-orm/postgresql')
  const Author = defineEntity({
    name: 'Author',
    tableName: 'author',
    properties: { id: p.integer().primary(), name: p.text() },
  })
  const Book = defineEntity({
    name: 'Book',
    tableName: 'book',
    properties: { id: p.integer().primary(), title: p.text(), authorId: p.integer().fieldName('author_id') },
  })
  const orm = await MikroORM.init({ clientUrl: url, entities: [Author, Book], debug: false })
  if (own !== undefined) withMikroOrm(orm, own)
  const em = () => orm.em.fork()
  return {
    authors: async () => (await em().find(Author, {}, { orderBy: { id: 'asc' } })).map(({ id }) => id),
    author: (id) => em().findOne(Author, { id }),
    books: (authorId) => em().find(Book, { authorId }, { orderBy: { id: 'asc' } }),
    named: (name) => em().find(Author, { name }),
    rename: (id, fails) =>
      em().transactional(async (manager) => {
        await manager.nativeUpdate(Author, { id }, { name: `author ${id}` })
        const renamed = await manager.findOne(Author, { id })
        if (fails) throw new Error('rolled back')
        return renamed
      }),
    refused: (id) => em().getConnection().execute(`SELECT id FROM author WHERE name = ${id}`),
    session: () =>
      em().transactional(async (manager) => {
        await manager.execute("SELECT set_config('app.tenant', 'red', true)")
        return await manager.execute("SELECT current_setting('app.tenant')")
      }),
    close: () => orm.close(),
  }
}

const ORMS: Readonly<Record<string, () => Promise<Orm>>> = { sequelize, 'mikro-orm': mikroOrm }
const orm = await (ORMS[APP_ORM] ?? typeorm)()

async function answer(): Promise<unknown[]> {
  const results: unknown[] = []
  const ids = await orm.authors()
  for (const id of ids) {
    results.push(await orm.author(id)) // the loop
  }
  for (const id of ids) results.push(await orm.books(id))
  results.push(await Promise.all(ids.map((id) => orm.author(id))))
  results.push(await Promise.all(ids.map((id) => orm.named(`author ${id}`))))
  results.push(await Promise.all([7, 8].map((id) => orm.refused(id).catch(({ message }) => message))))
  results.push(await orm.rename(1, false))
  results.push(await orm.rename(2, true).catch(({ message }) => message))
  // Its statements may have changed the schema, which is then unknown for a while.
  if (APP_SESSION === 'yes') results.push(await orm.session())
  return results
}

const inScope = () => own?.run(answer, { name: 'authors' }) ?? answer()
await serve(inScope, { requests: Number(APP_REQUESTS), statements })
await orm.close()
