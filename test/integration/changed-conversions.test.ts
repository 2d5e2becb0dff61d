import { createSluice, memoryStore, type Sluice } from '@sluice/core'
import { sluiceMysql2Pool, sluicePool } from '@sluice/core/adapter'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice } from '@sluice/knex'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, numeric, pgTable } from 'drizzle-orm/pg-core'
import knex from 'knex'
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

const readers: Readonly<Record<string, Open>> = {
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

    it.each(['pg, in the driver', 'Knex, in the driver'])(
      'is not shared with processes whose parser has the same source and differs: %s',
      async (name) => {
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
      },
    )
  },
)

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
    const reads = [
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
    expect(sluice.queries.getStats().cacheHits).toBe(1)
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
