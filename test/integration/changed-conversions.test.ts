import { createSluice, memoryStore, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice } from '@sluice/knex'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, numeric, pgTable } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Kysely as Kysely028, PostgresDialect as PostgresDialect028 } from 'kysely028'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'

const { NUMERIC } = pg.types.builtins
const [, postgresql, mariadb] = databases()

interface Reader {
  read(): Promise<unknown>
  /** Changes how the driver converts a price, so that it starts with a letter. */
  change(): void
  close(): Promise<unknown>
}

type Open = (database: Database, sluice: Sluice) => Reader

const SQL = 'select price from prices where id = 1'
const prices = pgTable('prices', { id: integer().primaryKey(), price: numeric() })
const lettered = (letter: string) => (text: string) => letter + text

function poolOf(database: Database, options: pg.PoolConfig = {}): pg.Pool {
  // The database is dropped while connections are being closed.
  return new pg.Pool({ connectionString: database.url ?? '', ...options }).on('error', () => {})
}

function changeDriver(): void {
  const usual = pg.types.getTypeParser(NUMERIC)
  onTestFinished(() => pg.types.setTypeParser(NUMERIC, usual))
  pg.types.setTypeParser(NUMERIC, lettered('a'))
}

interface Prices {
  readonly prices: { readonly id: number; readonly price: string }
}

function openKysely(open: (pool: pg.Pool, sluice: Sluice) => Kysely<Prices>, changesClients: boolean): Open {
  return (database, sluice) => {
    const clients: pg.PoolClient[] = []
    const pool = poolOf(database, { max: changesClients ? 1 : 2 })
    pool.on('connect', (client) => clients.push(client))
    const db = open(pool, sluice)
    const read = async () =>
      (await db.selectFrom('prices').select('price').where('id', '=', 1).executeTakeFirst())?.price
    const change = () => {
      if (!changesClients) return changeDriver()
      for (const client of clients) client.setTypeParser(NUMERIC, lettered('a'))
    }
    return { read, change, close: () => db.destroy() }
  }
}

const kysely029 = (pool: pg.Pool, sluice: Sluice) =>
  new Kysely<Prices>({ dialect: withSluiceKysely(new PostgresDialect({ pool }), sluice) })
const kysely028 = (pool: pg.Pool, sluice: Sluice) =>
  new Kysely028<Prices>({
    dialect: withSluiceKysely(new PostgresDialect028({ pool }) as never, sluice) as never,
  }) as unknown as Kysely<Prices>

const readers: Readonly<Record<string, Open>> = {
  'Kysely 0.29, in the driver': openKysely(kysely029, false),
  'Kysely 0.29, on its only client': openKysely(kysely029, true),
  'Kysely 0.28, in the driver': openKysely(kysely028, false),
  'Kysely 0.28, on its only client': openKysely(kysely028, true),
  'pg, in the driver': (database, sluice) => {
    const pool = sluicePool(poolOf(database), sluice)
    const read = async () => (await pool.query(SQL)).rows[0]?.price
    return { read, change: changeDriver, close: () => pool.end() }
  },
  'pg, on its only client': (database, sluice) => {
    const bare = poolOf(database, { max: 1 })
    const clients: pg.PoolClient[] = []
    bare.on('connect', (client) => clients.push(client))
    const pool = sluicePool(bare, sluice)
    const change = () => {
      for (const client of clients) client.setTypeParser(NUMERIC, lettered('a'))
    }
    return { read: async () => (await pool.query(SQL)).rows[0]?.price, change, close: () => pool.end() }
  },
  Drizzle: (database, sluice) => {
    const pool = withSluiceDrizzle(poolOf(database), sluice)
    const db = drizzle({ client: pool })
    const read = async () => (await db.select().from(prices).where(eq(prices.id, 1)))[0]?.price
    return { read, change: changeDriver, close: () => pool.end() }
  },
  'Knex, in the driver': (database, sluice) => {
    const db = withSluice(knex(database.knexConfig()), sluice)
    const read = async () => (await db('prices').where('id', 1).select('price'))[0]?.price
    return { read, change: changeDriver, close: () => db.destroy() }
  },
  'Knex, on its only connection': (database, sluice) => {
    const connections: pg.Client[] = []
    const afterCreate = (connection: pg.Client, done: (error: unknown, connection: pg.Client) => void) => {
      connections.push(connection)
      done(undefined, connection)
    }
    const db = withSluice(knex({ ...database.knexConfig(), pool: { min: 1, max: 1, afterCreate } }), sluice)
    const read = async () => (await db('prices').where('id', 1).select('price'))[0]?.price
    const change = () => {
      for (const connection of connections) connection.setTypeParser(NUMERIC, lettered('a'))
    }
    return { read, change, close: () => db.destroy() }
  },
}

async function withPrices(database: Database): Promise<Database> {
  onTestFinished(() => database.drop())
  await database.exec('create table prices (id int primary key, price numeric(6, 2))')
  await database.exec('insert into prices values (1, 1.5)')
  return database
}

describe.skipIf(postgresql?.skipped !== undefined)(
  'a type parser of PostgreSQL that changes at run time',
  () => {
    it.each(Object.entries(readers))('converts later reads: %s', async (_name, open) => {
      const database = await withPrices((await postgresql?.connect()) as Database)
      const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
      const reader = open(database, sluice)
      onTestFinished(async () => void (await Promise.all([reader.close(), sluice.close()])))
      await reader.read()
      await catalogsRead(sluice)
      await reader.read()
      expect(await reader.read()).toBe('1.50')
      expect(sluice.queries.getStats().cacheHits).toBeGreaterThan(0)
      reader.change()
      expect(await reader.read()).toBe('a1.50')
      expect(await reader.read()).toBe('a1.50')
    })

    it.each([
      'pg, in the driver',
      'Knex, in the driver',
      'Kysely 0.29, in the driver',
      'Kysely 0.28, in the driver',
    ])('is not shared with processes whose parser has the same source and differs: %s', async (name) => {
      const open = readers[name] as Open
      const database = await withPrices((await postgresql?.connect()) as Database)
      const store = memoryStore()
      const usual = pg.types.getTypeParser(NUMERIC)
      onTestFinished(() => pg.types.setTypeParser(NUMERIC, usual))
      const answers: unknown[] = []
      for (const letter of ['a', 'b']) {
        pg.types.setTypeParser(NUMERIC, lettered(letter))
        const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300, store: store.fork() } })
        const reader = open(database, sluice)
        await reader.read()
        await catalogsRead(sluice)
        await reader.read()
        answers.push(await reader.read())
        await reader.close()
        await sluice.close()
      }
      expect(answers).toEqual(['a1.50', 'b1.50'])
    })
  },
)

describe.skipIf(postgresql?.skipped !== undefined)('a shared store of Kysely', () => {
  /** Reads in two processes, each with its parser of the driver. */
  async function inTwoProcesses(parsers: readonly ((text: string) => unknown)[], column: string) {
    const database = await withPrices((await postgresql?.connect()) as Database)
    await database.exec("create type mood as enum ('calm')")
    await database.exec("alter table prices add mood mood default 'calm', add half numeric default 2.5")
    const store = memoryStore()
    const usual = pg.types.getTypeParser(NUMERIC)
    onTestFinished(() => pg.types.setTypeParser(NUMERIC, usual))
    const answers: unknown[] = []
    let hits = 0
    for (const parser of parsers) {
      pg.types.setTypeParser(NUMERIC, parser)
      const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300, store: store.fork() } })
      const db = kysely029(poolOf(database), sluice)
      const read = async (name: string) =>
        (await sql<{ value: unknown }>`select ${sql.raw(name)} as value from prices`.execute(db)).rows[0]
          ?.value
      await read('id')
      await catalogsRead(sluice)
      hits = sluice.queries.getStats().cacheHits
      // The first result of another process is discarded, because it does not show the form of results.
      await read(column)
      answers.push(await read(column))
      hits = sluice.queries.getStats().cacheHits - hits
      await db.destroy()
      await sluice.close()
    }
    return { answers, hits }
  }

  it('shares results between processes with equal parsers, also with an enum', async () => {
    const parser = pg.types.getTypeParser(NUMERIC) as (text: string) => unknown
    const { answers, hits } = await inTwoProcesses([parser, parser], 'mood')
    expect(answers).toEqual(['calm', 'calm'])
    expect(hits).toBe(2)
  })

  it('shares nothing between parsers that differ for some values', async () => {
    const unless = (digit: string) => (text: string) => (text === '1.50' ? text : digit + text)
    const { answers } = await inTwoProcesses([unless('1'), unless('3')], 'half')
    expect(answers).toEqual(['12.5', '32.5'])
  })
})

describe.skipIf(postgresql?.skipped !== undefined)('a date as a value of a query of pg', () => {
  it('is sent as the driver sends it at that moment', async () => {
    const database = (await postgresql?.connect()) as Database
    onTestFinished(() => database.drop())
    await database.exec('create table moments (id int primary key, at timestamp)')
    await database.exec("insert into moments values (1, '2026-01-01 12:00')")
    const zone = process.env.TZ
    process.env.TZ = 'Asia/Tokyo'
    onTestFinished(() => {
      pg.defaults.parseInputDatesAsUTC = false
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    })
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const pool = sluicePool(poolOf(database), sluice)
    const db = withSluice(knex(database.knexConfig()), sluice)
    onTestFinished(async () => void (await Promise.all([pool.end(), db.destroy(), sluice.close()])))
    const at = new Date('2026-01-01T03:00:00Z')
    const kysely = [kysely028, kysely029].map((open) => open(poolOf(database), sluice))
    onTestFinished(async () => void (await Promise.all(kysely.map((one) => one.destroy()))))
    const reads = [
      ...kysely.map((one) => async () => {
        const { rows } = await sql`select id from moments where at = ${at}`.execute(one)
        return rows.length
      }),
      async () => (await pool.query('select id from moments where at = $1', [at])).rows.length,
      async () => (await db('moments').where('at', at).select('id')).length,
    ]
    for (const read of reads) {
      pg.defaults.parseInputDatesAsUTC = false
      await read()
      await catalogsRead(sluice)
      await read()
      expect(await read()).toBe(1)
      pg.defaults.parseInputDatesAsUTC = true
      expect(await read()).toBe(0)
    }
    expect(sluice.queries.getStats().cacheHits).toBeGreaterThan(0)
  })
})

describe.skipIf(mariadb?.skipped !== undefined)('an option of mysql2 that changes at run time', () => {
  it('converts later reads of a pool', async () => {
    const database = await withPrices((await mariadb?.connect()) as Database)
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const bare = mysql.createPool({ uri: database.url ?? '', connectionLimit: 1 })
    const pool = sluiceMysql2Pool(bare, sluice)
    onTestFinished(async () => void (await Promise.all([pool.end(), sluice.close()])))
    const read = async () => ((await pool.query(SQL))[0] as { price: unknown }[])[0]?.price
    await read()
    await catalogsRead(sluice)
    await read()
    expect(await read()).toBe('1.50')
    expect(sluice.queries.getStats().cacheHits).toBeGreaterThan(0)
    const connection = await bare.getConnection()
    connection.config.decimalNumbers = true
    connection.release()
    expect(await read()).toBe(1.5)
    expect(sluice.queries.getStats().passedThrough['cache:UNSUPPORTED_OPTIONS']).toBeGreaterThan(0)
  })
})

describe('the columns of a result', () => {
  it.skipIf(postgresql?.skipped !== undefined)('belong to each caller of pg', async () => {
    const database = await withPrices((await postgresql?.connect()) as Database)
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const pool = sluicePool(poolOf(database), sluice)
    onTestFinished(async () => void (await Promise.all([pool.end(), sluice.close()])))
    await pool.query(SQL)
    await catalogsRead(sluice)
    for (let turn = 0; turn < 4; turn += 1) {
      const results = await Promise.all([pool.query(SQL), pool.query(SQL)])
      for (const { fields } of results) {
        expect(fields.map(({ name }) => name)).toEqual(['price'])
        const [field] = fields
        if (field !== undefined) field.name = 'changed'
        fields.pop()
      }
    }
    expect(sluice.queries.getStats().cacheHits).toBeGreaterThan(0)
  })

  it.skipIf(mariadb?.skipped !== undefined)('belong to each caller of mysql2', async () => {
    const database = await withPrices((await mariadb?.connect()) as Database)
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const pool = sluiceMysql2Pool(mysql.createPool({ uri: database.url ?? '' }), sluice)
    onTestFinished(async () => void (await Promise.all([pool.end(), sluice.close()])))
    await pool.query(SQL)
    await catalogsRead(sluice)
    for (let turn = 0; turn < 4; turn += 1) {
      const results = await Promise.all([pool.query(SQL), pool.query(SQL)])
      for (const [, fields] of results) {
        expect(fields.map(({ name, table }) => [name, table])).toEqual([['price', 'prices']])
        const [field] = fields
        if (field !== undefined) field.name = 'changed'
        fields.pop()
      }
    }
    expect(sluice.queries.getStats().cacheHits).toBeGreaterThan(0)
  })
})
