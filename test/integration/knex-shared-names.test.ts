import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterEach, describe, expect, it } from 'vitest'
import { memoryStore } from '../../packages/core/src/cache/stores/memory-store.ts'
import type { Database } from '../support/database.ts'
import { freshDatabase, knexDatabases } from '../support/databases.ts'

const TIMESTAMP = 1114

/** By dialect, settings that make a driver return different values. */
const ways: Readonly<Record<string, object>> = {
  mysql: { timezone: '+05:00' },
  postgresql: {
    types: { getTypeParser: (type: number) => (text: string) => (type === TIMESTAMP ? `own ${text}` : text) },
  },
  sqlite: { options: { safeIntegers: true } },
}

describe.each(knexDatabases())('Knex instances with one store on $name', ({ dialect, client, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    const cleanups: (() => unknown)[] = []
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    })

    async function setUp() {
      const database = await freshDatabase(dialect, client)
      cleanups.push(() => database.drop())
      await database.exec('create table moments (id integer primary key, at timestamp)')
      await database.exec("insert into moments values (1, '2026-01-01 00:00:00')")
      const store = memoryStore()
      return { database, start: (settings?: object) => start(database, store.fork(), settings) }
    }

    async function start(database: Database, store: ReturnType<typeof memoryStore>, settings: object = {}) {
      const config = database.knexConfig()
      const sluice = createSluice({ mode: 'optimize', cache: { ttl: 60, store } })
      const db = withSluice(
        knex({ ...config, connection: { ...addressOf(config, dialect), ...settings } }),
        sluice,
      )
      const bare = knex({ ...config, connection: { ...addressOf(config, dialect), ...settings } })
      cleanups.push(() => Promise.all([sluice.close(), db.destroy(), bare.destroy()]))
      // The catalog is read with the first statement.
      await db('moments').limit(1)
      for (let turn = 0; turn < 200 && sluice.getResultStats()?.loads === 0; turn += 1) {
        await db('moments').where({ id: turn + 2 })
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return {
        sluice,
        read: () => db('moments').where({ id: 1 }),
        bare: () => bare('moments').where({ id: 1 }),
      }
    }

    it('share results if their drivers have the same settings', async () => {
      const { start } = await setUp()
      const [first, second] = [await start(), await start()]
      const answer = await first.read()
      await new Promise((resolve) => setImmediate(resolve))
      const hits = () => second.sluice.getResultStats()?.storeHits ?? 0
      const before = hits()
      expect(await second.read()).toEqual(answer)
      // A store cannot contain the class that rows of `mysql` have.
      expect(hits()).toBe(client === 'mysql' ? before : before + 1)
    })

    it('have separate results if their driver settings differ', async () => {
      const { start } = await setUp()
      const [first, second] = [await start(), await start(ways[dialect])]
      await first.read()
      await new Promise((resolve) => setImmediate(resolve))
      expect(await second.read()).toEqual(await second.bare())
      expect(second.sluice.getResultStats()?.storeHits).toBe(0)
    })
  })
})

/** A connection's settings as an object, to which others can be added. */
function addressOf({ connection }: Knex.Config, dialect: string): object {
  if (typeof connection !== 'string') return connection as object
  if (dialect !== 'mysql') return { connectionString: connection }
  const { hostname: host, port, username: user, password, pathname } = new URL(connection)
  return { host, port: Number(port), user, password, database: pathname.slice(1) }
}
