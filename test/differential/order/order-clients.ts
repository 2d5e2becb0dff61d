import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import { PrismaMariaDb } from '@prisma/adapter-mariadb'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Dialect, Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice as withDrizzle } from '@sluice/drizzle'
import { withSluice as withKnex } from '@sluice/knex'
import { withSluice as withKysely } from '@sluice/kysely'
import { sluiceAdapter, withSluice as withPrisma } from '@sluice/prisma'
import { sql as drizzleSql, eq } from 'drizzle-orm'
import { int, mysqlTable } from 'drizzle-orm/mysql-core'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import createKnex, { type Knex } from 'knex'
import { CompiledQuery, Kysely } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Database } from '../../support/database.ts'
import { type KyselyVersion, kyselyDialect, kyselyVersions } from '../../support/kysely-harness.ts'
import { prismaClient, type TestPrismaClient } from '../../support/prisma-clients.ts'
import type { OrderClient, OrderTarget } from './order-client.ts'

/** Opens a client with a pool of so many connections; without a Sluice, the ORM's own. */
type Open = (database: Database, connections: number, sluice: Sluice | undefined) => Promise<OrderClient>

/** The ways to open a database, by their names. */
export function orderClients(dialect: Dialect): Readonly<Record<string, Open>> {
  const kysely = Object.fromEntries(
    Object.entries(kyselyVersions).map(([name, version]): [string, Open] => [
      `Kysely ${name}`,
      (database, connections, sluice) => openKysely(database, connections, sluice, version),
    ]),
  )
  const common = { Knex: openKnex, ...kysely, 'Kysely raw': openRawKysely, Prisma: openPrisma }
  if (dialect === 'sqlite') return common
  return dialect === 'postgresql'
    ? { ...common, pg: openPg, Drizzle: openDrizzle }
    : { ...common, mysql2: openMysql2, Drizzle: openDrizzle }
}

const first = (rows: readonly unknown[]) => (rows[0] as { readonly views: number }).views
const all = (rows: readonly unknown[]) => rows.map((row) => (row as { readonly views: number }).views)

const openKnex: Open = async (database, connections, sluice) => {
  const config = { ...database.knexConfig() }
  if (database.dialect !== 'sqlite') config.pool = { min: 0, max: connections }
  const db = createKnex(config)
  if (sluice !== undefined) withKnex(db, sluice)
  const target = (on: Knex, connection?: unknown): OrderTarget => {
    const posts = () => {
      const builder = on('posts')
      return connection === undefined ? builder : builder.connection(connection)
    }
    return {
      read: async (id) => first(await posts().select('views').where({ id })),
      list: async () => all(await posts().select('views').orderBy('id')),
      write: async (id, views) => void (await posts().where({ id }).update({ views })),
      add: async (id) => void (await posts().where({ id }).increment('views')),
    }
  }
  return {
    ...target(db),
    transaction: (work) => db.transaction((trx) => work(target(trx))),
    async reserve(work) {
      const connection: unknown = await db.client.acquireConnection()
      try {
        await work(target(db, connection))
      } finally {
        await db.client.releaseConnection(connection)
      }
    },
    close: () => db.destroy(),
  }
}

interface Tables {
  posts: { id: number; views: number }
}

export async function openKysely(
  database: Database,
  connections: number,
  sluice: Sluice | undefined,
  version: KyselyVersion,
): Promise<OrderClient> {
  const dialect = kyselyDialect(database, version, connections)
  const db = new version.Kysely<Tables>({
    dialect: sluice === undefined ? dialect : withKysely(dialect, sluice),
  })
  const target = (on: Kysely<Tables>): OrderTarget => ({
    read: async (id) => first(await on.selectFrom('posts').select('views').where('id', '=', id).execute()),
    list: async () => all(await on.selectFrom('posts').select('views').orderBy('id').execute()),
    write: async (id, views) =>
      void (await on.updateTable('posts').set({ views }).where('id', '=', id).execute()),
    add: async (id) =>
      void (await on
        .updateTable('posts')
        .set((eb) => ({ views: eb('views', '+', 1) }))
        .where('id', '=', id)
        .execute()),
  })
  return {
    ...target(db),
    transaction: (work) => db.transaction().execute((trx) => work(target(trx))),
    reserve: (work) => db.connection().execute((one) => work(target(one))),
    close: () => db.destroy(),
  }
}

/** Executes queries that Kysely does not compile. */
const openRawKysely: Open = async (database, connections, sluice) => {
  const dialect = kyselyDialect(database, kyselyVersions['0.29'], connections)
  const db = new Kysely<Tables>({ dialect: sluice === undefined ? dialect : withKysely(dialect, sluice) })
  const run = async (on: Kysely<Tables>, text: string, values: readonly number[]) => {
    let number = 0
    const sent = database.dialect === 'postgresql' ? text.replace(/\?/g, () => `$${++number}`) : text
    return (await on.executeQuery(CompiledQuery.raw(sent, [...values]))).rows
  }
  const target = (on: Kysely<Tables>): OrderTarget => ({
    read: async (id) => first(await run(on, 'select views from posts where id = ?', [id])),
    list: async () => all(await run(on, 'select views from posts order by id', [])),
    write: async (id, views) => void (await run(on, 'update posts set views = ? where id = ?', [views, id])),
    add: async (id) => void (await run(on, 'update posts set views = views + 1 where id = ?', [id])),
  })
  return {
    ...target(db),
    transaction: (work) => db.transaction().execute((trx) => work(target(trx))),
    reserve: (work) => db.connection().execute((one) => work(target(one))),
    close: () => db.destroy(),
  }
}

const openPg: Open = async ({ url }, connections, sluice) => {
  const bare = new pg.Pool({ connectionString: url, max: connections })
  bare.on('error', () => {})
  const pool = sluice === undefined ? bare : sluicePool(bare, sluice)
  const target = (on: pg.Pool | pg.PoolClient): OrderTarget => ({
    read: async (id) => first((await on.query('select views from posts where id = $1', [id])).rows),
    list: async () => all((await on.query('select views from posts order by id')).rows),
    write: async (id, views) =>
      void (await on.query('update posts set views = $1 where id = $2', [views, id])),
    add: async (id) => void (await on.query('update posts set views = views + 1 where id = $1', [id])),
  })
  const reserve = async (work: (target: OrderTarget) => Promise<void>, begins: boolean) => {
    const client = await pool.connect()
    try {
      if (begins) await client.query('begin')
      await work(target(client))
      if (begins) await client.query('commit')
    } catch (error) {
      if (begins) await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
  return {
    ...target(pool),
    transaction: (work) => reserve(work, true),
    reserve: (work) => reserve(work, false),
    close: () => pool.end(),
  }
}

const openMysql2: Open = async ({ url }, connections, sluice) => {
  const bare = mysql.createPool({ uri: url, connectionLimit: connections })
  const pool = sluice === undefined ? bare : sluiceMysql2Pool(bare, sluice)
  const target = (on: mysql.Pool | mysql.PoolConnection): OrderTarget => {
    const rows = async (sql: string, values: readonly number[]) =>
      (await on.query(sql, [...values]))[0] as unknown[]
    return {
      read: async (id) => first(await rows('select views from posts where id = ?', [id])),
      list: async () => all(await rows('select views from posts order by id', [])),
      write: async (id, views) => void (await rows('update posts set views = ? where id = ?', [views, id])),
      add: async (id) => void (await rows('update posts set views = views + 1 where id = ?', [id])),
    }
  }
  const reserve = async (work: (target: OrderTarget) => Promise<void>, begins: boolean) => {
    const connection = await pool.getConnection()
    try {
      if (begins) await connection.beginTransaction()
      await work(target(connection))
      if (begins) await connection.commit()
    } catch (error) {
      if (begins) await connection.rollback()
      throw error
    } finally {
      connection.release()
    }
  }
  return {
    ...target(pool),
    transaction: (work) => reserve(work, true),
    reserve: (work) => reserve(work, false),
    close: () => pool.end(),
  }
}

const postgresPosts = pgTable('posts', { id: integer().primaryKey(), views: integer() })

/** The types are those of PostgreSQL, for one client for both databases. */
const mysqlPosts = mysqlTable('posts', {
  id: int().primaryKey(),
  views: int(),
}) as unknown as typeof postgresPosts

const openDrizzle: Open = async ({ url, dialect }, connections, sluice) => {
  const instrumented = <T extends object>(pool: T): T =>
    sluice === undefined ? pool : withDrizzle(pool, sluice)
  const isMysql = dialect === 'mysql'
  const posts = isMysql ? mysqlPosts : postgresPosts
  const pool = isMysql
    ? instrumented(mysql.createPool({ uri: url, connectionLimit: connections }))
    : instrumented(new pg.Pool({ connectionString: url, max: connections }).on('error', () => {}))
  type Db = ReturnType<typeof drizzlePg>
  const db = (isMysql
    ? drizzleMysql({ client: pool as mysql.Pool })
    : drizzlePg({ client: pool as pg.Pool })) as unknown as Db
  const target = (on: Pick<Db, 'select' | 'update'>): OrderTarget => {
    const views = { views: posts.views }
    return {
      read: async (id) => first(await on.select(views).from(posts).where(eq(posts.id, id))),
      list: async () => all(await on.select(views).from(posts).orderBy(posts.id)),
      write: async (id, value) => void (await on.update(posts).set({ views: value }).where(eq(posts.id, id))),
      add: async (id) =>
        void (await on
          .update(posts)
          .set({ views: drizzleSql`${posts.views} + 1` })
          .where(eq(posts.id, id))),
    }
  }
  return {
    ...target(db),
    transaction: (work) => db.transaction((tx) => work(target(tx))),
    close: () => pool.end(),
  }
}

const openPrisma: Open = async (database, connections, sluice) => {
  const { dialect, filename, url } = database
  const { PrismaClient } = await prismaClient(dialect, database)
  const { hostname: host, port, username: user, password, pathname } = new URL(url)
  const adapter =
    dialect === 'sqlite'
      ? new PrismaBetterSqlite3({ url: `file:${filename}` })
      : dialect === 'postgresql'
        ? new PrismaPg({ connectionString: url, max: connections })
        : new PrismaMariaDb({
            host,
            port: Number(port),
            user,
            password,
            database: pathname.slice(1),
            connectionLimit: connections,
          })
  const client = new PrismaClient({
    adapter: sluice === undefined ? adapter : sluiceAdapter(adapter, sluice),
  } as never)
  const db = (sluice === undefined
    ? client
    : client.$extends(withPrisma(sluice))) as unknown as TestPrismaClient
  const target = (on: Pick<TestPrismaClient, 'post'>): OrderTarget => ({
    read: async (id) => first([await on.post.findUnique({ where: { id }, select: { views: true } })]),
    list: async () => all(await on.post.findMany({ select: { views: true }, orderBy: { id: 'asc' } })),
    write: async (id, views) => void (await on.post.updateMany({ where: { id }, data: { views } })),
    add: async (id) => void (await on.post.updateMany({ where: { id }, data: { views: { increment: 1 } } })),
  })
  return {
    ...target(db),
    transaction: (work) => db.$transaction((tx) => work(target(tx)), { maxWait: 20_000, timeout: 20_000 }),
    close: () => client.$disconnect(),
  }
}
