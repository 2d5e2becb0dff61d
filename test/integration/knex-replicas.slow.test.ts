import { createSluice, type Sluice } from '@sluice/core'
import type { ReplicaRoutingStats } from '@sluice/core/siblings'
import { type KnexOptions, withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PairReplica, ReplicaPair } from '../services/replica-server.ts'
import { ownNow } from '../support/own-clock.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { type ReplicaPairKind, replicaPairs } from '../support/replica-pairs.ts'
import { tcpSwitch } from '../support/tcp-switch.ts'

/** Features that differ between the databases. */
interface Own {
  /** Reads that only the primary may execute. */
  primaryReads(db: Knex): readonly PromiseLike<unknown>[]
  readonly missingTable: object
  /** A read that fails alike on each server. */
  failing(db: Knex): { readonly read: PromiseLike<unknown>; readonly error: object }
  /** Creates a table, or a view, with one column `id` that only the primary can read. */
  makePrimaryOnly(url: string, on: ReplicaPairKind['on']): Promise<void>
}

const own: Readonly<Record<ReplicaPairKind['name'], Own>> = {
  PostgreSQL: {
    primaryReads: (db) => [
      db('counters').select(db.raw('pg_advisory_lock_shared(1)')).limit(1),
      db('counters').select(db.raw('now()')).first(),
      db('pg_settings').first(),
    ],
    missingTable: { code: '42P01' },
    failing: (db) => ({ read: db('counters').where('id', 'x').first(), error: { code: '22P02' } }),
    makePrimaryOnly: async (url, on) => void (await on(url, 'CREATE UNLOGGED TABLE primary_only (id int)')),
  },
  MariaDB: {
    primaryReads: (db) => [
      db('counters').select(db.raw("GET_LOCK('l', 1)")).limit(1),
      db('counters').select(db.raw('NOW()')).first(),
      db('counters').select(db.raw('@seen := id')).first(),
      db('information_schema.tables').first(),
    ],
    missingTable: { errno: 1146 },
    failing: (db) => ({
      read: db('counters').whereRaw('id = (select id from counters)').first(),
      error: { errno: 1242 },
    }),
    async makePrimaryOnly(url, on) {
      // Reading the view writes, so a replica rejects it.
      await on(url, 'CREATE TABLE seen (id int)')
      await on(
        url,
        'CREATE FUNCTION see() RETURNS int DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO seen VALUES (1); RETURN 1; END',
      )
      await on(
        url,
        'CREATE SQL SECURITY INVOKER VIEW primary_only AS SELECT see() AS id FROM counters WHERE id = 0',
      )
    },
  },
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

for (const kind of replicaPairs())
  describe.skipIf(kind.skipped !== undefined)(`Knex with replicas of ${kind.name}`, () => testOf(kind))

function testOf(kind: ReplicaPairKind): void {
  let pair: ReplicaPair
  let replica: PairReplica
  let spare: PairReplica
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    pair = await kind.start(2)
    ;[replica, spare] = pair.replicas as [PairReplica, PairReplica]
    await kind.on(pair.primary, 'CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)')
    const rows = Array.from({ length: 50 }, (_, i) => `(${i + 1}, 0)`)
    await kind.on(pair.primary, `INSERT INTO counters VALUES ${rows}`)
    await caughtUp()
  }, TEST_MS)

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  afterAll(() => pair?.stop())

  const caughtUp = () => kind.caughtUp(pair, replica)

  interface Opened {
    readonly sluice: Sluice
    readonly db: Knex
    /** Connections to the replica that are in use. */
    used(): number
    stats(): ReplicaRoutingStats
  }

  async function open(
    options: KnexOptions = {},
    settings = 'SELECT 1',
    sluiceOptions = {},
    url = replica.url,
  ): Promise<Opened> {
    const pool = (max: number) => ({
      min: 0,
      max,
      afterCreate: (
        connection: { query(sql: string, done: (error: unknown) => void): void },
        done: (error: unknown) => void,
      ) => connection.query(settings, done),
    })
    const errors: unknown[] = []
    const sluice = createSluice({ mode: 'optimize', ...sluiceOptions })
    sluice.on('error', (error) => errors.push(error))
    const other = knex({
      client: kind.client,
      connection: url,
      pool: { min: 0, max: 8 },
      log: { warn: () => {}, error: () => {} },
    })
    const db = withSluice(knex({ client: kind.client, connection: pair.primary, pool: pool(8) }), sluice, {
      replicas: [other],
      ...options,
    })
    closing.push(async () => {
      await sluice.close()
      await Promise.all([db.destroy(), other.destroy()])
      expect(errors).toEqual([])
    })
    const stats = () => sluice.replicas.getStats()[0] as ReplicaRoutingStats
    for (let tries = 0; stats().replicaReads === 0 && tries < 500; tries += 1) {
      // A different row each time, because results from the primary may be cached.
      await db('counters')
        .where({ id: 10_000 + tries })
        .first()
      await sleep(10)
    }
    expect(stats().replicaReads).toBeGreaterThan(0)
    return { sluice, db, used: () => other.client.pool.numUsed(), stats }
  }

  const read = async (db: Knex, id: number): Promise<number> =>
    ((await db('counters').where({ id }).first()) as { value: number }).value
  const write = (db: Knex, id: number, value: number) => db('counters').where({ id }).update({ value })

  it.each(kind.ways)(
    'has read-your-writes consistency with $name',
    { timeout: TEST_MS },
    async ({ name, session, set }) => {
      await set(replica)
      const { sluice, db, stats } = await open({}, session, { cache: false })
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
      console.log(
        `${name}: ${turns} reads, ${stale} stale, ${replicaReads - before.replicaReads} on the replica`,
      )
      expect(stale).toBe(0)
      expect(replicaReads).toBeGreaterThan(before.replicaReads)
    },
  )

  it.each([true, false])(
    'has read-your-writes consistency with the cache: %s, in other scopes and outside of scopes',
    { timeout: TEST_MS },
    async (isCached) => {
      const { sluice, db, stats } = await open(
        {},
        'SELECT 1',
        isCached ? { cache: { ttl: 60 } } : { cache: false },
      )
      const before = stats().replicaReads
      let stale = 0
      for (let i = 1; i <= 300; i += 1) {
        await write(db, 5, i)
        if (i % 2 === 0 && (await read(db, 5)) !== i) stale += 1
        await sleep(i % 25)
        if ((await read(db, 5)) !== i) stale += 1
        // A cached result is shared by all scopes.
        if (isCached && (await sluice.run(() => read(db, 5))) !== i) stale += 1
      }
      expect(stale).toBe(0)
      expect(stats().replicaReads).toBeGreaterThan(before)
    },
  )

  it('misses no write while replay is paused, and lets other scopes read from the replica within maxLagMs', {
    timeout: TEST_MS,
  }, async () => {
    const { sluice, db, stats } = await open({ maxLagMs: 60_000 }, 'SELECT 1', { cache: false })
    await replica.pauseReplay()
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
      await replica.resumeReplay()
    }
    await caughtUp()
  })

  it('reads from the primary if the replica lags too far', { timeout: TEST_MS }, async () => {
    const { sluice, db, stats } = await open({ maxLagMs: 300 }, 'SELECT 1', { cache: false })
    await replica.pauseReplay()
    try {
      await kind.on(pair.primary, 'UPDATE counters SET value = 777 WHERE id = 8')
      await sluice.run(() => read(db, 8))
      await sleep(700)
      expect(await sluice.run(() => read(db, 8))).toBe(777)
      expect(stats().primaryReasons.lag).toBeGreaterThan(0)
    } finally {
      await replica.resumeReplay()
    }
    await caughtUp()
  })

  async function underLoad(
    opened: Opened,
    disturb: () => Promise<void>,
  ): Promise<{ done: number; failed: unknown[]; slowestMs: number }> {
    const { db, sluice } = opened
    const failed: unknown[] = []
    let done = 0
    let slowestMs = 0
    let isRunning = true
    const load = async () => {
      while (isRunning) {
        const startedAt = ownNow()
        try {
          await sluice.run(() => read(db, 1 + (done % 40)))
          done += 1
        } catch (error) {
          failed.push(error)
        }
        slowestMs = Math.max(slowestMs, ownNow() - startedAt)
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
      if (performance.now() - startedAt > SOON.timeout)
        throw new Error('The replica is not read from any more.')
      await sleep(5)
    }
    return performance.now() - startedAt
  }

  it('loses no read when the replica is killed, and uses it again after it restarts', {
    timeout: TEST_MS,
  }, async () => {
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
    console.log(
      `killed: ${done} reads, ${failed.length} failed, used again ${againAfterMs.toFixed(0)} ms after the restart`,
    )
    expect(failed).toEqual([])
    expect(opened.stats().replicas[0]?.failures).toBeGreaterThan(0)
  })

  it('has read-your-writes consistency while the replica is killed and restarts behind', {
    timeout: TEST_MS,
  }, async () => {
    const opened = await open({}, 'SELECT 1', { cache: false })
    const { sluice, db, stats } = opened
    const failed: unknown[] = []
    let [stale, turns, isRunning] = [0, 0, true]
    const walk = async (id: number) => {
      for (let i = 1; isRunning; i += 1) {
        await sluice.run(async () => {
          await write(db, id, i)
          for (let k = 0; k < 4; k += 1) {
            await read(db, id).then(
              (value) => {
                turns += 1
                if (value !== i) stale += 1
              },
              (error: unknown) => failed.push(error),
            )
            await sleep(3)
          }
        })
      }
    }
    const walks = [31, 32, 33, 34, 35, 36].map(walk)
    const before = stats()
    try {
      for (let kills = 0; kills < 4; kills += 1) {
        await readsAgain(stats)
        await sleep(400)
        await replica.kill()
        await replica.restart()
      }
      await readsAgain(stats)
    } finally {
      isRunning = false
      await Promise.all(walks)
    }
    const replicaReads = stats().replicaReads - before.replicaReads
    console.log(
      `killed 4 times: ${turns} reads, ${stale} stale, ${failed.length} failed, ${replicaReads} on the replica`,
    )
    expect({ stale, failed }).toEqual({ stale: 0, failed: [] })
  })

  it('continues reading when the replica hangs', { timeout: TEST_MS }, async () => {
    const opened = await open({ readTimeoutMs: 500 }, 'SELECT 1', { cache: false })
    let primaryReads = 0
    const { done, failed, slowestMs } = await underLoad(opened, async () => {
      await sleep(300)
      replica.hang()
      try {
        await sleep(1_500)
        primaryReads = opened.stats().primaryReads
        await sleep(500)
        // The hanging connections were ended.
        expect(opened.used()).toBe(0)
        expect(opened.stats().primaryReads).toBeGreaterThan(primaryReads)
      } finally {
        replica.resume()
      }
      await readsAgain(opened.stats)
    })
    console.log(`hung: ${done} reads, ${failed.length} failed, the slowest took ${slowestMs.toFixed(0)} ms`)
    expect(failed).toEqual([])
    expect(slowestMs).toBeLessThan(2_000)
  })

  it('reads from no new connection to a server that lags further', { timeout: TEST_MS }, async () => {
    const road = await tcpSwitch(replica.url)
    closing.push(() => road.close())
    const { sluice, db, stats } = await open(
      { maxLagMs: 60_000 },
      'SELECT 1',
      { cache: false },
      road.url(replica.url),
    )
    await spare.pauseReplay()
    try {
      let stale = 0
      await sluice.run(async () => {
        await write(db, 41, 4_141)
        const before = stats().replicaReads
        while (stats().replicaReads === before) {
          if ((await read(db, 41)) !== 4_141) stale += 1
          await sleep(5)
        }
        road.lead(spare.url)
        for (let i = 0; i < 20; i += 1) {
          // Each statement is different: equal statements would share one call.
          const ask = async (limit: number) => db('counters').where('id', 41).limit(limit).pluck('value')
          const values = (await Promise.all(Array.from({ length: 8 }, (_, at) => ask(at + 1)))).flat()
          stale += values.filter((value) => value !== 4_141).length
        }
      })
      expect(stale).toBe(0)
      expect(stats().primaryReasons['read-your-writes']).toBeGreaterThan(0)
    } finally {
      await spare.resumeReplay()
    }
  })

  it('queries the primary in transactions, for locks, raw statements, CTEs and possible writes', async () => {
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
    await Promise.all(own[kind.name].primaryReads(db))
    await sluice.onPrimary(() => db('counters').first())
    expect(stats().replicaReads).toBe(before)
    expect(stats().primaryReasons).toMatchObject({ transaction: 3, forced: 1 })
    await sleep(300)
    await db('counters').pluck('id')
    await db('counters').count('* as n').first()
    expect(stats().replicaReads).toBe(before + 2)
  })

  it('throws the errors of the database, and queries the primary for objects missing on the replica', async () => {
    const { db, stats } = await open({}, 'SELECT 1', { cache: false })
    const { missingTable, failing, makePrimaryOnly } = own[kind.name]
    await expect(db('nowhere').first()).rejects.toMatchObject(missingTable)
    const { read, error } = failing(db)
    await expect(read).rejects.toMatchObject(error)
    await makePrimaryOnly(pair.primary, kind.on)
    await caughtUp()
    const before = stats().primaryReasons.failed
    expect(await db('primary_only').first()).toBeUndefined()
    expect(stats().primaryReasons.failed).toBe(before + 1)
    expect(stats().replicas[0]).toMatchObject({ failures: 0, isUp: true })
  })

  it('emits replica queries on the instance, and processes their responses like its own', async () => {
    await caughtUp()
    const { db, stats } = await open({}, 'SELECT 1', { cache: false })
    const seen: string[] = []
    db.on('query', ({ sql }: { sql: string }) => seen.push(sql))
    const before = stats().replicaReads
    await db('counters').where({ id: 1 }).first()
    expect(stats().replicaReads).toBe(before + 1)
    expect(seen).toHaveLength(1)
  })

  it('batches lookups and sends them to a replica', async () => {
    const { db, sluice, stats } = await open({}, 'SELECT 1', { cache: false })
    const replicaReads = async () => {
      const before = stats().replicaReads
      await sluice.run(() => Promise.all([1, 2, 3].map((id) => db('counters').where({ id }).first())))
      return stats().replicaReads - before
    }
    // On a busy machine, the replica can lag.
    await expect.poll(replicaReads, SOON).toBeGreaterThan(0)
    expect(await replicaReads()).toBeLessThanOrEqual(3)
  })

  it('reads from replicas in observe mode, and from none after the Sluice is closed', async () => {
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
}
