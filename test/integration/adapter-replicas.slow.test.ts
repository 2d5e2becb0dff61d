import { createSluice, type Sluice } from '@sluice/core'
import type { ReplicaRoutingStats } from '@sluice/core/siblings'
import { withSluice as withSluiceDrizzle } from '@sluice/drizzle'
import { withSluice as withSluiceKysely } from '@sluice/kysely'
import { eq, sql } from 'drizzle-orm'
import { int, mysqlTable } from 'drizzle-orm/mysql-core'
import { drizzle as drizzleMysql2 } from 'drizzle-orm/mysql2'
import { drizzle as drizzlePg, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { type Dialect, Kysely, sql as kyselySql, MysqlDialect, PostgresDialect } from 'kysely'
import mysql from 'mysql2'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PairReplica, ReplicaPair } from '../services/replica-server.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { type ReplicaPairKind, replicaPairs } from '../support/replica-pairs.ts'

/** A database through an ORM, on the table `counters`. */
interface Db {
  read(id: number): Promise<number | undefined>
  write(id: number, value: number): Promise<unknown>
  locked(id: number): Promise<unknown>
  raw(text: string): Promise<unknown>
  transaction(work: (db: Db) => Promise<void>): Promise<void>
  close(): Promise<void>
}

type Open = (sluice: Sluice, kind: ReplicaPairKind, urls: readonly string[], options: object) => Db

const quiet = (pool: pg.Pool) => pool.on('error', () => {})
const pgPool = (connectionString: string) => quiet(new pg.Pool({ connectionString, max: 8 }))
const mysqlPool = (uri: string) => mysql.createPool({ uri, connectionLimit: 8 })
const endOf = (pool: pg.Pool | mysql.Pool) =>
  pool instanceof pg.Pool ? pool.end() : new Promise<void>((ended) => pool.end(() => ended()))

const ORMS: Readonly<Record<string, Open>> = {
  Drizzle(sluice, { dialect }, urls, options) {
    const pools = urls.map((url) => (dialect === 'mysql' ? mysqlPool(url) : pgPool(url)))
    const [primary, ...replicas] = pools as unknown as [pg.Pool, ...pg.Pool[]]
    const client = withSluiceDrizzle(primary, sluice, { replicas, ...options })
    const db =
      dialect === 'mysql' ? (drizzleMysql2({ client: client as never }) as never) : drizzlePg({ client })
    const close = async () => void (await Promise.all([client, ...replicas].map(endOf)))
    return drizzleDb(db, dialect, close)
  },
  Kysely(sluice, { dialect }, urls, options) {
    const dialects = urls.map((url): Dialect => {
      if (dialect === 'mysql') return new MysqlDialect({ pool: mysqlPool(url) })
      // Kysely has no listener for the errors of connections in use.
      const pool = pgPool(url).on('connect', (client) => client.on('error', () => {}))
      return new PostgresDialect({ pool })
    })
    const [primary, ...replicas] = dialects as [Dialect, ...Dialect[]]
    const db = new Kysely<Tables>({ dialect: withSluiceKysely(primary, sluice, { replicas, ...options }) })
    return kyselyDb(db, () => db.destroy())
  },
}

function drizzleDb(db: NodePgDatabase, dialect: string, close: () => Promise<void>): Db {
  const pgCounters = pgTable('counters', { id: integer().primaryKey(), value: integer() })
  const mysqlCounters = mysqlTable('counters', { id: int().primaryKey(), value: int() })
  const counters = (dialect === 'mysql' ? mysqlCounters : pgCounters) as typeof pgCounters
  return {
    read: async (id) =>
      (await db.select().from(counters).where(eq(counters.id, id)))[0]?.value as number | undefined,
    write: async (id, value) => await db.update(counters).set({ value }).where(eq(counters.id, id)),
    locked: async (id) => await db.select().from(counters).where(eq(counters.id, id)).for('update'),
    raw: async (text) => await db.execute(sql.raw(text)),
    transaction: (work) =>
      db.transaction((inner) => work(drizzleDb(inner as unknown as NodePgDatabase, dialect, close))),
    close,
  }
}

interface Tables {
  counters: { id: number; value: number }
}

function kyselyDb(db: Kysely<Tables>, close: () => Promise<void>): Db {
  const byId = (id: number) => db.selectFrom('counters').selectAll().where('id', '=', id)
  return {
    read: async (id) => (await byId(id).executeTakeFirst())?.value,
    write: async (id, value) =>
      await db.updateTable('counters').set({ value }).where('id', '=', id).execute(),
    locked: async (id) => await byId(id).forUpdate().execute(),
    raw: async (text) => await kyselySql.raw(text).execute(db),
    transaction: (work) => db.transaction().execute((inner) => work(kyselyDb(inner, close))),
    close,
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

for (const kind of replicaPairs())
  describe.skipIf(kind.skipped !== undefined)(`replicas of ${kind.name}`, () => {
    let pair: ReplicaPair
    let replica: PairReplica
    const closing: (() => Promise<unknown>)[] = []

    beforeAll(async () => {
      pair = await kind.start(1)
      ;[replica] = pair.replicas as [PairReplica]
      await kind.on(pair.primary, 'CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)')
      const rows = Array.from({ length: 50 }, (_, i) => `(${i + 1}, 0)`)
      await kind.on(pair.primary, `INSERT INTO counters VALUES ${rows}`)
      await kind.caughtUp(pair, replica)
    }, TEST_MS)
    afterEach(async () => {
      for (const close of closing.splice(0).reverse()) await close()
    })
    afterAll(() => pair?.stop())

    describe.each(Object.keys(ORMS))('through %s', (orm) => {
      interface Opened {
        readonly sluice: Sluice
        readonly db: Db
        stats(): ReplicaRoutingStats
      }

      async function open(options: object = {}, sluiceOptions: object = {}): Promise<Opened> {
        const sluice = createSluice({ mode: 'optimize', cache: false, ...sluiceOptions })
        const errors: unknown[] = []
        sluice.on('error', (error) => errors.push(error))
        const db = (ORMS[orm] as Open)(sluice, kind, [pair.primary, replica.url], options)
        closing.push(async () => {
          await sluice.close()
          await db.close()
          expect(errors).toEqual([])
        })
        const stats = () => sluice.replicas.getStats()[0] as ReplicaRoutingStats
        let tries = 0
        const usesReplica = async () => {
          tries += 1
          await db.read(10_000 + tries)
          return stats().replicaReads
        }
        await expect.poll(usesReplica, SOON).toBeGreaterThan(0)
        return { sluice, db, stats }
      }

      it.each([
        ['the cache', { cache: { ttl: 60 } }],
        ['no cache', {}],
      ])('has read-your-writes consistency with %s', { timeout: TEST_MS }, async (name, sluiceOptions) => {
        const { sluice, db, stats } = await open({}, sluiceOptions)
        const before = stats().replicaReads
        let [stale, reads] = [0, 0]
        const walk = async (id: number) => {
          for (let i = 1; i <= 100; i += 1) {
            await sluice.run(async () => {
              await db.write(id, i)
              for (let k = 0; k < 4; k += 1) {
                if ((await db.read(id)) !== i) stale += 1
                reads += 1
                if (k > 0) await sleep(4)
              }
            })
          }
        }
        await Promise.all([walk(1), walk(2), walk(3), walk(4)])
        const onReplica = stats().replicaReads - before
        console.log(`${orm}, ${name}: ${reads} reads, ${stale} stale, ${onReplica} on the replica`)
        expect(stale).toBe(0)
        // Cached rows must contain all writes of the process, which continue.
        if (name === 'no cache') expect(onReplica).toBeGreaterThan(0)
      })

      it('misses no write while replay is paused, and reads within maxLagMs', {
        timeout: TEST_MS,
      }, async () => {
        const { sluice, db, stats } = await open({ maxLagMs: 60_000 })
        await replica.pauseReplay()
        try {
          const before = stats().replicaReads
          for (let i = 1; i <= 100; i += 1)
            await sluice.run(async () => {
              await db.write(6, i + 10_000)
              expect(await db.read(6)).toBe(i + 10_000)
            })
          expect(stats().replicaReads).toBe(before)
          for (let i = 0; i < 20; i += 1) await sluice.run(() => db.read(7))
          expect(stats().replicaReads).toBe(before + 20)
        } finally {
          await replica.resumeReplay()
        }
        await kind.caughtUp(pair, replica)
      })

      it('reads from the primary if the replica lags too far', { timeout: TEST_MS }, async () => {
        const { sluice, db, stats } = await open({ maxLagMs: 300 })
        await replica.pauseReplay()
        try {
          await kind.on(pair.primary, 'UPDATE counters SET value = 777 WHERE id = 8')
          await sluice.run(() => db.read(8))
          await sleep(700)
          expect(await sluice.run(() => db.read(8))).toBe(777)
          expect(stats().primaryReasons.lag).toBeGreaterThan(0)
        } finally {
          await replica.resumeReplay()
        }
        await kind.caughtUp(pair, replica)
      })

      it('queries the primary in transactions, for locks, possible writes and on request', async () => {
        const { sluice, db, stats } = await open()
        const before = stats()
        await db.transaction(async (inner) => {
          await inner.write(9, 42)
          expect(await inner.read(9)).toBe(42)
        })
        await db.locked(9)
        await db.raw(
          kind.dialect === 'mysql' ? "SELECT GET_LOCK('l', 0)" : 'SELECT pg_advisory_lock_shared(1)',
        )
        await db.raw('SELECT now() FROM counters')
        await sluice.onPrimary(() => db.read(9))
        await sluice.run(() => db.read(9), { mode: 'shadow' })
        const { replicaReads, primaryReasons } = stats()
        expect(replicaReads).toBe(before.replicaReads)
        expect(primaryReasons).toMatchObject({
          transaction: before.primaryReasons.transaction + 2,
          write: before.primaryReasons.write + 3,
        })
        expect(primaryReasons.forced).toBeGreaterThanOrEqual(1)
      })

      it('batches lookups and sends them to a replica', { timeout: TEST_MS }, async () => {
        const { sluice, db, stats } = await open()
        const replicaReads = async () => {
          const before = stats().replicaReads
          const scope = sluice.openScope('batch')
          await scope.enter(() => Promise.all([1, 2, 3].map((id) => db.read(id))))
          expect(scope.end().queries).toBe(1)
          return stats().replicaReads - before
        }
        await expect.poll(replicaReads, SOON).toBe(1)
      })

      it('throws the errors of the database', { timeout: TEST_MS }, async () => {
        const { db } = await open()
        const error = await db.raw('SELECT id FROM nowhere').catch((thrown: unknown) => thrown)
        const { code, cause = { code } } = error as { readonly code?: string; readonly cause?: object }
        expect(cause).toMatchObject({ code: kind.dialect === 'mysql' ? 'ER_NO_SUCH_TABLE' : '42P01' })
      })

      it('reads from replicas in observe mode, and from none after the Sluice is closed', async () => {
        const { sluice, db, stats } = await open({}, { mode: 'observe' })
        expect(stats().replicaReads).toBeGreaterThan(0)
        await sluice.close()
        expect(await db.read(1)).toBeTypeOf('number')
      })

      /** Reads all the time, and returns how many reads succeeded and failed. */
      async function underLoad({ sluice, db }: Opened, disturb: () => Promise<void>) {
        const failed: unknown[] = []
        let [done, isRunning] = [0, true]
        const load = async () => {
          while (isRunning) {
            await sluice.run(() => db.read(1 + (done % 40))).catch((error: unknown) => failed.push(error))
            done += 1
            await sleep(1)
          }
        }
        const loads = Array.from({ length: 4 }, load)
        try {
          await disturb()
        } finally {
          isRunning = false
          await Promise.all(loads)
        }
        return { done, failed }
      }

      const usedAgain = async ({ stats }: Opened) => {
        const before = stats().replicaReads
        await expect.poll(() => stats().replicaReads, SOON).toBeGreaterThan(before)
      }

      it('loses no read when the replica is killed, and uses it again', { timeout: TEST_MS }, async () => {
        const opened = await open()
        const { done, failed } = await underLoad(opened, async () => {
          await sleep(300)
          await replica.kill()
          await sleep(500)
          await replica.restart()
          await usedAgain(opened)
        })
        console.log(`${orm}, killed: ${done} reads, ${failed.length} failed`)
        expect(failed).toEqual([])
        expect(opened.stats().replicas[0]?.failures).toBeGreaterThan(0)
      })

      it('loses no read when the replica hangs, and uses it again', { timeout: TEST_MS }, async () => {
        const opened = await open({ readTimeoutMs: 500 })
        const { done, failed } = await underLoad(opened, async () => {
          await sleep(300)
          replica.hang()
          try {
            await sleep(1_500)
            const { primaryReads } = opened.stats()
            await sleep(300)
            expect(opened.stats().primaryReads).toBeGreaterThan(primaryReads)
          } finally {
            replica.resume()
          }
          await usedAgain(opened)
        })
        console.log(`${orm}, hung: ${done} reads, ${failed.length} failed`)
        expect(failed).toEqual([])
      })
    })
  })
