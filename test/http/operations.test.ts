import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { createSluice, type ScopeReport, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import {
  sluiceHealth as expressHealth,
  sluiceRateLimit as expressLimit,
  sluiceMetrics as expressMetrics,
  sluiceLoadShed as expressShed,
  sluiceMiddleware,
} from '@sluice/express'
import { sluiceHealth, sluiceLoadShed, sluiceMetrics, sluicePlugin, sluiceRateLimit } from '@sluice/fastify'
import type {
  HealthOptions,
  LoadShedOptions,
  MetricsOptions,
  RateLimitOptions,
  RequestIdOptions,
} from '@sluice/http'
import express5 from 'express'
// @ts-expect-error its types are those of Express 5, which differ in nothing that is used here
import express4 from 'express4'
import fastify from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readOpenMetrics } from '../support/open-metrics.ts'
import { SOON } from '../support/patience.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Settings {
  readonly health?: HealthOptions
  readonly metrics?: MetricsOptions
  readonly shed?: LoadShedOptions
  readonly limit?: RateLimitOptions
  readonly requestId?: RequestIdOptions | boolean
}

type Serve = (sluice: Sluice, settings: Settings) => Promise<string>
const quiet = { report: false, serverTiming: false }

const onExpress =
  (express: typeof express5): Serve =>
  async (sluice, { health, metrics, shed, limit, requestId }) => {
    const app = express()
    app.set('trust proxy', 1)
    if (shed !== undefined) app.use(expressShed(shed))
    app.use(expressHealth(sluice, health))
    app.use('/metrics', expressMetrics(sluice, metrics))
    app.use(sluiceMiddleware(sluice, { ...quiet, ...(requestId === undefined ? {} : { requestId }) }))
    if (limit !== undefined) app.use(expressLimit(limit))
    app.get(
      '/work/:ms',
      (request, response) => void setTimeout(() => response.send('done'), Number(request.params.ms)),
    )
    app.get('/fails', () => {
      throw new Error('it fails')
    })
    // Express prints errors unless it is a test.
    app.set('env', 'test')
    return await listen(app)
  }

const onFastify: Serve = async (sluice, { health, metrics, shed, limit, requestId }) => {
  const app = fastify({ trustProxy: '127.0.0.1' })
  if (shed !== undefined) await app.register(sluiceLoadShed, shed)
  await app.register(sluiceHealth, { sluice, ...health })
  await app.register(sluiceMetrics, { sluice, ...metrics })
  await app.register(sluicePlugin, { sluice, ...quiet, ...(requestId === undefined ? {} : { requestId }) })
  if (limit !== undefined) await app.register(sluiceRateLimit, limit)
  app.get('/work/:ms', async (request) => {
    await new Promise((resolve) => setTimeout(resolve, Number((request.params as { ms: string }).ms)))
    return 'done'
  })
  app.get('/fails', async () => {
    throw new Error('it fails')
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  closing.push(() => app.close())
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function ask(url: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>(
    (resolve, reject) => {
      httpRequest(url, { headers, agent: false }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        )
      })
        .on('error', reject)
        .end()
    },
  )
}

const frameworks: readonly [string, Serve][] = [
  ['Express 5', onExpress(express5)],
  ['Express 4', onExpress(express4)],
  ['Fastify 5', onFastify],
]

describe.each(frameworks)('on %s', (_name, serve) => {
  async function setUp(settings: Settings = {}) {
    const sluice = createSluice()
    closing.push(() => sluice.close())
    const reports: ScopeReport[] = []
    sluice.on('scope', (report) => reports.push(report))
    const url = await serve(sluice, settings)
    return {
      sluice,
      url,
      reports,
      get: (path: string, headers?: Record<string, string>) => ask(`${url}${path}`, headers),
    }
  }

  describe('probes', () => {
    it('report that the process responds, and that its dependencies do', async () => {
      const { get } = await setUp({ health: { checks: { search: async () => true } } })
      expect((await get('/healthz')).body.toString()).toBe('{"status":"pass"}')
      const { status, headers, body } = await get('/readyz')
      expect([status, headers['content-type'], headers['cache-control']]).toEqual([
        200,
        'application/health+json',
        'no-store',
      ])
      expect(JSON.parse(body.toString())).toMatchObject({
        status: 'pass',
        checks: { search: [{ status: 'pass', observedUnit: 'ms' }] },
      })
    })

    it('fail when a check fails, and return the reason only to this machine', async () => {
      const checks = {
        search: () => {
          throw new Error('secret host is down')
        },
      }
      const { get } = await setUp({ health: { checks } })
      const own = await get('/readyz')
      expect([own.status, JSON.parse(own.body.toString()).checks.search[0].output]).toEqual([
        503,
        'secret host is down',
      ])
      const other = await get('/readyz', { 'x-forwarded-for': '192.0.2.1' })
      expect([other.status, other.body.toString()]).toEqual([503, '{"status":"fail"}'])
      expect((await get('/readyz', { host: 'app.example' })).body.toString()).toBe('{"status":"fail"}')
    })

    it('limit a check that hangs, and do not run it again meanwhile', async () => {
      const search = vi.fn(() => new Promise(() => {}))
      const { get } = await setUp({ health: { checks: { search }, timeoutMs: 30, cacheMs: 0 } })
      expect((await get('/readyz')).status).toBe(503)
      expect((await get('/readyz')).status).toBe(503)
      expect(search).toHaveBeenCalledTimes(1)
    })

    it('run each check once for concurrent probes', async () => {
      const search = vi.fn(async () => true)
      const { get } = await setUp({ health: { checks: { search }, cacheMs: 60_000 } })
      await Promise.all(Array.from({ length: 20 }, () => get('/readyz')))
      expect(search).toHaveBeenCalledTimes(1)
    })

    it('query the databases of attached clients', async () => {
      const { sluice, get } = await setUp({ health: { cacheMs: 0 } })
      let isUp = true
      const query = async () => {
        if (!isUp) throw new Error('gone')
        return []
      }
      hostOf(sluice).connections.attach('one', () => ({ dialect: 'sqlite', query }))
      expect((await get('/readyz')).status).toBe(200)
      isUp = false
      const { status, body } = await get('/readyz')
      expect([status, JSON.parse(body.toString()).checks.database[0].output]).toEqual([503, 'gone'])
    })
  })

  describe('metrics', () => {
    it('carry method, route and status of requests, including those without a route, with errors, and with disconnected clients', async () => {
      const { url, get, reports } = await setUp()
      await get('/work/1')
      await get('/nothing/here')
      await get('/fails')
      const gone = httpRequest(`${url}/work/200`, { agent: false })
      gone.on('error', () => {})
      gone.end()
      await new Promise((resolve) => setTimeout(resolve, 60))
      gone.destroy()
      await vi.waitFor(() => expect(reports).toHaveLength(4), SOON)
      const { headers, body } = await get('/metrics')
      expect([headers['content-type'], headers['cache-control']]).toEqual([
        'text/plain; version=0.0.4; charset=utf-8',
        'no-store',
      ])
      const count = 'http_server_request_duration_seconds_count'
      const text = body.toString()
      expect(text).toContain(
        `${count}{http_request_method="GET",http_route="/work/:ms",http_response_status_code="200"} 1\n`,
      )
      expect(text).toContain(`${count}{http_request_method="GET",http_response_status_code="404"} 1\n`)
      expect(text).toContain(
        `${count}{http_request_method="GET",http_route="/fails",http_response_status_code="500"} 1\n`,
      )
      expect(text).toContain(`${count}{http_request_method="GET",http_route="/work/:ms"} 1\n`)
    })

    it('are compressed for clients that accept it, and shown to authorized clients', async () => {
      const { get } = await setUp({
        metrics: { authorize: (request) => request.headers.authorization === 'Bearer m' },
      })
      expect((await get('/metrics')).status).toBe(403)
      const { headers, body } = await get('/metrics', {
        authorization: 'Bearer m',
        'accept-encoding': 'gzip',
      })
      expect(headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(body).toString()).toContain('# TYPE ')
      expect(
        (await get('/metrics', { authorization: 'Bearer m', 'accept-encoding': 'gzip;q=0' })).headers[
          'content-encoding'
        ],
      ).toBeUndefined()
    })
  })

  describe('metrics in the format of OpenMetrics', () => {
    const accept = 'application/openmetrics-text; version=1.0.0, text/plain; version=0.0.4; q=0.5'

    it('are returned to clients that accept it, with the id of a request as the exemplar', async () => {
      const { get, reports } = await setUp({ requestId: { trust: true } })
      await get('/work/1', { 'x-request-id': 'mine-1' })
      await vi.waitFor(() => expect(reports).toHaveLength(1), SOON)
      const { headers, body } = await get('/metrics', { accept })
      expect([headers['content-type'], headers.vary]).toEqual([
        'application/openmetrics-text; version=1.0.0; charset=utf-8',
        'Accept, Accept-Encoding',
      ])
      const times = readOpenMetrics(body.toString()).get('http_server_request_duration_seconds')
      expect(times).toMatchObject({ type: 'histogram', unit: 'seconds' })
      expect(times?.samples.flatMap(({ exemplar }) => exemplar?.labels.get('request_id') ?? [])).toEqual([
        'mine-1',
      ])
      const packed = await get('/metrics', { accept, 'accept-encoding': 'gzip' })
      expect(packed.headers['content-encoding']).toBe('gzip')
      readOpenMetrics(gunzipSync(packed.body).toString())
      const plain = await get('/metrics', { accept: 'text/plain' })
      expect([plain.headers['content-type'], plain.body.toString()]).toEqual([
        'text/plain; version=0.0.4; charset=utf-8',
        expect.not.stringContaining('mine-1'),
      ])
    })

    it('contain every family of every engine that the other format contains', async () => {
      const { get, sluice } = await setUp()
      sluice.monitor?.startCollecting()
      sluice.balancer?.registerNode('127.0.0.1', 1)
      sluice.jobs?.createQueue('mails', 1)
      sluice.jobs?.registerProcessor('mails', async () => 'sent')
      sluice.jobs?.start()
      await sluice.jobs?.enqueueTask({}, 'normal', 'mails')
      await get('/work/1')
      await get('/fails')
      await vi.waitFor(
        async () => expect((await get('/metrics')).body.toString()).toContain('sluice_scope_failures_total'),
        SOON,
      )
      const written = [...(await get('/metrics')).body.toString().matchAll(/^# TYPE (\S+) (\w+)$/gm)]
      const names = written.map(([, name = '', type]) =>
        type === 'counter' ? name.replace(/_total$/, '') : name,
      )
      const read = readOpenMetrics((await get('/metrics', { accept })).body.toString())
      expect(names.length).toBeGreaterThan(30)
      // These may be measured for the first time in between.
      const late = ['sluice_gc_pause_seconds', 'sluice_event_loop_delay_seconds']
      const lasting = (all: readonly string[]) => all.filter((name) => !late.includes(name)).toSorted()
      expect(lasting([...read.keys()])).toEqual(lasting(names))
    })
  })

  describe('ids of requests', () => {
    it('are generated for each request, regardless of its headers, and are reported by its scope', async () => {
      const { get, reports } = await setUp()
      const { headers } = await get('/work/1', { 'x-request-id': 'theirs' })
      expect(headers['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f-]{27}$/)
      await vi.waitFor(() => expect(reports).toHaveLength(1), SOON)
      expect(reports[0]?.requestId).toBe(headers['x-request-id'])
    })

    it('are accepted from trusted clients if they are well-formed', async () => {
      const { get } = await setUp({ requestId: { trust: true } })
      expect((await get('/work/1', { 'x-request-id': 'abc-1' })).headers['x-request-id']).toBe('abc-1')
      for (const id of ['a b', '<x>', ''.padEnd(129, 'a')]) {
        expect((await get('/work/1', { 'x-request-id': id })).headers['x-request-id']).toMatch(
          /^[\da-f-]{36}$/,
        )
      }
    })

    it('are omitted when they are disabled', async () => {
      const { get } = await setUp({ requestId: false })
      expect((await get('/work/1')).headers['x-request-id']).toBeUndefined()
    })
  })

  it('rejects excess requests, but neither probes nor those with the highest priority', async () => {
    const { get } = await setUp({
      shed: {
        maxConcurrent: 2,
        retryAfterSeconds: 7,
        priority: (request) => (request.headers['x-priority'] as 'low' | 'critical' | undefined) ?? 'normal',
      },
    })
    const first = get('/work/300')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect((await get('/work/1', { 'x-priority': 'low' })).status).toBe(503)
    const second = get('/work/300')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const refused = await get('/work/1')
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '7'])
    expect((await get('/work/1', { 'x-priority': 'critical' })).status).toBe(200)
    expect((await get('/readyz')).status).toBe(200)
    expect((await get('/metrics')).status).toBe(200)
    expect([(await first).status, (await second).status]).toEqual([200, 200])
    expect((await get('/work/1')).status).toBe(200)
  })

  it('shows metrics without authorize only to this machine', async () => {
    const { get } = await setUp()
    expect((await get('/metrics')).status).toBe(200)
    for (const headers of [{ 'x-forwarded-for': '10.0.0.1' }, { host: 'attacker.example' }] as Record<
      string,
      string
    >[])
      expect((await get('/metrics', headers)).status).toBe(403)
  })

  it.each(['production', 'staging', undefined])(
    'has no metrics without authorize if NODE_ENV is %s',
    async (environment) => {
      vi.stubEnv('NODE_ENV', environment)
      closing.push(async () => void vi.unstubAllEnvs())
      await expect(setUp()).rejects.toMatchObject({ code: 'SLUICE_AUTHORIZE_REQUIRED' })
      const { get } = await setUp({ metrics: { authorize: () => true } })
      expect((await get('/metrics', { host: 'metrics.example' })).status).toBe(200)
      expect(JSON.parse((await get('/readyz')).body.toString())).toEqual({ status: 'pass' })
    },
  )

  it('rejects requests for metrics, and reports the error, if authorize throws', async () => {
    const errors: unknown[] = []
    const failing = () => {
      throw new Error('no session')
    }
    const { get, sluice } = await setUp({ metrics: { authorize: failing } })
    sluice.on('error', (error) => errors.push(error))
    expect((await get('/metrics')).status).toBe(403)
    expect(errors).toHaveLength(1)
  })

  it('limits one client as one, regardless of the notation of its address', async () => {
    const { get } = await setUp({ limit: { requests: 1, perSeconds: 60 } })
    const statusOf = async (forwarded: string) =>
      (await get('/work/0', { 'x-forwarded-for': forwarded })).status
    const same = ['1.2.3.4', '::ffff:1.2.3.4', '::FFFF:102:304']
    for (const [at, address] of same.entries())
      expect([address, await statusOf(address)]).toEqual([address, at === 0 ? 200 : 429])
    const network = ['2001:db8:1:2::1', '2001:DB8:1:2:ffff::']
    for (const [at, address] of network.entries())
      expect([address, await statusOf(address)]).toEqual([address, at === 0 ? 200 : 429])
    // All of these are the connection's address.
    const malformed = ['1.2.3.4:80', '1.2.3.4:81', 'any', '[2001:db8::1]:80', '"1.2.3.5"']
    for (const [at, address] of malformed.entries())
      expect([address, await statusOf(address)]).toEqual([address, at === 0 ? 200 : 429])
  })

  it('rejects clients that send too many requests, and reports the remaining quota to all', async () => {
    const { get } = await setUp({
      limit: { requests: 2, perSeconds: 60, key: (request) => String(request.headers['x-client']) },
    })
    const first = await get('/work/1', { 'x-client': 'a' })
    expect([first.headers['ratelimit-policy'], first.headers.ratelimit]).toEqual([
      '"default";q=2;w=60',
      '"default";r=1;t=60',
    ])
    await get('/work/1', { 'x-client': 'a' })
    const third = await get('/work/1', { 'x-client': 'a' })
    expect(third.status).toBe(429)
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0)
    expect((await get('/work/1', { 'x-client': 'b' })).status).toBe(200)
  })
})
