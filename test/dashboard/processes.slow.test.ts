import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  AlertsPage,
  CachePage,
  FindingsPage,
  JobsPage,
  MetricsPage,
  NowPage,
  ProcessRow,
  QueriesPage,
  RequestDetail,
  RequestSummary,
  RequestsPage,
  Snapshot,
} from '@sluice/dashboard/protocol'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { type AppAt, AppProcesses } from './app-process.ts'

const VISITS = [3, 4, 5] as const
const ALL = VISITS.reduce<number>((sum, visits) => sum + visits, 0)
/** Queries of `/regions`: one per region. */
const QUERIES = 8

const links = [
  {
    name: 'workers of node:cluster',
    start: (processes: AppProcesses) => processes.start(['cluster', '3'], 3),
  },
  { name: 'processes of one machine', start: startLocal },
  { name: 'processes of one Redis', start: startWithRedis, needsRedis: true },
] as const

let directory = ''
let redis: RedisServer | undefined

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-test-'))
})

afterAll(async () => {
  await redis?.stop()
  await rm(directory, { recursive: true, force: true })
})

async function startLocal(processes: AppProcesses): Promise<AppAt[]> {
  return (await Promise.all(VISITS.map(() => processes.start(['local', directory])))).flat()
}

async function startWithRedis(processes: AppProcesses): Promise<AppAt[]> {
  redis = await startRedisServer()
  const { url } = redis
  const namespace = `test-${process.pid}`
  return (await Promise.all(VISITS.map(() => processes.start(['redis', url, namespace])))).flat()
}

/**
 * Calls of the statement that each request to `/regions` sends, in all processes that respond. Route
 * statistics can be slightly older.
 */
const callsOfAll = async (app: AppAt) =>
  (await app.page<QueriesPage>('queries')).statements.find(({ sql }) => /where .*not/i.test(sql))?.calls

/** Retries until all processes respond, because a slow process is omitted on a busy machine. */
const asAllAnswer = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, SOON)

for (const { name, start, ...rest } of links)
  describe.skipIf('needsRedis' in rest && findRedisServer() === undefined)(
    `the dashboards of ${name}`,
    () => {
      const processes = new AppProcesses()
      let apps: AppAt[] = []
      const [first, second, third] = [() => apps[0] as AppAt, () => apps[1] as AppAt, () => apps[2] as AppAt]

      beforeAll(async () => {
        apps = await start(processes)
        await Promise.all(apps.map((app, at) => app.visit('/regions', VISITS[at])))
        await Promise.all(apps.map((app) => app.visit('/mail', 2, { method: 'POST' })))
        await second().visit('/kept/1', 3)
      }, TEST_MS)

      afterAll(async () => {
        await processes.end()
      }, TEST_MS)

      it('add up requests and queries', async () => {
        await asAllAnswer(async () => {
          for (const app of apps) {
            const { totals } = await app.page<NowPage>('now')
            // Includes the mails, the job of each, and stored data.
            expect(totals.requests).toBeGreaterThanOrEqual(ALL + 6 + 3)
            expect(totals.queries).toBeGreaterThanOrEqual(ALL * QUERIES + 1)
          }
        })
      })

      it('show the routes and requests of all processes', async () => {
        await asAllAnswer(async () => {
          const { routes, recent, matching } = await first().page<RequestsPage>('requests?name=regions')
          const route = routes.find(({ name }) => name === 'GET /regions')
          expect(route).toMatchObject({ requests: ALL, sample: ALL, queries: QUERIES, errors: 0 })
          expect(route?.p99).toBeGreaterThanOrEqual(route?.p50 ?? Number.POSITIVE_INFINITY)
          expect(matching).toBe(ALL)
          expect(new Set(recent.map(({ id }) => id)).size).toBe(ALL)
          expect(new Set(recent.map(({ process }) => process)).size).toBe(3)
          expect(recent.map(({ startedAt, durationMs }) => startedAt + durationMs)).toEqual(
            recent.map(({ startedAt, durationMs }) => startedAt + durationMs).sort((a, b) => b - a),
          )
        })
      })

      it('return any request of any process with its queries', async () => {
        await asAllAnswer(async () => {
          const { recent } = await first().page<RequestsPage>('requests?name=regions')
          for (const { id, process } of recent) {
            const detail = await third().page<RequestDetail>(`requests/${id}`)
            expect(detail).toMatchObject({ id, process, name: 'GET /regions' })
            expect(detail.rows.reduce((sum, { count }) => sum + count, 0)).toBe(QUERIES)
          }
        })
        await expect(third().page('requests/nothing')).rejects.toThrow('404')
      })

      it.runIf(name === 'workers of node:cluster')(
        'are separate for another Sluice instance in the same processes',
        async () => {
          const other = async () =>
            (await (await fetch(`http://127.0.0.1:${first().port}/_other/api/now`)).json()) as NowPage
          expect((await other()).totals).toMatchObject({ requests: 0, queries: 0 })
        },
      )

      it('add up the occurrences of findings', async () => {
        await asAllAnswer(async () => {
          const { findings, requests } = await second().page<FindingsPage>('findings')
          const [finding] = findings.filter(({ scope }) => scope === 'GET /regions')
          expect(finding).toMatchObject({ code: 'N_PLUS_ONE', occurrences: ALL, count: QUERIES })
          expect(findings.filter(({ scope }) => scope === 'GET /regions')).toHaveLength(1)
          expect(requests).toBeGreaterThanOrEqual(ALL + 9)
        })
      })

      it('add up statements', async () => {
        await asAllAnswer(async () => {
          const { statements, calls } = await third().page<QueriesPage>('queries')
          const asked = statements.filter(({ sql }) => /where .*not/i.test(sql))
          expect(asked).toHaveLength(1)
          expect(asked[0]).toMatchObject({ calls: ALL * QUERIES, errors: 0 })
          expect(calls).toBe(statements.reduce((sum, statement) => sum + statement.calls, 0))
        })
      })

      it('add up caches', async () => {
        await asAllAnswer(async () => {
          const cache = await first().page<CachePage>('cache')
          expect(cache.cacheHits).toBe(2)
          expect(cache.stats.itemCount).toBeGreaterThanOrEqual(1)
          expect(cache.isKeeping).toBe(true)
        })
      })

      it('group the dead letters of all processes, and retry those of a queue in all', async () => {
        await expect
          .poll(() => first().page<JobsPage>('jobs'), SOON)
          .toMatchObject({ deadLetters: { total: 6 } })
        const jobs = await first().page<JobsPage>('jobs')
        expect(jobs.deadLetters.groups).toEqual([
          expect.objectContaining({ queue: 'mail', count: 6, error: 'The mail server is unavailable.' }),
        ])
        expect(jobs.queues.find(({ queue }) => queue === 'mail')).toMatchObject({ deadLetters: 6, failed: 6 })
        const group = jobs.deadLetters.groups[0]?.key
        expect(await second().act('retry-dead-letters', { group, limit: 5 })).toEqual({ count: 5 })
      })

      it('show the metrics and alerts of all processes', async () => {
        const metrics = () => first().page<MetricsPage>('metrics?metric=cpu')
        await expect.poll(async () => (await metrics()).points.length, SOON).toBeGreaterThan(2)
        expect((await metrics()).metrics.find(({ name }) => name === 'cpu')?.sources).toBe(3)
      })

      it('show all alerts and acknowledge each in its process', async () => {
        const alarm = async () => {
          await second().visit('/alarm', 1, { method: 'POST' })
          const { active } = await first().page<AlertsPage>('alerts')
          return active.find(({ metric }) => metric === 'disk')
        }
        await expect.poll(alarm, { ...SOON, interval: 500 }).toMatchObject({ status: 'active' })
        const id = (await alarm())?.id
        expect(await third().act('acknowledge-alert', { id })).toEqual({ done: true })
        expect(await alarm()).toMatchObject({ id, status: 'acknowledged' })
        expect(await third().act('acknowledge-alert', { id: 'nothing' })).toEqual({ done: false })
      })

      it('mute a finding and set a budget in all processes', async () => {
        const { findings } = await first().page<FindingsPage>('findings')
        const id = findings.find(({ scope }) => scope === 'GET /regions')?.id
        await first().act('mute-finding', { id, muted: true })
        await first().act('set-budget', { name: 'GET /regions', queries: 4 })
        for (const app of apps) {
          const muted = await app.page<FindingsPage>('findings')
          expect(muted.findings.find((finding) => finding.id === id)?.isMuted).toBe(true)
          const { routes } = await app.page<RequestsPage>('requests')
          expect(routes.find(({ name }) => name === 'GET /regions')?.budget).toBe(4)
        }
        await third().act('mute-finding', { id, muted: false })
        expect(
          (await first().page<FindingsPage>('findings')).findings.find((finding) => finding.id === id)
            ?.isMuted,
        ).toBe(false)
      })

      it('clear the caches of all processes', async () => {
        await first().act('clear-cache', {})
        const before = await first().page<CachePage>('cache')
        await second().visit('/kept/1')
        expect((await first().page<CachePage>('cache')).cacheHits).toBe(before.cacheHits)
      })

      it('reject an unknown action like one process', async () => {
        await expect(first().act('drain-node', {})).rejects.toThrow('400')
        await expect(first().act('nothing', {})).rejects.toThrow('404')
        await expect(first().page('requests?minMs=much')).rejects.toThrow('400')
      })

      it('allow a browser that used the one-time URL of any process', async () => {
        const from = async (app: AppAt, path: string, cookie = '') => {
          const headers = { 'x-forwarded-for': '192.0.2.1', cookie }
          return await fetch(`http://127.0.0.1:${app.port}${path}`, { headers, redirect: 'manual' })
        }
        expect((await from(second(), '/_sluice/api/now')).status).toBe(401)
        expect((await from(second(), `${first().url}x`)).status).toBe(401)
        const cookie = (await from(second(), first().url)).headers.get('set-cookie')?.split(';')[0]
        expect(cookie).toMatch(/^sluice-dashboard=/)
        for (const app of apps) expect((await from(app, '/_sluice/api/now', cookie)).status).toBe(200)
        expect((await from(second(), '/_sluice/api/now', `${cookie}x`)).status).toBe(401)
        for (const app of apps) expect((await from(app, first().url)).status).toBe(401)
        expect((await from(third(), third().url)).status).toBe(303)
      })

      it('stream the events of all processes', { timeout: TEST_MS }, async () => {
        const controller = new AbortController()
        const events = first().stream(controller.signal)
        const snapshot = (await events.next()).value?.data as unknown as Snapshot
        expect(snapshot.processes.map(({ index, of, isAnswering }) => [index, of, isAnswering])).toEqual([
          [1, 3, true],
          [2, 3, true],
          [3, 3, true],
        ])
        expect(new Set(snapshot.processes.map(({ pid }) => pid))).toEqual(new Set(apps.map(({ pid }) => pid)))
        expect(snapshot.processes.find(({ id }) => id === snapshot.process.id)?.pid).toBe(first().pid)
        expect(snapshot.requests.filter(({ name }) => name === 'GET /regions')).toHaveLength(ALL)
        await second().visit('/quick', 7)
        await third().visit('/quick', 5)
        const seen = new Map<string, RequestSummary>()
        let row: { readonly requests?: number } | undefined
        let told = 0
        for await (const { data } of { [Symbol.asyncIterator]: () => events }) {
          const {
            requests = [],
            skipped = 0,
            routes = [],
          } = data as {
            requests?: RequestSummary[]
            skipped?: number
            routes?: { name: string; requests: number }[]
          }
          for (const request of requests) if (request.name === 'GET /quick') seen.set(request.id, request)
          told += requests.filter(({ name }) => name === 'GET /quick').length + skipped
          row = routes.find(({ name }) => name === 'GET /quick') ?? row
          if (seen.size === 12 && row?.requests === 12) break
        }
        controller.abort()
        expect(told).toBe(12)
        expect(new Set([...seen.values()].map(({ process }) => process)).size).toBe(2)
      })

      it.runIf('needsRedis' in rest)(
        'show only their process while Redis is unavailable, and all after it recovers',
        { timeout: TEST_MS },
        async () => {
          const visits = async () =>
            (await first().page<RequestsPage>('requests')).routes.find(
              (route) => route.name === 'GET /regions',
            )?.requests
          const before = (await first().page<NowPage>('now')).totals.errors
          await redis?.kill()
          await expect.poll(visits, SOON).toBe(VISITS[0])
          await visits()
          expect((await first().page<NowPage>('now')).totals.errors).toBe(before + 1)
          await redis?.start()
          await expect.poll(visits, SOON).toBe(ALL)
          // Each process subscribes again when it detects the outage.
          for (const app of apps) await expect.poll(() => callsOfAll(app), SOON).toBe(ALL * QUERIES)
        },
      )

      it('continue without a process that hangs, and show it', { timeout: TEST_MS }, async () => {
        process.kill(second().pid, 'SIGSTOP')
        try {
          let rows: readonly ProcessRow[] = []
          for await (const { data } of first().stream(AbortSignal.timeout(SOON.timeout))) {
            rows = (data.processes as ProcessRow[] | undefined) ?? rows
            if (rows.some(({ isAnswering }) => !isAnswering)) break
          }
          expect(rows.map(({ pid, isAnswering }) => [pid, isAnswering]).sort()).toEqual(
            apps.map((app) => [app.pid, app !== second()]).sort(),
          )
          const { routes } = await first().page<RequestsPage>('requests')
          expect(routes.find(({ name }) => name === 'GET /regions')?.requests).toBe(VISITS[0] + VISITS[2])
        } finally {
          process.kill(second().pid, 'SIGCONT')
        }
        await expect
          .poll(
            async () =>
              (await first().page<RequestsPage>('requests')).routes.find(
                ({ name }) => name === 'GET /regions',
              )?.requests,
            SOON,
          )
          .toBe(ALL)
      })

      it('forget a killed process', { timeout: TEST_MS }, async () => {
        process.kill(third().pid, 'SIGKILL')
        await expect
          .poll(
            async () =>
              (await first().page<RequestsPage>('requests')).routes.find(
                ({ name }) => name === 'GET /regions',
              )?.requests,
            SOON,
          )
          .toBe(VISITS[0] + VISITS[1])
        const { value } = await first().stream(AbortSignal.timeout(SOON.timeout)).next()
        expect(value?.data.processes).toHaveLength(2)
      })

      it('do not keep their processes alive', { timeout: TEST_MS }, async () => {
        const codes = await processes.end()
        expect(codes.filter((code) => code === 0).length).toBeGreaterThanOrEqual(
          name === 'workers of node:cluster' ? 1 : 2,
        )
      })
    },
  )

describe('dashboards of processes with shared tasks', () => {
  it('count and retry each task once', { timeout: TEST_MS }, async () => {
    const processes = new AppProcesses()
    onTestFinished(async () => void (await processes.end()))
    const file = join(directory, 'jobs.db')
    const [[first], [second]] = (await Promise.all(
      [1, 2].map(() => processes.start(['local', directory, file])),
    )) as [[AppAt], [AppAt]]
    await first.visit('/mail', 4, { method: 'POST' })
    await second.visit('/mail', 3, { method: 'POST' })
    for (const app of [first, second])
      await expect
        .poll(() => app.page<JobsPage>('jobs'), SOON)
        .toMatchObject({ isShared: true, deadLetters: { total: 7, groups: [{ count: 7 }] } })
    const { queues } = await second.page<JobsPage>('jobs')
    expect(queues.find(({ queue }) => queue === 'mail')).toMatchObject({
      deadLetters: 7,
      failed: 7,
      maxConcurrency: 20,
    })
    await first.act('pause-queue', { queue: 'mail' })
    expect(await second.act('retry-dead-letters', { queue: 'mail' })).toEqual({ count: 7 })
    await expect.poll(() => first.page<JobsPage>('jobs'), SOON).toMatchObject({ deadLetters: { total: 0 } })
  })
})

describe('sockets of local processes', () => {
  it('are in a private directory and are removed with their processes', async () => {
    const { mode } = await stat(directory)
    expect(mode & 0o077).toBe(0)
    const [group, ...others] = (await readdir(directory, { withFileTypes: true })).filter((entry) =>
      entry.isDirectory(),
    )
    expect(others).toEqual([])
    expect(await readdir(join(directory, group?.name ?? ''))).toEqual([])
  })
})
