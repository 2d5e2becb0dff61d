import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { unsluice, withSluice } from '@sluice/knex'
import { sluiceAdapter } from '@sluice/prisma'
import knex from 'knex'
import { Pool, type PoolClient } from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Database, databases, knexDatabases } from '../support/databases.ts'

async function fresh(connect: () => Promise<Database>) {
  const database = await connect()
  const sluice = createSluice()
  onTestFinished(async () => {
    await sluice.close()
    await database.drop()
  })
  const waited = vi.spyOn(hostOf(sluice), 'poolWaited')
  const attached = vi.spyOn(hostOf(sluice), 'attachPool')
  /**
   * Whether each caller had to wait for another. Each wait lasts at least as long as the test blocks the
   * connection.
   */
  const waits = () => {
    // Callers that found a free connection are only reported on request.
    sluice.database?.getConnectionPoolRecommendations()
    return waited.mock.calls.flatMap(([, ms, wasExhausted, count = 1]) => {
      if (wasExhausted) expect(ms).toBeGreaterThanOrEqual(25)
      return Array.from({ length: count }, () => wasExhausted)
    })
  }
  const histogram = async () => {
    const text = (await sluice.monitor?.metricsText()) ?? ''
    return Number(/^db_client_connection_wait_time_seconds_count\{[^}]*\} (\d+)$/m.exec(text)?.[1])
  }
  return { database, sluice, attached, waits, histogram }
}

describe.each(knexDatabases())('waits for a connection of Knex on $name', ({ dialect, skipped, connect }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    const open = async (max: number) => {
      const opened = await fresh(connect)
      const db = withSluice(knex({ ...opened.database.knexConfig(), pool: { min: 0, max } }), opened.sluice)
      onTestFinished(() => db.destroy())
      return { ...opened, db }
    }

    it('are reported for a caller that had to wait for another', async () => {
      const { db, sluice, waits, histogram } = await open(1)
      const transaction = await db.transaction()
      const waiting = db.raw('select 1').then(() => {})
      await new Promise((resolve) => setTimeout(resolve, 30))
      await transaction.commit()
      await waiting
      expect(waits()).toEqual([false, true])
      expect(await histogram()).toBe(2)
      expect(sluice.monitor?.getMetricTrend('poolWait', 60_000).some(({ value }) => value >= 25)).toBe(true)
    })

    it('are not reported if a connection is free or may be opened', async () => {
      const { db, sluice, waits, histogram } = await open(dialect === 'sqlite' ? 1 : 5)
      if (dialect === 'sqlite') for (let turn = 0; turn < 5; turn += 1) await db.raw('select 1')
      else await Promise.all(Array.from({ length: 5 }, () => db.raw('select 1')))
      expect(waits()).toEqual([false, false, false, false, false])
      expect(await histogram()).toBe(5)
      expect(sluice.monitor?.getMetricTrend('poolWait', 60_000).every(({ value }) => value === 0)).toBe(true)
    })

    it('end when the pool is enlarged, except on SQLite', async () => {
      const { database, sluice, attached, waits } = await fresh(connect)
      const db = withSluice(knex({ ...database.knexConfig(), pool: { min: 0, max: 1 } }), sluice)
      onTestFinished(() => db.destroy())
      const [, read, resize] = attached.mock.lastCall ?? []
      if (dialect === 'sqlite') return expect(resize).toBeUndefined()
      resize?.(3)
      expect(read?.()?.max).toBe(3)
      const transactions = await Promise.all(Array.from({ length: 3 }, () => db.transaction()))
      await Promise.all(transactions.map((transaction) => transaction.commit()))
      expect(waits()).toEqual([false, false, false])
    })

    it('are reported again after a destroyed instance is initialized, and no longer after Sluice is removed', async () => {
      const { db, sluice, waits } = await open(1)
      await db.raw('select 1')
      await db.destroy()
      db.initialize()
      await db.raw('select 1')
      expect(waits()).toEqual([false, false])
      unsluice(db)
      await db.raw('select 1')
      expect(waits()).toEqual([false, false])
      expect(sluice.queries.getStats().errors).toBe(0)
    })

    it('are reported for a caller that timed out', async () => {
      const { database, sluice, waits } = await fresh(connect)
      const db = withSluice(
        knex({
          ...database.knexConfig(),
          acquireConnectionTimeout: 500,
          pool: { min: 0, max: 1 },
          log: { warn: () => {} },
        }),
        sluice,
      )
      onTestFinished(() => db.destroy())
      const transaction = await db.transaction()
      await expect(db.raw('select 1')).rejects.toThrow('Timeout acquiring a connection')
      await transaction.rollback()
      expect(waits()).toEqual([false, true])
    })
  })
})

describe.each(knexDatabases())('sluice.tune with a range for a pool of Knex on $name', (tested) => {
  it.skipIf(tested.skipped !== undefined || tested.dialect !== 'postgresql')(
    'keeps more connections that end the waits',
    { timeout: 60_000 },
    async () => {
      const { database, sluice } = await fresh(tested.connect)
      const db = withSluice(knex({ ...database.knexConfig(), pool: { min: 0, max: 2 } }), sluice)
      onTestFinished(() => db.destroy())
      await sluice.tune({ poolSize: { min: 1, max: 20 }, checkMs: 2_000 })
      let isOver = false
      sluice.on('tuning', ({ status }) => {
        isOver ||= status !== 'checking'
      })
      const client = async () => {
        while (!isOver) {
          await db.raw('select pg_sleep(0.004)')
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
      }
      await Promise.all(Array.from({ length: 40 }, client))
      const [change] = sluice.getTuning()
      expect(change).toMatchObject({ kind: 'poolSize', from: 2, to: 4, status: 'kept' })
      expect(db.client.pool.max).toBe(4)
      expect(change?.measured?.with).toBeLessThan(change?.measured?.without ?? 0)
    },
  )
})

const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

describe.skipIf(postgres?.skipped !== undefined)(
  'waits for a connection of a pool of pg below Prisma',
  () => {
    const query = { sql: 'select 1', args: [], argTypes: [] }
    const open = async (max: number, port?: number) => {
      const opened = await fresh(() => (postgres as NonNullable<typeof postgres>).connect())
      const url = new URL(opened.database.url)
      if (port !== undefined) url.port = String(port)
      const pool = new Pool({ connectionString: url.href, max })
      const adapter = await sluiceAdapter(new PrismaPg(pool), opened.sluice).connect()
      onTestFinished(async () => {
        await adapter.dispose()
        await pool.end()
      })
      return { ...opened, pool, adapter }
    }

    it('are reported for statements and for transactions', async () => {
      const { adapter, waits, histogram, sluice } = await open(1)
      const transaction = await adapter.startTransaction()
      const waiting = adapter.queryRaw(query)
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(sluice.database?.getConnectionPoolRecommendations()[0]).toContain(
        'max 1, 1 in use, 0 idle, 1 waiting',
      )
      await transaction.executeRaw({ ...query, sql: 'ROLLBACK' })
      await transaction.rollback()
      await waiting
      expect(waits()).toEqual([false, true])
      expect(await histogram()).toBe(2)
    })

    it('end when the pool is enlarged', async () => {
      const { adapter, pool, attached, waits } = await open(1)
      const [, , resize] = attached.mock.lastCall ?? []
      resize?.(2)
      expect(pool.options.max).toBe(2)
      const transaction = await adapter.startTransaction()
      await adapter.queryRaw(query)
      await transaction.executeRaw({ ...query, sql: 'ROLLBACK' })
      await transaction.rollback()
      expect(waits()).toEqual([false, false])
    })

    it('restore the pool once the client is disposed of', async () => {
      const { adapter, pool, waits, sluice } = await open(2)
      const { connect } = pool
      await adapter.queryRaw(query)
      expect(waits()).toHaveLength(1)
      expect(Object.hasOwn(pool, 'connect')).toBe(true)
      await adapter.dispose()
      expect(pool.connect).toBe(Pool.prototype.connect)
      expect(sluice.database?.getConnectionPoolRecommendations()).toEqual([])
      // Other code may still hold a reference to the function.
      const client = await (connect as () => Promise<PoolClient>).call(pool)
      client.release()
      expect(waits()).toHaveLength(1)
    })

    it('do not undo a later replacement by other code', async () => {
      const { adapter, pool } = await open(2)
      const ours = pool.connect
      const theirs = (...args: unknown[]) => (ours as (...args: unknown[]) => unknown).apply(pool, args)
      Object.assign(pool, { connect: theirs })
      await adapter.dispose()
      expect(pool.connect).toBe(theirs)
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    })

    it('pass a failure through', async () => {
      const { adapter, waits } = await open(1, 1)
      await expect(adapter.queryRaw(query)).rejects.toThrow()
      expect(waits()).toHaveLength(1)
    })
  },
)
