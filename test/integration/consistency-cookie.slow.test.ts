import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice, type Sluice } from '@sluice/core'
import type { ReplicaRoutingStats } from '@sluice/core/siblings'
import { sluiceMiddleware } from '@sluice/express'
import { createConsistencyCookie } from '@sluice/http'
import { withSluice } from '@sluice/knex'
import express from 'express'
import knex, { type Knex } from 'knex'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { onPostgres } from '../services/postgres.ts'
import { findPostgresReplication, startPostgresPair } from '../services/postgres-pair.ts'
import type { PairReplica, ReplicaPair } from '../services/replica-server.ts'
import { SOON, TEST_MS } from '../support/patience.ts'

const found = findPostgresReplication()
if (typeof found === 'string') {
  if (process.env.CI === 'true')
    throw new Error(`A PostgreSQL that can be replicated is needed when CI is set: ${found}`)
  console.warn(`Tests on replicas are skipped. ${found}`)
}

const VISITORS = 8
const LAG_MS = 150

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A process of an app: it has a separate Sluice and does not know the writes of the other process. */
interface App {
  readonly origin: string
  readonly sluice: Sluice
  readonly db: Knex
  stats(): ReplicaRoutingStats
}

/** A browser that stores the cookies of one site. */
class Visitor {
  readonly #cookies = new Map<string, { readonly value: string; readonly until: number }>()

  constructor(
    readonly id: number,
    private readonly keepsCookies: boolean,
  ) {}

  get cookie(): string {
    const kept = [...this.#cookies].filter(([, { until }]) => performance.now() < until)
    return kept.map(([name, { value }]) => `${name}=${value}`).join('; ')
  }

  async ask(app: App, path: string, method = 'GET'): Promise<unknown> {
    const { cookie } = this
    const response = await fetch(app.origin + path, { method, ...(cookie !== '' && { headers: { cookie } }) })
    if (this.keepsCookies) for (const line of response.headers.getSetCookie()) this.#keep(line)
    expect(response.status).toBe(200)
    return response.json()
  }

  #keep(line: string): void {
    const [, name = '', value = '', seconds] = /^([^=]+)=([^;]*); Max-Age=(\d+);/.exec(line) ?? []
    this.#cookies.set(name, { value, until: performance.now() + Number(seconds) * 1_000 })
  }
}

describe.skipIf(typeof found === 'string')('the consistency cookie', () => {
  let pair: ReplicaPair
  let replica: PairReplica
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    pair = await startPostgresPair((found as { folder: string }).folder)
    ;[replica] = pair.replicas as [PairReplica]
    await onPostgres(pair.primary, 'CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)')
    await onPostgres(pair.primary, 'INSERT INTO counters SELECT id, 0 FROM generate_series(1, 100) id')
    await caughtUp()
  }, TEST_MS)

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  afterAll(() => pair?.stop())

  async function caughtUp(): Promise<void> {
    const [primary] = await onPostgres(pair.primary, 'SELECT pg_current_wal_flush_lsn()::text AS lsn')
    const isThere = async () =>
      (
        await onPostgres(replica.url, 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done', [primary?.lsn])
      )[0]?.done
    await vi.waitUntil(isThere, { ...SOON, interval: 10 })
  }

  async function disturb(before: readonly string[], after: readonly string[]): Promise<void> {
    for (const sql of before) await onPostgres(replica.url, sql)
    closing.push(async () => {
      for (const sql of after) await onPostgres(replica.url, sql)
      await caughtUp()
    })
  }

  const setDelay = (ms: number) => [
    `ALTER SYSTEM SET recovery_min_apply_delay = '${ms}ms'`,
    'SELECT pg_reload_conf()',
  ]
  const lagging = (ms = LAG_MS) => disturb(setDelay(ms), setDelay(0))
  const paused = () => disturb(['SELECT pg_wal_replay_pause()'], ['SELECT pg_wal_replay_resume()'])

  async function open(kind: 'express' | 'bare', maxLagMs: number): Promise<App> {
    const sluice = createSluice({ mode: 'optimize', cache: false, prefetch: false })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const other = knex({ client: 'pg', connection: replica.url, pool: { min: 0, max: 8 } })
    const db = withSluice(
      knex({ client: 'pg', connection: pair.primary, pool: { min: 0, max: 8 } }),
      sluice,
      {
        replicas: [other],
        maxLagMs,
      },
    )
    const answer = async (method: string, url: URL): Promise<unknown> => {
      const [ids, value] = [
        (url.searchParams.get('ids') ?? '').split(',').map(Number),
        Number(url.searchParams.get('value')),
      ]
      if (method === 'POST') return db('counters').whereIn('id', ids).update({ value })
      const read = async (id: number | undefined) => (await db('counters').where({ id }).first())?.value
      if (url.pathname === '/in-turn') return [await read(ids[0]), await read(ids[1])]
      // Issued concurrently, so that they form one batch.
      return Promise.all(ids.map(read))
    }
    const server = createServer(kind === 'express' ? onExpress(sluice, answer) : bare(sluice, answer))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const stats = () => sluice.replicas.getStats()[0] as ReplicaRoutingStats
    closing.push(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await sluice.close()
      await Promise.all([db.destroy(), other.destroy()])
      expect(errors).toEqual([])
    })
    await expect
      .poll(async () => {
        await sluice.run(() => db('counters').where({ id: 100 }).first())
        return stats().replicaReads
      }, SOON)
      .toBeGreaterThan(0)
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sluice, db, stats }
  }

  type Answer = (method: string, url: URL) => Promise<unknown>

  function onExpress(sluice: Sluice, answer: Answer): RequestListener {
    const app = express()
    app.use(
      sluiceMiddleware(sluice, { report: false, consistencyCookie: { secret: 'what both processes know' } }),
    )
    app.use(
      async (request, response) =>
        void response.json(await answer(request.method, new URL(request.url, 'http://a'))),
    )
    return app
  }

  function bare(sluice: Sluice, answer: Answer): RequestListener {
    const consistencyCookie = createConsistencyCookie(sluice, { secret: 'what both processes know' })
    return (request, response) => {
      void sluice.run(async () => {
        consistencyCookie.carry(request, response)
        const body = await answer(request.method ?? 'GET', new URL(request.url ?? '/', 'http://a'))
        response
          .writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'own=1; Max-Age=1;' })
          .end(JSON.stringify(body))
      })
    }
  }

  interface Traffic {
    readonly apps: readonly [App, App]
    readonly tries: number
    readonly keepsCookies: boolean
    /** Rows that a visitor writes, and reads, at a time. */
    readonly rows?: number
    /** Whether the app that is written to and the app that is read from swap on every iteration. */
    readonly changesOver?: boolean
  }

  /**
   * Visitors write through one app and concurrently read through the other. Returns the number of reads that
   * missed a write of their reader.
   */
  async function staleReads({
    apps,
    tries,
    keepsCookies,
    rows = 1,
    changesOver = true,
  }: Traffic): Promise<number> {
    let stale = 0
    let value = Math.floor(performance.now())
    const visit = async (visitor: Visitor) => {
      const ids = Array.from({ length: rows }, (_, at) => visitor.id + at * VISITORS)
      for (let i = 0; i < tries / VISITORS; i += 1) {
        const [writer, reader] = changesOver && i % 2 === 1 ? [apps[1], apps[0]] : apps
        value += 1
        const written = value
        await visitor.ask(writer, `/?ids=${ids}&value=${written}`, 'POST')
        const seen = (await visitor.ask(reader, `/?ids=${ids}`)) as number[]
        if (seen.some((one) => one !== written)) stale += 1
      }
    }
    await Promise.all(Array.from({ length: VISITORS }, (_, at) => visit(new Visitor(at + 1, keepsCookies))))
    return stale
  }

  it.each([
    ['lags behind', lagging],
    ['stands still', paused],
  ])(
    'returns every write that a visitor made through another process while the replica %s',
    { timeout: TEST_MS },
    async (_, begin) => {
      const apps = [await open('express', 60_000), await open('bare', 60_000)] as const
      await begin()
      expect(await staleReads({ apps, tries: 1_200, keepsCookies: true })).toBe(0)
      // Without the cookie, reads miss writes.
      expect(await staleReads({ apps, tries: 80, keepsCookies: false })).toBeGreaterThan(40)
    },
  )

  it('applies to batched lookups', { timeout: TEST_MS }, async () => {
    const apps = [await open('express', 60_000), await open('bare', 60_000)] as const
    await paused()
    // A batch includes every write of its process, so one app only writes, and the other app only reads.
    const traffic = { apps, rows: 3, changesOver: false }
    expect(await staleReads({ ...traffic, tries: 200, keepsCookies: true })).toBe(0)
    expect(await staleReads({ ...traffic, tries: 40, keepsCookies: false })).toBeGreaterThan(20)
  })

  it('holds while requests of one browser overlap, regardless of the response order', {
    timeout: TEST_MS,
  }, async () => {
    const apps = [await open('express', 60_000), await open('bare', 60_000)] as const
    await lagging(40)
    const counts = { reads: 0, stale: 0, written: 0 }
    const until = performance.now() + 6_000
    /** For 6 s, or as long as a busy machine needs for 200 reads. */
    const isOn = () => performance.now() < until || counts.reads <= 200
    const visit = async (visitor: Visitor) => {
      const ids = [visitor.id, visitor.id + VISITORS] as const
      /** The last acknowledged value of each row, as far as the browser knows. */
      const acknowledged: [number, number] = [0, 0]
      const write = async (at: 0 | 1) => {
        for (let value = 1_000_000; isOn(); value += 1) {
          await visitor.ask(apps[(value + at) % 2] as App, `/?ids=${ids[at]}&value=${value}`, 'POST')
          acknowledged[at] = value
          counts.written += 1
          await sleep((value * 137) % 700)
        }
      }
      const read = async (app: App) => {
        while (isOn()) {
          const expected = [...acknowledged] as const
          const seen = (await visitor.ask(app, `/in-turn?ids=${ids}`)) as [number, number]
          counts.reads += 1
          if (seen[0] < expected[0] || seen[1] < expected[1]) counts.stale += 1
          await sleep(5)
        }
      }
      await Promise.all([write(0), write(1), read(apps[0]), read(apps[1])])
    }
    const before = apps.map(({ stats }) => stats().replicaReads)
    await Promise.all([1, 2, 3].map((id) => visit(new Visitor(id, true))))
    const onReplica = apps.map(({ stats }, at) => stats().replicaReads - (before[at] ?? 0))
    console.log(
      `overlapping: ${counts.written} writes, ${counts.reads} reads, ${counts.stale} stale, statements on the replica ${onReplica.join(' + ')}`,
    )
    expect(counts.stale).toBe(0)
    expect(counts.reads).toBeGreaterThan(200)
    expect(Math.min(...onReplica)).toBeGreaterThan(0)
  })

  it('is removed once every replica in use has replayed the write', { timeout: TEST_MS }, async () => {
    const app = await open('express', 2_500)
    await paused()
    const visitors = Array.from({ length: VISITORS }, (_, id) => new Visitor(id + 1, true))
    await Promise.all(
      visitors.map(async (visitor) => {
        await visitor.ask(app, `/?ids=${visitor.id}&value=7`, 'POST')
        expect(visitor.cookie).not.toBe('')
        const seen: unknown[] = []
        const look = async () => {
          seen.push(await visitor.ask(app, `/?ids=${visitor.id}`))
          return visitor.cookie
        }
        await expect.poll(look, { ...SOON, interval: 20 }).toBe('')
        for (let i = 0; i < 20; i += 1) await look()
        expect(seen).toEqual(seen.map(() => [7]))
      }),
    )
  })

  it('sends the reads of one position to the primary, not those of the whole request', {
    timeout: TEST_MS,
  }, async () => {
    const { sluice, db, stats } = await open('bare', 60_000)
    await lagging()
    await sluice.run(async () => {
      // Another process wrote.
      await onPostgres(pair.primary, 'UPDATE counters SET value = 42 WHERE id = 99')
      sluice.replicas.useConsistencyToken('*')
      const before = stats()
      const read = async () => {
        expect(await db('counters').where({ id: 99 }).first()).toMatchObject({ value: 42 })
        return stats().replicaReads
      }
      expect(await read()).toBe(before.replicaReads)
      await expect.poll(read, { ...SOON, interval: 5 }).toBeGreaterThan(before.replicaReads)
      expect(stats().primaryReasons['read-your-writes']).toBeGreaterThan(
        before.primaryReasons['read-your-writes'],
      )
    })
  })
})
