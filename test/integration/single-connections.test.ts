import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { DrizzleQueryError, eq } from 'drizzle-orm'
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core'
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { Kysely, MysqlDialect } from 'kysely'
import mysql from 'mysql2'
import promised from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { warningsOf } from '../support/warnings.ts'

const [, postgresql, mariadb] = databases()

async function setUp(kind = mariadb) {
  const database = (await kind?.connect()) as Database
  const sluice = createSluice({ mode: 'optimize' })
  onTestFinished(async () => {
    await sluice.close()
    await database.drop()
  })
  await database.exec(
    "create table cities (id int primary key, name varchar(20)); insert into cities values (1, 'Lyon')",
  )
  return { database, sluice }
}

describe('a single connection', () => {
  const warning = (name: string) =>
    expect.stringMatching(new RegExp(`this client is a ${name}\\. .* pass a pool instead`))

  it.skipIf(mariadb?.skipped !== undefined)('of mysql2 passes through Drizzle, with a warning', async () => {
    const { database, sluice } = await setUp()
    const cities = mysqlTable('cities', { id: int().primaryKey(), name: varchar({ length: 20 }) })
    const connection = await promised.createConnection(database.url)
    onTestFinished(() => connection.end())
    const withCallbacks = mysql.createConnection(database.url)
    onTestFinished(() => new Promise<void>((done) => withCallbacks.end(() => done())))
    const warnings = await warningsOf(async () => {
      expect(withSluice(connection, sluice)).toBe(connection)
      expect(withSluice(withCallbacks, sluice)).toBe(withCallbacks)
      const db = drizzleMysql({ client: withSluice(connection, sluice) })
      expect(await db.select().from(cities).where(eq(cities.id, 1))).toEqual([{ id: 1, name: 'Lyon' }])
    })
    expect(warnings).toEqual([warning('PromiseConnection'), warning('Connection')])
  })

  it.skipIf(postgresql?.skipped !== undefined)('of pg passes through Drizzle, with a warning', async () => {
    const { database, sluice } = await setUp(postgresql)
    const cities = pgTable('cities', { id: integer().primaryKey(), name: text() })
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    onTestFinished(() => client.end())
    const warnings = await warningsOf(async () => {
      const db = drizzle({ client: withSluice(client, sluice) })
      expect(await db.select().from(cities).where(eq(cities.id, 1))).toEqual([{ id: 1, name: 'Lyon' }])
    })
    expect(warnings).toEqual([warning('Client')])
  })

  it.skipIf(mariadb?.skipped !== undefined)(
    'of mysql2 is rejected by Kysely, as without Sluice',
    async () => {
      const { database, sluice } = await setUp()
      const connection = mysql.createConnection(database.url)
      const dialect = new MysqlDialect({ pool: connection as unknown as mysql.Pool })
      const errorOf = (used: typeof dialect | ReturnType<typeof withSluiceKysely>) =>
        new Kysely<{ cities: { id: number } }>({ dialect: used })
          .selectFrom('cities')
          .selectAll()
          .execute()
          .then(String, String)
      const bare = await errorOf(dialect)
      expect(bare).toContain('getConnection is not a function')
      expect(await errorOf(withSluiceKysely(dialect, sluice))).toBe(bare)
      await new Promise<void>((done) => connection.end(() => done()))
    },
  )
})

describe('an error of Drizzle', () => {
  it.skipIf(postgresql?.skipped !== undefined)('has the error of the driver as its cause', async () => {
    const { database, sluice } = await setUp(postgresql)
    const missing = pgTable('missing', { id: integer().primaryKey() })
    const pool = new pg.Pool({ connectionString: database.url })
    onTestFinished(() => pool.end())
    for (const client of [pool, withSluice(pool, sluice)]) {
      const error = await drizzle({ client })
        .select()
        .from(missing)
        .where(eq(missing.id, 7))
        .then(
          () => undefined,
          (thrown: unknown) => thrown,
        )
      expect(error).toBeInstanceOf(DrizzleQueryError)
      expect(error).toMatchObject({ params: [7], cause: { code: '42P01' } })
    }
  })
})
