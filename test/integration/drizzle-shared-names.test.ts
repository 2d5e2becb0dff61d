import { createSluice } from '@sluice/core'
import { withSluice } from '@sluice/drizzle'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, numeric, pgTable } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../packages/core/src/cache/stores/memory-store.ts'
import { databases } from '../support/databases.ts'
import { TEST_MS } from '../support/patience.ts'

const prices = pgTable('prices', { id: integer().primaryKey(), price: numeric() })
const { NUMERIC } = pg.types.builtins

const postgresql = databases().find(({ dialect }) => dialect === 'postgresql')

describe.skipIf(postgresql?.skipped !== undefined)('databases of Drizzle with one store', () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function setUp() {
    const database = await postgresql?.connect()
    if (database === undefined) throw new Error('Expected PostgreSQL.')
    cleanups.push(() => database.drop())
    await database.exec('create table prices (id integer primary key, price numeric)')
    await database.exec('insert into prices values (1, 1.50)')
    const store = memoryStore()
    return () => start(database.url, store.fork())
  }

  /** Drizzle with Sluice, which caches. */
  async function start(connectionString: string, store: ReturnType<typeof memoryStore>) {
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 60, store } })
    const pool = new pg.Pool({ connectionString })
    pool.on('error', () => {})
    const db = drizzle({ client: withSluice(pool, sluice) })
    cleanups.push(() => Promise.all([sluice.close(), pool.end()]))
    const read = (id: number) => db.select().from(prices).where(eq(prices.id, id))
    let id = 1
    await vi.waitUntil(async () => {
      id += 1
      await read(id)
      return (sluice.getResultStats()?.loads ?? 0) > 0
    }, TEST_MS)
    return { sluice, read: () => read(1) }
  }

  it('share results if they parse types in the same way', { timeout: TEST_MS }, async () => {
    const open = await setUp()
    const [first, second] = [await open(), await open()]
    const rows = await first.read()
    await new Promise((resolve) => setImmediate(resolve))
    const hits = () => second.sluice.getResultStats()?.storeHits ?? 0
    const before = hits()
    expect(await second.read()).toEqual(rows)
    expect(hits()).toBe(before + 1)
  })

  it('have separate results if the driver parses a type differently', { timeout: TEST_MS }, async () => {
    const open = await setUp()
    const first = await open()
    await first.read()
    await new Promise((resolve) => setImmediate(resolve))
    const usual = pg.types.getTypeParser(NUMERIC)
    cleanups.push(() => pg.types.setTypeParser(NUMERIC, usual))
    pg.types.setTypeParser(NUMERIC, (text) => `own ${text}`)
    const second = await open()
    expect(await second.read()).toEqual([{ id: 1, price: 'own 1.50' }])
    expect(second.sluice.getResultStats()?.storeHits).toBe(0)
  })
})
