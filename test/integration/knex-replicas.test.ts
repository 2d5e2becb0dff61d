import { createSluice, type ReplicaRoutingStats, type Sluice } from '@sluice/core'
import { type KnexOptions, withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { onPostgres } from '../services/postgres.ts'
import { findReplication, type PostgresPair, type PostgresReplica, startPostgresPair } from '../services/postgres-pair.ts'

const found = findReplication()
if (typeof found === 'string') {
  if (process.env.CI === 'true') throw new Error(`A PostgreSQL that can be replicated is needed when CI is set: ${found}`)
  console.warn(`Tests on replicas are skipped. ${found}`)
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe.skipIf(typeof found === 'string')('Knex with replicas of PostgreSQL', () => {
  let pair: PostgresPair
  let replica: PostgresReplica
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    pair = await startPostgresPair((found as { folder: string }).folder)
    ;[replica] = pair.replicas as [PostgresReplica]
    await onPostgres(pair.primary, 'CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)')
    await onPostgres(pair.primary, 'INSERT INTO counters SELECT id, 0 FROM generate_series(1, 50) id')
    await caughtUp()
  }, 120_000)

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  afterAll(() => pair?.stop())

  async function caughtUp(): Promise<void> {
    for (;;) {
      const [primary] = await onPostgres(pair.primary, 'SELECT pg_current_wal_flush_lsn()::text AS lsn')
      const [behind] = await onPostgres(replica.url, 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done', [primary?.lsn])
      if (behind?.done === true) return
      await sleep(20)
    }
  }

  interface Opened {
    readonly sluice: Sluice
    readonly db: Knex
    stats(): ReplicaRoutingStats
  }

  async function open(options: KnexOptions = {}, settings = 'SELECT 1', sluiceOptions = {}): Promise<Opened> {
    const pool = (max: number) => ({
      min: 0,
      max,
      afterCreate: (connection: { query(sql: string, done: (error: unknown) => void): void }, done: (error: unknown) => void) =>
        connection.query(settings, done),
    })
    const errors: unknown[] = []
    const sluice = createSluice({ mode: 'optimize', ...sluiceOptions })
    sluice.on('error', (error) => errors.push(error))
    const other = knex({ client: 'pg', connection: replica.url, pool: { min: 0, max: 8 }, log: { warn: () => {}, error: () => {} } })
    const db = withSluice(knex({ client: 'pg', connection: pair.primary, pool: pool(8) }), sluice, { replicas: [other], ...options })
    closing.push(async () => {
      await sluice.close()
      await Promise.all([db.destroy(), other.destroy()])
      expect(errors).toEqual([])
    })
    const stats = () => sluice.replicas.getStats()[0] as ReplicaRoutingStats
    for (let tries = 0; stats().replicaReads === 0 && tries < 500; tries += 1) {
      // Another row each time: what the primary answered may be kept.
      await db('counters')
        .where({ id: 10_000 + tries })
        .first()
      await sleep(10)
    }
    expect(stats().replicaReads).toBeGreaterThan(0)
    return { sluice, db, stats }
  }

  const read = async (db: Knex, id: number): Promise<number> => ((await db('counters').where({ id }).first()) as { value: number }).value
  const write = (db: Knex, id: number, value: number) => db('counters').where({ id }).update({ value })

  it.each(['on', 'off'])(
    'never misses a write of its own, with synchronous_commit = %s',
    async (setting) => {
      const { sluice, db, stats } = await open({}, `SET synchronous_commit = ${setting}`, { cache: false })
      let stale = 0
      let turns = 0
      const walk = async (id: number) => {
        for (let i = 1; i <= 250; i += 1) {
          await sluice.run(async () => {
            await write(db, id, i)
            for (let k = 0; k < 4; k += 1) {
              if ((await read(db, id)) !== i) stale += 1
              turns += 1
              if (k > 0) await sleep(4)
            }
          })
        }
      }
      const before = stats()
      await Promise.all([walk(1), walk(2), walk(3), walk(4)])
      const { replicaReads } = stats()
      console.log(`synchronous_commit ${setting}: ${turns} reads, ${stale} stale, ${replicaReads - before.replicaReads} on the replica`)
      expect(stale).toBe(0)
      expect(replicaReads).toBeGreaterThan(before.replicaReads)
    },
    60_000,
  )

  it.each([true, false])(
    'never misses a write of its own with the cache: %s, in other scopes and outside of any',
    async (isCached) => {
      const { sluice, db, stats } = await open({}, 'SELECT 1', isCached ? { cache: { ttl: 60 } } : { cache: false })
      const before = stats().replicaReads
      let stale = 0
      for (let i = 1; i <= 300; i += 1) {
        await write(db, 5, i)
        if (i % 2 === 0 && (await read(db, 5)) !== i) stale += 1
        await sleep(i % 25)
        if ((await read(db, 5)) !== i) stale += 1
        // What was read is handed out to all.
        if (isCached && (await sluice.run(() => read(db, 5))) !== i) stale += 1
      }
      expect(stale).toBe(0)
      expect(stats().replicaReads).toBeGreaterThan(before)
    },
    60_000,
  )

  it('misses nothing while replay is paused, and lets others read from the replica within the bound', async () => {
    const { sluice, db, stats } = await open({ maxLagMs: 60_000 }, 'SELECT 1', { cache: false })
    await onPostgres(replica.url, 'SELECT pg_wal_replay_pause()')
    try {
      const before = stats()
      let stale = 0
      for (let i = 1; i <= 1_000; i += 1) {
        await sluice.run(async () => {
          await write(db, 6, i + 10_000)
          if ((await read(db, 6)) !== i + 10_000) stale += 1
        })
      }
      expect(stale).toBe(0)
      expect(stats().replicaReads).toBe(before.replicaReads)
      for (let i = 0; i < 100; i += 1) await sluice.run(() => read(db, 7))
      expect(stats().replicaReads).toBe(before.replicaReads + 100)
    } finally {
      await onPostgres(replica.url, 'SELECT pg_wal_replay_resume()')
    }
    await caughtUp()
  }, 60_000)

  it('reads from the primary what the replica is too far behind with', async () => {
    const { sluice, db, stats } = await open({ maxLagMs: 300 }, 'SELECT 1', { cache: false })
    await onPostgres(replica.url, 'SELECT pg_wal_replay_pause()')
    try {
      await onPostgres(pair.primary, 'UPDATE counters SET value = 777 WHERE id = 8')
      await sluice.run(() => read(db, 8))
      await sleep(700)
      expect(await sluice.run(() => read(db, 8))).toBe(777)
      expect(stats().primaryReasons.lag).toBeGreaterThan(0)
    } finally {
      await onPostgres(replica.url, 'SELECT pg_wal_replay_resume()')
    }
    await caughtUp()
  }, 60_000)

  async function underLoad(opened: Opened, disturb: () => Promise<void>): Promise<{ done: number; failed: unknown[]; slowestMs: number }> {
    const { db, sluice } = opened
    const failed: unknown[] = []
    let done = 0
    let slowestMs = 0
    let isRunning = true
    const load = async () => {
      while (isRunning) {
        const startedAt = performance.now()
        try {
          await sluice.run(() => read(db, 1 + (done % 40)))
          done += 1
        } catch (error) {
          failed.push(error)
        }
        slowestMs = Math.max(slowestMs, performance.now() - startedAt)
        await sleep(1)
      }
    }
    const loads = Array.from({ length: 6 }, load)
    try {
      await disturb()
    } finally {
      isRunning = false
      await Promise.all(loads)
    }
    return { done, failed, slowestMs }
  }

  async function readsAgain(stats: () => ReplicaRoutingStats): Promise<number> {
    const [startedAt, before] = [performance.now(), stats().replicaReads]
    while (stats().replicaReads === before) {
      if (performance.now() - startedAt > 10_000) throw new Error('The replica is not read from any more.')
      await sleep(5)
    }
    return performance.now() - startedAt
  }

  it('loses no read when the replica is killed, and uses it again after it restarts', async () => {
    const opened = await open({}, 'SELECT 1', { cache: false })
    let againAfterMs = 0
    const { done, failed } = await underLoad(opened, async () => {
      await sleep(500)
      await replica.kill()
      await sleep(1_000)
      await replica.restart()
      againAfterMs = await readsAgain(opened.stats)
      await sleep(500)
    })
    console.log(`killed: ${done} reads, ${failed.length} failed, used again ${againAfterMs.toFixed(0)} ms after the restart`)
    expect(failed).toEqual([])
    expect(opened.stats().replicas[0]?.failures).toBeGreaterThan(0)
  }, 60_000)

  it('goes on reading when the replica hangs', async () => {
    const opened = await open({ readTimeoutMs: 500 }, 'SELECT 1', { cache: false })
    let primaryReads = 0
    const { done, failed, slowestMs } = await underLoad(opened, async () => {
      await sleep(300)
      replica.hang()
      try {
        await sleep(1_500)
        primaryReads = opened.stats().primaryReads
        await sleep(500)
        expect(opened.stats().primaryReads).toBeGreaterThan(primaryReads)
      } finally {
        replica.resume()
      }
      await readsAgain(opened.stats)
    })
    console.log(`hung: ${done} reads, ${failed.length} failed, the slowest took ${slowestMs.toFixed(0)} ms`)
    expect(failed).toEqual([])
    expect(slowestMs).toBeLessThan(2_000)
  }, 60_000)

  it('asks the primary in transactions, for locks, raw statements, CTEs and what is not certain to read only', async () => {
    const { db, sluice, stats } = await open({}, 'SELECT 1', { cache: false })
    const before = stats().replicaReads
    await db.transaction(async (trx) => {
      await trx('counters').where({ id: 9 }).update({ value: 42 })
      expect((await trx('counters').where({ id: 9 }).first()) as unknown).toMatchObject({ value: 42 })
    })
    await db.transaction((trx) => trx('counters').where({ id: 9 }).forUpdate().first())
    await db('counters').where({ id: 9 }).forShare().first()
    await db.raw('SELECT 1')
    await db.with('c', db('counters').select('id')).from('c').first()
    await db('counters').select(db.raw('pg_advisory_lock_shared(1)')).limit(1)
    await db('counters').select(db.raw('now()')).first()
    await db('pg_settings').first()
    await sluice.onPrimary(() => db('counters').first())
    expect(stats().replicaReads).toBe(before)
    expect(stats().primaryReasons).toMatchObject({ transaction: 3, pinned: 1 })
    await sleep(300)
    await db('counters').pluck('id')
    await db('counters').count('* as n').first()
    expect(stats().replicaReads).toBe(before + 2)
  })

  it("hands on the database's errors, and asks the primary for what the replica does not have", async () => {
    const { db, stats } = await open({}, 'SELECT 1', { cache: false })
    await expect(db('nowhere').first()).rejects.toMatchObject({ code: '42P01' })
    await expect(db('counters').where('id', 'x').first()).rejects.toMatchObject({ code: '22P02' })
    await onPostgres(pair.primary, 'CREATE UNLOGGED TABLE unlogged (id int)')
    await caughtUp()
    expect(await db('unlogged').first()).toBeUndefined()
    expect(stats().replicas[0]).toMatchObject({ failures: 0, isUp: true })
  })

  it('emits the queries of replicas on the instance, and processes their responses as its own', async () => {
    const { db, stats } = await open({}, 'SELECT 1', { cache: false })
    const seen: string[] = []
    db.on('query', ({ sql }: { sql: string }) => seen.push(sql))
    const before = stats().replicaReads
    await db('counters').where({ id: 1 }).first()
    expect(stats().replicaReads).toBe(before + 1)
    expect(seen).toHaveLength(1)
  })

  it('merges lookups, and asks a replica for them', async () => {
    const { db, sluice, stats } = await open({}, 'SELECT 1', { cache: false })
    const before = stats().replicaReads
    await sluice.run(() => Promise.all([1, 2, 3].map((id) => db('counters').where({ id }).first())))
    expect(stats().replicaReads).toBeLessThanOrEqual(before + 3)
    expect(stats().replicaReads).toBeGreaterThan(before)
  })

  it('reads from replicas in observe mode, and from none after the Sluice was closed', async () => {
    const { db, sluice, stats } = await open({}, 'SELECT 1', { mode: 'observe' })
    expect(stats().replicaReads).toBeGreaterThan(0)
    await sluice.close()
    expect(await read(db, 1)).toBeTypeOf('number')
  })

  it('reads from the primary in shadow mode', async () => {
    const { db, sluice, stats } = await open({}, 'SELECT 1', { cache: false })
    const before = stats().replicaReads
    await sluice.run(() => read(db, 1), { mode: 'shadow' })
    expect(stats().replicaReads).toBe(before)
  })
})
