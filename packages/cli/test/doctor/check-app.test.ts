import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSnapshot } from '../../src/dashboard/protocol.ts'
import { scopeChecks } from '../../src/doctor/check-app.ts'
import { type FakeDashboard, fakeDashboard } from '../support/fake-dashboard.ts'
import { wireSnapshot } from '../support/live.ts'
import { sluice } from '../support/run-sluice.ts'

const toldBy = (snapshot: ReturnType<typeof readSnapshot>) => ({ snapshot, totals: snapshot.totals })
const watch = (
  queries: number,
  scopes: number,
  scopeQueries: number,
  totals = { requests: 9, queries: 99 },
) => ({
  queries,
  scopes,
  scopeQueries,
  errors: 0,
  ...toldBy(readSnapshot(wireSnapshot([], { totals }))),
})
const text = (...of: Parameters<typeof watch>) =>
  scopeChecks(watch(...of), 5_000).map(({ level, text: what }) => `${level} ${what}`)

describe('scopeChecks', () => {
  it('passes when scopes contain the queries', () => {
    expect(text(100, 10, 96)).toEqual(['ok scopes: 10 in 5 s, which contain the queries'])
    expect(text(100, 10, 130)).toEqual(['ok scopes: 10 in 5 s, which contain the queries'])
  })

  it('warns when the middleware is missing, or comes after some routes', () => {
    expect(text(100, 0, 0)).toEqual(['warn scopes: 100 queries in 5 s, none of them in a scope'])
    expect(text(100, 10, 40)).toEqual(['warn scopes: about 60% of 100 queries in 5 s were outside scopes'])
  })

  it('does not judge too few queries, unless earlier counters suffice', () => {
    expect(text(3, 1, 3)).toEqual(['warn scopes: not checked, 3 queries in 5 s'])
    expect(text(0, 0, 0, { requests: 0, queries: 1_500 })).toEqual([
      'warn scopes: 1,500 queries since the app started, and no scope',
    ])
  })
})

describe('sluice doctor --url', () => {
  let fake: FakeDashboard
  beforeEach(async () => {
    fake = await fakeDashboard()
    fake.answer = (request, response) => {
      if (request.url !== '/_sluice/api/cache') return false
      response.end(
        JSON.stringify({ results: { storeHits: 5, stored: 3 }, tiered: { storeHits: 2, storeErrors: 0 } }),
      )
      return true
    }
  })
  afterEach(() => fake.close())

  const checks = async (...args: string[]) => {
    const { code, out } = await sluice('doctor', 'file::memory:', '--json', '--seconds', '0.5', ...args)
    return {
      code,
      checks: (JSON.parse(out).checks as { level: string; text: string }[]).map(
        ({ level, text: what }) => `${level} ${what}`,
      ),
    }
  }

  it('reports queries inside and outside scopes, the mode, the engines and the shared store', async () => {
    const { answer } = fake
    fake.answer = (request, response) => {
      const timed = { timedRequests: 60, overheadMs: 3, timedMs: 600 }
      const delta = {
        at: 2,
        totals: { requests: 1_001, queries: 1_600, errors: 2, ...timed },
        requests: [{ queries: 20 }],
        skipped: 1,
      }
      if (request.url?.endsWith('/stream') === true) setTimeout(() => fake.send('delta', delta), 50)
      return answer?.(request, response) === true
    }
    const found = (await checks('--url', fake.url)).checks
    expect(found).toContain('ok atlas: process 7 on here, one of 4')
    expect(found).toContain('ok mode: observe, which does not change results')
    expect(found).toContain('ok enabled: detection, cache, database, monitor')
    expect(found).toContain('warn scopes: about 60% of 100 queries in 0.5 s were outside scopes')
    expect(found).toContain('ok shared store: 3 values stored, 7 hits')
    expect(found).toContain('ok overhead: Sluice adds 50 µs per request, <1% of its duration')
    expect(found).toContain('warn 2 errors inside Sluice: it passed these operations through')
  })

  const WARNING =
    'warn optimize has no effect: 12 reads used a synchronous client, such as better-sqlite3 with Drizzle'
  it.each([
    [{}, [WARNING]],
    [{ batched: 1 }, []],
    [{ passedThrough: [{ reason: 'NO_SCOPE', count: 9 }] }, []],
  ])('warns that optimize has no effect on a synchronous client: %j', async (page, warnings) => {
    fake.answer = (request, response) => {
      if (request.url !== '/_sluice/api/cache') return false
      const counts = { cacheHits: 0, batched: 0, prefetched: 0 }
      const passedThrough = [{ reason: 'SYNCHRONOUS_CLIENT', count: 12 }]
      response.end(JSON.stringify({ ...counts, passedThrough, ...page }))
      return true
    }
    const found = (await checks('--url', fake.url)).checks.filter((line) => line.includes('synchronous'))
    expect(found).toEqual(warnings)
  })

  const withQueues = async (queues: readonly object[]) => {
    await fake.close()
    fake = await fakeDashboard(wireSnapshot([], { engines: { cache: false, jobs: true } }))
    fake.answer = (request, response) => {
      if (request.url !== '/_sluice/api/jobs') return false
      response.end(JSON.stringify({ isOpen: true, queues }))
      return true
    }
  }

  it('fails with the reasons of the engine when a queue is unhealthy, such as because of a full disk', async () => {
    const full =
      'Its backend rejects writes: The SQLite file "a.db" cannot grow: the disk is full (SQLITE_FULL: database or disk is full).'
    await withQueues([
      { queue: 'mail', health: 'unhealthy', reasons: [full, '3 of 4 tasks failed permanently.'] },
      { queue: 'bills', health: 'degraded', reasons: ['A task has waited for 90 seconds.'] },
      { queue: 'default', health: 'healthy', reasons: [] },
    ])
    const { out } = await sluice('doctor', 'file::memory:', '--json', '--seconds', '0.5', '--url', fake.url)
    const found = (JSON.parse(out).checks as { text: string }[]).filter(({ text: what }) =>
      what.startsWith('jobs'),
    )
    expect(found).toEqual([
      {
        level: 'fail',
        text: 'jobs: queue "mail" is unhealthy',
        fix: `${full} 3 of 4 tasks failed permanently.`,
      },
      { level: 'warn', text: 'jobs: queue "bills" is degraded', fix: 'A task has waited for 90 seconds.' },
    ])
  })

  it('passes when all queues are healthy, and when jobs are not used', async () => {
    await withQueues([{ queue: 'default', health: 'healthy', reasons: [] }])
    expect((await checks('--url', fake.url)).checks).toContain('ok jobs: all queues are healthy: default')
    await withQueues([])
    expect((await checks('--url', fake.url)).checks.filter((line) => line.includes('jobs:'))).toEqual([])
  })

  it('exits with code 3 when the app does not respond, after all other checks', async () => {
    await fake.close()
    const { code, checks: found } = await checks('--url', fake.url)
    expect(code).toBe(3)
    expect(found[0]).toMatch(/^ok Node\.js/)
    expect(found.at(-1)).toMatch(/^fail Cannot connect to http/)
  })
})
