import { createSluice, type Sluice } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import { withSluice } from '@sluice/drizzle'
import { eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, databases, freshDatabase } from '../support/databases.ts'

const postgres = databases().find(({ dialect }) => dialect === 'postgresql')
const READ = 'SELECT name FROM things WHERE id = $1'
const things = pgTable('things', { id: integer().primaryKey(), name: text().notNull() })

describe.skipIf(postgres?.skipped !== undefined)('reads of transactions of `pg`', () => {
  let database: Database
  let bare: pg.Pool
  let raw: pg.Pool
  let pool: pg.Pool
  let sluice: Sluice
  const sent: string[] = []
  beforeAll(async () => {
    database = await freshDatabase('postgresql')
    const { connection } = database.knexConfig()
    const options = (
      typeof connection === 'string' ? { connectionString: connection } : connection
    ) as pg.PoolConfig
    await database.exec(`CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL);
      INSERT INTO things SELECT i, 'Thing ' || i FROM generate_series(1, 9) i`)
    bare = new pg.Pool(options)
    raw = new pg.Pool(options)
    raw.on('connect', (client) => {
      const { query } = client
      client.query = (...args: unknown[]) => {
        const [config] = args
        sent.push(typeof config === 'string' ? config : String((config as { readonly text: unknown }).text))
        return query.apply(client, args as never) as never
      }
    })
    sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 }, schemaCheckMs: 10_000 })
    pool = sluicePool(raw, sluice)
    for (let turns = 0; turns < 1000 && sluice.queries.getStats().cacheHits === 0; turns += 1) {
      await pool.query(READ, [9])
      await new Promise((resolve) => setImmediate(resolve))
    }
    // From now on, results of BEGIN, COMMIT and ROLLBACK are known.
    await transaction((client) => client.query('SELECT 1'))
    await transaction((client) => client.query('SELECT 1'), 'ROLLBACK')
  })
  beforeEach(async () => {
    await pool.query(`UPDATE things SET name = 'Thing 1' WHERE id = 1`)
    for (const id of [1, 2]) await pool.query(READ, [id])
    sent.splice(0)
  })
  afterAll(async () => {
    await sluice.close()
    await Promise.all([bare.end(), pool.end()])
    await database.drop()
  })

  async function transaction<T>(
    run: (client: pg.PoolClient) => Promise<T>,
    end = 'COMMIT',
    begin = 'BEGIN',
  ): Promise<T> {
    const client = await pool.connect()
    try {
      await client.query(begin)
      const result = await run(client)
      await client.query(end)
      return result
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
  const nameOf = async (client: Pick<pg.PoolClient, 'query'>, id: number): Promise<string> =>
    (await client.query(READ, [id])).rows[0].name
  const write = (client: Pick<pg.PoolClient, 'query'>) =>
    client.query(`UPDATE things SET name = 'Written' WHERE id = 1`)

  it('are served from the cache, without BEGIN and COMMIT', async () => {
    const bareResult = await bare.query(READ, [1])
    const [result, ...begin] = await transaction(async (client) => {
      const served = await client.query(READ, [1])
      return [served, await nameOf(client, 2)] as const
    })
    expect(begin).toEqual(['Thing 2'])
    expect(result.rows).toEqual(bareResult.rows)
    expect(result.fields.map(({ name, dataTypeID }) => [name, dataTypeID])).toEqual(
      bareResult.fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
    )
    expect(sent).toEqual([])
  })

  it('return the results of BEGIN and COMMIT that the driver returns', async () => {
    const client = await pool.connect()
    const found = [await client.query('BEGIN'), await client.query('COMMIT')]
    client.release()
    const bareClient = await bare.connect()
    const expected = [await bareClient.query('BEGIN'), await bareClient.query('COMMIT')]
    bareClient.release()
    expect(sent).toEqual([])
    expect(JSON.stringify(found)).toBe(JSON.stringify(expected))
    expect(found[0]).toBeInstanceOf((pg as unknown as { Result: new () => object }).Result ?? Object)
  })

  it('send BEGIN with the first one that is not cached, and cache its result', async () => {
    await transaction((client) => nameOf(client, 3))
    expect(sent).toEqual(['BEGIN', READ, 'COMMIT'])
    sent.splice(0)
    expect(await nameOf(pool, 3)).toBe('Thing 3')
    expect(sent).toEqual([])
  })

  it('see what their transaction wrote, and reads outside do not', async () => {
    const found = await transaction(async (client) => {
      const before = await nameOf(client, 1)
      const [, during] = await Promise.all([write(client), nameOf(client, 1)])
      return [before, during, await nameOf(client, 1), await nameOf(pool, 1)]
    }, 'ROLLBACK')
    expect(found).toEqual(['Thing 1', 'Written', 'Written', 'Thing 1'])
    expect(await nameOf(pool, 1)).toBe('Thing 1')
  })

  it.each([
    ['a write', (client: pg.PoolClient) => write(client)],
    ['a lock', (client: pg.PoolClient) => client.query('SELECT id FROM things WHERE id = 2 FOR UPDATE')],
    ['a savepoint', (client: pg.PoolClient) => client.query('SAVEPOINT one')],
    ['a level', (client: pg.PoolClient) => client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE')],
  ])('are sent after %s', async (_, spoil) => {
    await transaction(async (client) => {
      await spoil(client)
      sent.splice(0)
      await nameOf(client, 2)
      expect(sent).toEqual([READ])
    }, 'ROLLBACK')
  })

  it.each(['BEGIN ISOLATION LEVEL REPEATABLE READ', 'START TRANSACTION ISOLATION LEVEL SERIALIZABLE'])(
    'are sent after %s',
    async (begin) => {
      await transaction((client) => nameOf(client, 1), 'COMMIT', begin)
      expect(sent).toEqual([begin, READ, 'COMMIT'])
    },
  )

  it('reject in an aborted transaction', async () => {
    const read = transaction(async (client) => {
      await client.query('SELECT 1 / 0').catch(() => {})
      return nameOf(client, 1)
    })
    await expect(read).rejects.toMatchObject({ code: '25P02' })
  })

  it('are answered in the order of their calls', async () => {
    const order: string[] = []
    const noted = (name: string, read: Promise<unknown>) => read.then(() => order.push(name))
    await transaction((client) =>
      Promise.all([
        noted('cached', nameOf(client, 1)),
        noted('slow', client.query('SELECT count(*) FROM things a, things b, things c, things d, things e')),
        noted('cached 2', nameOf(client, 2)),
      ]),
    )
    expect(order).toEqual(['cached', 'slow', 'cached 2'])
  })

  it('are served to Drizzle', async () => {
    const db = drizzle({ client: bare })
    const optimized = drizzle({ client: withSluice(raw, sluice) })
    const read = (from: Pick<typeof db, 'select'>) => from.select().from(things).where(eq(things.id, 2))
    // Its catalog is read in the background.
    for (let turns = 0; turns < 1000 && (turns === 0 || sent.length > 0); turns += 1) {
      sent.splice(0)
      await optimized.transaction((tx) => read(tx))
      await new Promise((resolve) => setImmediate(resolve))
    }
    sent.splice(0)
    expect(await optimized.transaction((tx) => read(tx))).toEqual(await read(db))
    expect(sent).toEqual([])
  })
})
