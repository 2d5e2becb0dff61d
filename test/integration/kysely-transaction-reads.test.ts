import { createSluice, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/kysely'
import { Kysely, PostgresDialect, sql } from 'kysely'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Database, databases, freshDatabase } from '../support/databases.ts'
import { watchedPool } from '../support/watched-pool.ts'

interface Tables {
  things: { id: number; name: string }
}

const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

describe.skipIf(postgres?.skipped !== undefined)('reads of Kysely transactions', () => {
  let database: Database
  let pool: pg.Pool
  let db: Kysely<Tables>
  let sluice: Sluice
  /** The client that was acquired last. */
  let client: pg.PoolClient
  const sent: string[] = []
  beforeAll(async () => {
    database = await freshDatabase('postgresql')
    pool = watchedPool(database.url ?? '', (sql) => sent.push(sql))
    await database.exec(`CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL);
      INSERT INTO things SELECT i, 'Thing ' || i FROM generate_series(1, 9) i`)
    pool.on('acquire', (acquired) => {
      client = acquired as pg.PoolClient
    })
    sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 }, schemaCheckMs: 10_000 })
    db = new Kysely<Tables>({ dialect: withSluice(new PostgresDialect({ pool }), sluice) })
    for (let turns = 0; turns < 1000 && sluice.queries.getStats().cacheHits === 0; turns += 1) {
      await nameOf(db, 9)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  beforeEach(async () => {
    await db.updateTable('things').set({ name: 'Thing 1' }).where('id', '=', 1).execute()
    for (const id of [1, 2]) await nameOf(db, id)
    sent.splice(0)
  })
  afterAll(async () => {
    await sluice.close()
    await db.destroy()
    await database.drop()
  })

  const nameOf = async (from: Kysely<Tables>, id: number): Promise<string | undefined> =>
    (await from.selectFrom('things').select('name').where('id', '=', id).executeTakeFirst())?.name
  const write = (from: Kysely<Tables>) =>
    from.updateTable('things').set({ name: 'Written' }).where('id', '=', 1).execute()
  const transaction = <T>(run: (tx: Kysely<Tables>) => Promise<T>): Promise<T> =>
    db.transaction().execute(run)
  const rolledBack = (run: (tx: Kysely<Tables>) => Promise<void>): Promise<void> =>
    transaction(async (tx) => {
      await run(tx)
      throw new Error('Roll back')
    }).catch((error: Error) => {
      if (error.message !== 'Roll back') throw error
    })

  it('are served from the cache', async () => {
    expect(await transaction(async (tx) => [await nameOf(tx, 1), await nameOf(tx, 2)])).toEqual([
      'Thing 1',
      'Thing 2',
    ])
    expect(sent).toEqual(['begin', 'commit'])
  })

  it('are cached for reads outside', async () => {
    await transaction((tx) => nameOf(tx, 3))
    expect(sent).toHaveLength(3)
    sent.splice(0)
    expect(await nameOf(db, 3)).toBe('Thing 3')
    expect(sent).toEqual([])
  })

  it('are served in controlled transactions', async () => {
    const tx = await db.startTransaction().execute()
    expect(await nameOf(tx, 1)).toBe('Thing 1')
    await tx.rollback().execute()
    expect(sent).toEqual(['begin', 'rollback'])
  })

  it('see what their transaction wrote, and reads outside do not', async () => {
    const found: (string | undefined)[] = []
    await rolledBack(async (tx) => {
      found.push(await nameOf(tx, 1))
      const [, during] = await Promise.all([write(tx), nameOf(tx, 1)])
      found.push(during, await nameOf(tx, 1), await nameOf(db, 1))
    })
    expect(found).toEqual(['Thing 1', 'Written', 'Written', 'Thing 1'])
    expect(await nameOf(db, 1)).toBe('Thing 1')
  })

  it.each<[string, (tx: Kysely<Tables>) => Promise<unknown>]>([
    ['a write', (tx) => write(tx)],
    ['a lock', (tx) => tx.selectFrom('things').selectAll().forUpdate().execute()],
    ['an advisory lock', (tx) => sql`SELECT pg_advisory_xact_lock(1)`.execute(tx)],
    ['a savepoint', (tx) => sql`SAVEPOINT one`.execute(tx)],
    ['a setting', (tx) => sql`SET LOCAL search_path = public`.execute(tx)],
    ['a query of the client', () => client.query(`UPDATE things SET name = 'Written' WHERE id = 1`)],
    ['a query of the client that is not awaited', async () => void client.query('SELECT $1', [1])],
  ])('are sent after %s', async (_, spoil) => {
    await rolledBack(async (tx) => {
      await nameOf(tx, 1)
      await spoil(tx)
      sent.splice(0)
      await nameOf(tx, 2)
      expect(sent).toHaveLength(1)
    })
  })

  it('are sent after a savepoint of a controlled transaction', async () => {
    const tx = await db.startTransaction().execute()
    const nested = await tx.savepoint('one').execute()
    sent.splice(0)
    await nameOf(nested, 2)
    expect(sent).toHaveLength(1)
    await nested.rollback().execute()
  })

  it.each(['repeatable read', 'serializable'] as const)('are sent under %s', async (level) => {
    await db
      .transaction()
      .setIsolationLevel(level)
      .execute((tx) => nameOf(tx, 1))
    expect(sent).toHaveLength(3)
  })

  it('are served under READ COMMITTED', async () => {
    await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute((tx) => nameOf(tx, 1))
    expect(sent).toHaveLength(2)
  })

  it('reject in an aborted transaction', async () => {
    const read = transaction(async (tx) => {
      await sql`SELECT 1 / 0`.execute(tx).catch(() => {})
      return nameOf(tx, 1)
    })
    await expect(read).rejects.toMatchObject({ code: '25P02' })
  })
})
