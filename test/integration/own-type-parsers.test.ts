import { createSluice, memoryStore } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice } from '@sluice/knex'
import knex from 'knex'
import pg from 'pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { type Database, databases } from '../support/databases.ts'

interface Reader {
  read(): Promise<unknown>
  close(): Promise<unknown>
}

const [, postgresql] = databases()
const SQL = 'select mood from people where id = 1'

/** Like in a separate process: Sluice reads the parsers of this process when it is first used. */
const readers: Readonly<
  Record<string, (database: Database, sluice: ReturnType<typeof createSluice>) => Reader>
> = {
  Knex(database, sluice) {
    const db = withSluice(knex(database.knexConfig()), sluice)
    return {
      read: async () => (await db('people').where('id', 1).select('mood'))[0]?.mood,
      close: () => db.destroy(),
    }
  },
  pg(database, sluice) {
    const pool = sluicePool(new pg.Pool({ connectionString: database.url ?? '' }), sluice)
    return { read: async () => (await pool.query(SQL)).rows[0]?.mood, close: () => pool.end() }
  },
}

describe.skipIf(postgresql?.skipped !== undefined)('a user-defined type in PostgreSQL', () => {
  it.each(Object.entries(readers))(
    'is shared among processes that parse it alike: %s',
    async (_name, open) => {
      const database = (await postgresql?.connect()) as Database
      onTestFinished(() => database.drop())
      await database.exec(`create type mood as enum ('happy'); create table people (id int primary key, mood mood);
      insert into people values (1, 'happy')`)
      const [{ oid } = { oid: 0 }] = (await database.query("select 'mood'::regtype::oid::int as oid")) as {
        oid: number
      }[]
      const store = memoryStore()
      const answers: unknown[] = []
      const hits: number[] = []
      const process = async () => {
        const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300, store: store.fork() } })
        const reader = open(database, sluice)
        await reader.read()
        await catalogsRead(sluice)
        await reader.read()
        const before = sluice.queries.getStats().cacheHits
        answers.push(await reader.read())
        hits.push(sluice.queries.getStats().cacheHits - before)
        await reader.close()
        await sluice.close()
      }
      await process()
      const parser = pg.types.getTypeParser(oid)
      onTestFinished(() => pg.types.setTypeParser(oid, parser))
      pg.types.setTypeParser(oid, (text) => text.toUpperCase())
      await process()
      expect(answers).toEqual(['happy', 'HAPPY'])
      expect(hits).toEqual([1, 1])
    },
  )
})

describe.skipIf(postgresql?.skipped !== undefined)('a time without a time zone in PostgreSQL', () => {
  it.each(Object.entries(readers))(
    'is shared among processes in one time zone only: %s',
    async (_name, open) => {
      const database = (await postgresql?.connect()) as Database
      onTestFinished(() => database.drop())
      await database.exec(
        `create table people (id int primary key, mood timestamp); insert into people values (1, '2026-01-01 12:00')`,
      )
      const store = memoryStore()
      const storeHits: number[] = []
      const zone = process.env.TZ
      onTestFinished(() => {
        if (zone === undefined) delete process.env.TZ
        else process.env.TZ = zone
      })
      const inZone = async (name: string) => {
        process.env.TZ = name
        const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300, store: store.fork() } })
        const reader = open(database, sluice)
        await reader.read()
        await catalogsRead(sluice)
        const at = (await reader.read()) as Date
        // The first read may have waited for the catalog.
        storeHits.push(sluice.getResultStats()?.storeHits ?? 0)
        await new Promise((resolve) => setImmediate(resolve))
        await reader.close()
        await sluice.close()
        return at.toISOString()
      }
      const zones = ['Asia/Tokyo', 'Asia/Tokyo', 'UTC', 'UTC']
      const times: string[] = []
      for (const name of zones) times.push(await inZone(name))
      const [tokyo, utc] = ['2026-01-01T03:00:00.000Z', '2026-01-01T12:00:00.000Z']
      expect(times).toEqual([tokyo, tokyo, utc, utc])
      expect(storeHits).toEqual([0, 1, 0, 1])
    },
  )
})

/** Functions with the same source, which refer to different variables. */
const typesWith = (prefix: string) => ({
  getTypeParser: (oid: number) => (oid === pg.types.builtins.INT4 ? Number : (text: string) => prefix + text),
})

describe.skipIf(postgresql?.skipped !== undefined)('options of a query of pg on a pool for Drizzle', () => {
  async function setUp() {
    const database = (await postgresql?.connect()) as Database
    onTestFinished(() => database.drop())
    await database.exec(
      "create table people (id int primary key, name text); insert into people values (1, 'Ann')",
    )
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const pool = withSluiceDrizzle(new pg.Pool({ connectionString: database.url ?? '' }), sluice)
    onTestFinished(async () => {
      await pool.end()
      await sluice.close()
    })
    const read = async (options: object) => {
      const query: pg.QueryConfig = { text: 'select id, name from people where id = $1', values: [1] }
      return (await pool.query({ ...query, ...options })).rows
    }
    await read({})
    await catalogsRead(sluice)
    await read({})
    return { sluice, read }
  }

  it('select results of type parsers that refer to other variables', async () => {
    const { sluice, read } = await setUp()
    const hits = () => sluice.queries.getStats().cacheHits
    for (const prefix of ['a ', 'b ', 'a ', 'b '])
      expect(await read({ types: typesWith(prefix) })).toEqual([{ id: 1, name: `${prefix}Ann` }])
    const before = hits()
    await read({})
    expect(hits()).toBe(before + 1)
  })

  it('select results in the binary form', async () => {
    const { read } = await setUp()
    const types = { getTypeParser: (_oid: number, format: string) => () => format }
    expect(await read({ types })).toEqual([{ id: 'text', name: 'text' }])
    expect(await read({ types, binary: true })).toEqual([{ id: 'binary', name: 'binary' }])
  })
})
