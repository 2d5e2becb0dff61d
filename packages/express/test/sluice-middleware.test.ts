import { type AddressInfo, connect } from 'node:net'
import { createSluice, type Finding, type ScopeReport, type Sluice } from '@sluice/core'
import type { Operation } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { sluiceHealth, sluiceMetrics, sluiceMiddleware, sluiceResponseCache } from '@sluice/express'
import express5, { type Express } from 'express'
// @ts-expect-error its types are those of Express 5, which are the same for everything used here
import express4 from 'express4'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'

describe('options as the first argument of a middleware', () => {
  it.each([
    ['sluiceMiddleware', () => sluiceMiddleware({ report: false } as never)],
    ['sluiceHealth', () => sluiceHealth({ cheks: {} } as never)],
    ['sluiceMetrics', () => sluiceMetrics({ authorize: () => true } as never)],
    ['sluiceResponseCache', () => sluiceResponseCache({ ttlMs: 1 } as never)],
  ])('are named in the error of %s', (name, create) => {
    expect(create).toThrow(`Pass the options of ${name}() as the second argument.`)
  })

  it('are not blamed for an invalid option of the Sluice', () => {
    expect(() => sluiceMiddleware({ mode: 'fast' } as never)).toThrow(/got "fast"\.$/)
  })
})

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  for (const close of closing.splice(0)) await close()
})

async function listen(app: Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closing.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(resolve)
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function ask(sluice: Sluice, label: string): Promise<unknown> {
  const operation: Operation<unknown> = {
    source: { id: 's', orm: 'knex', dialect: 'sqlite', seesStatements: false },
    kind: 'read',
    shape: { fingerprint: label, label, kind: 'read' },
    inTransaction: false,
    run: async () => label,
  }
  return hostOf(sluice).execute(operation)
}

function setUp(express: typeof express5, options?: Parameters<typeof sluiceMiddleware>[1]) {
  const sluice = createSluice()
  const reports: ScopeReport[] = []
  sluice.on('scope', (report) => reports.push(report))
  const app = express()
  app.use(sluiceMiddleware(sluice, options))
  return { sluice, app, reports }
}

const ended = (reports: ScopeReport[], count = 1) =>
  vi.waitFor(() => expect(reports).toHaveLength(count), SOON)

const versions: readonly [string, typeof express5][] = [
  ['5', express5],
  ['4', express4],
]

describe.each(versions)('sluiceMiddleware on Express %s', (_version, express) => {
  it('reports the status of each request, and none for a request that the client aborted', async () => {
    const { sluice, app, reports } = setUp(express, { report: false })
    closing.push(() => sluice.close())
    app.get('/status/:code', (request, response) => void response.status(Number(request.params.code)).end())
    const arrived = new Promise<void>((resolve) => app.get('/never', () => resolve()))
    const url = await listen(app)
    await fetch(`${url}/status/201`)
    await fetch(`${url}/status/503`)
    const leaving = new AbortController()
    const left = fetch(`${url}/never`, { signal: leaving.signal }).catch(() => 'left')
    await arrived
    leaving.abort()
    expect(await left).toBe('left')
    await ended(reports, 3)
    expect(reports.map(({ statusCode }) => statusCode)).toEqual([201, 503, undefined])
    const text = await sluice.monitor?.metricsText()
    expect(text).toContain(
      'duration_seconds_count{http_request_method="GET",http_route="/status/:code",http_response_status_code="503"} 1\n',
    )
    expect(text).toContain('duration_seconds_count{http_request_method="GET",http_route="/never"} 1\n')
  })

  it('opens a scope for each request and names it after the route', async () => {
    const { sluice, app, reports } = setUp(express, { report: false })
    const router = express.Router()
    router.get('/:id', async (_request, response) => {
      await ask(sluice, 'one')
      await ask(sluice, 'two')
      response.json({})
    })
    app.use('/cities', router)
    const origin = await listen(app)
    await Promise.all(['1', '2'].map((id) => fetch(`${origin}/cities/${id}`)))
    await ended(reports, 2)
    expect(reports.map(({ name, queries }) => [name, queries])).toEqual([
      ['GET /cities/:id', 2],
      ['GET /cities/:id', 2],
    ])
  })

  it('opens one scope for a request if it is used twice', async () => {
    const { sluice, app, reports } = setUp(express)
    app.use(sluiceMiddleware(sluice))
    app.get('/cities', async (_request, response) => {
      await ask(sluice, 'one')
      response.json([])
    })
    const origin = await listen(app)
    for (let count = 1; count <= 2; count += 1) {
      await fetch(`${origin}/cities`)
      await ended(reports, count)
    }
    expect(reports.map(({ name, queries }) => [name, queries])).toEqual([
      ['GET /cities', 1],
      ['GET /cities', 1],
    ])
  })

  it('adds its Server-Timing header to the header of the app', async () => {
    const { sluice, app } = setUp(express, { report: false, serverTiming: true })
    app.get('/', async (_request, response) => {
      await ask(sluice, 'one')
      response.set('Server-Timing', 'app;dur=1').json({})
    })
    const response = await fetch(await listen(app))
    expect(response.headers.get('server-timing')).toMatch(
      /^app;dur=1, db;dur=[\d.]+;desc="1 queries", sluice;desc="0 from cache"$/,
    )
  })

  it.each(['production', 'staging'])(
    'sends no timings and prints nothing if NODE_ENV is %s',
    async (environment) => {
      vi.stubEnv('NODE_ENV', environment)
      const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      const { sluice, app, reports } = setUp(express)
      app.get('/', async (_request, response) => {
        for (let i = 0; i < 9; i += 1) await ask(sluice, 'again')
        response.json({})
      })
      const response = await fetch(await listen(app))
      expect(response.headers.has('server-timing')).toBe(false)
      await ended(reports)
      expect(written).not.toHaveBeenCalled()
    },
  )

  it('prints an N+1 but sends no timings if NODE_ENV is not set', async () => {
    vi.stubEnv('NODE_ENV', undefined)
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const { sluice, app, reports } = setUp(express)
    app.get('/', async (_request, response) => {
      for (let i = 0; i < 9; i += 1) await ask(sluice, 'again')
      response.json({})
    })
    expect((await fetch(await listen(app))).headers.has('server-timing')).toBe(false)
    await ended(reports)
    expect(written).toHaveBeenCalledOnce()
  })

  it('prints an N+1 once in development', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const { sluice, app, reports } = setUp(express)
    app.get('/list', async (_request, response) => {
      for (let i = 0; i < 9; i += 1) await ask(sluice, 'again')
      response.json({})
    })
    const origin = await listen(app)
    await fetch(`${origin}/list`)
    await fetch(`${origin}/list`)
    await ended(reports, 2)
    expect(written).toHaveBeenCalledOnce()
    expect(String(written.mock.calls[0]?.[0])).toMatch(/N\+1.*GET \/list.*9 queries → 1 possible/s)
  })

  it('ends the scope of a request when its client disconnects', async () => {
    const { app, reports } = setUp(express, { report: false })
    const received = new Promise<void>((resolve) => {
      app.get('/slow', () => resolve())
    })
    const { port } = new URL(await listen(app))
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'),
    )
    await received
    socket.destroy()
    await ended(reports)
  })

  it('names a request without a route after its mount path when middleware responds', async () => {
    const { app, reports } = setUp(express, { report: false })
    app.use('/graphql', (_request, response) => void response.end())
    app.use('/files', (_request, response) => void response.end())
    const url = await listen(app)
    await fetch(`${url}/graphql`)
    await fetch(`${url}/graphql/?query=1`)
    await fetch(`${url}/files/a.txt`)
    await ended(reports, 3)
    expect(reports.map(({ name }) => name)).toEqual(['GET /graphql', 'GET /graphql', 'GET /files/*'])
  })

  it('counts queries in nested scopes for Server-Timing until the headers are sent', async () => {
    const { sluice, app } = setUp(express, { report: false, serverTiming: true })
    app.get('/', async (_request, response) => {
      await ask(sluice, 'around')
      await sluice.run(async () => {
        await ask(sluice, 'inner')
        await sluice.run(() => ask(sluice, 'innermost'))
      })
      response.write('begun')
      await sluice.run(() => ask(sluice, 'late'))
      response.end()
    })
    const url = await listen(app)
    const [response] = await Promise.all([fetch(url), sluice.run(() => ask(sluice, 'elsewhere'))])
    expect(response.headers.get('server-timing')).toContain('"3 queries"')
  })

  it('ends the scope of a failing route, and omits unknown paths from names', async () => {
    const { app, reports } = setUp(express, { report: false })
    app.get('/fail', () => {
      throw new Error('no')
    })
    app.use(((_error, _request, response, _next) =>
      response.status(500).end()) as express5.ErrorRequestHandler)
    const origin = await listen(app)
    await fetch(`${origin}/fail`)
    await fetch(`${origin}/a-path-with-a-secret`)
    await ended(reports, 2)
    expect(reports.map(({ name }) => name)).toEqual(['GET /fail', 'GET (unmatched)'])
  })

  it('groups static files, ids in paths, and routes with several patterns', async () => {
    const { app, reports } = setUp(express, { report: false })
    app.use('/assets', express.static(import.meta.dirname))
    app.use(express.static(import.meta.dirname))
    app.get(['/one', '/two'], (_request, response) => void response.end())
    app.get(/^\/r\d+$/, (_request, response) => void response.end())
    const tenant = express.Router({ mergeParams: true })
    tenant.get('/users', (_request, response) => void response.end())
    app.use('/t/:tenant', tenant)
    app.use('/graphql', (_request, response) => void response.end())
    app.use((request, response, next) => (request.path.startsWith('/raw/') ? void response.end() : next()))
    const origin = await listen(app)
    const paths = ['assets/sluice-proxy.test.ts', 'sluice-proxy.test.ts', 'one', 'two', 'r7', 't/81/users']
    for (const path of [...paths, 'graphql', 'raw/15?q=2', 'assets/missing.js'])
      await fetch(`${origin}/${path}`).then((response) => response.text())
    await ended(reports, 9)
    expect(reports.map(({ name }) => name)).toEqual([
      'GET /assets/*',
      'GET /*',
      'GET /one|/two',
      'GET /one|/two',
      'GET /^\\/r\\d+$/',
      'GET /t/:id/users',
      'GET /graphql',
      'GET /raw/:id',
      'GET (unmatched)',
    ])
  })

  it('names a request that the response cache answers before the routes after its route', async () => {
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 60 } })
    closing.push(() => sluice.close())
    const reports: ScopeReport[] = []
    sluice.on('scope', (report) => reports.push(report))
    const app = express()
    app.use(sluiceMiddleware(sluice, { report: false }))
    app.use(sluiceResponseCache(sluice, { ttlMs: 60_000, tables: [], tags: ['cities'] }))
    const router = express.Router()
    router.get('/:slug', (_request, response) => void response.json({}))
    app.use('/cities', router)
    const origin = await listen(app)
    const statuses: (string | null)[] = []
    for (const method of ['GET', 'GET', 'HEAD']) {
      const response = await fetch(`${origin}/cities/berlin`, { method })
      await response.text()
      statuses.push(response.headers.get('cache-status'))
    }
    await ended(reports, 3)
    expect(statuses.map((status) => status?.split(';')[1])).toEqual([' fwd=uri-miss', ' hit', ' hit'])
    expect(reports.map(({ name }) => name)).toEqual([
      'GET /cities/:slug',
      'GET /cities/:slug',
      'HEAD /cities/:slug',
    ])
  })

  it('limits the number of names, so that paths leave room for routes', async () => {
    const { app, reports } = setUp(express, { report: false })
    app.get('/late', (_request, response) => void response.end())
    app.use((_request, response) => void response.end())
    const origin = await listen(app)
    const letters = 'abcdefghijklmnopqrstuvwxyz'
    for (let at = 0; at < 230; at += 1)
      await fetch(`${origin}/${letters[at % 26]}/${letters[Math.floor(at / 26)]}`)
    await fetch(`${origin}/late`)
    await ended(reports, 231)
    const names = new Set(reports.map(({ name }) => name))
    expect([names.size, names.has('GET (other)'), names.has('GET /late')]).toEqual([202, true, true])
  })

  it('names the scope of a failing route when the app has no error handler', async () => {
    const { app, reports } = setUp(express, { report: false })
    app.get('/fail', (_request, _response, next) => next(new Error('no')))
    const origin = await listen(app)
    await fetch(`${origin}/fail`)
    await ended(reports)
    expect(reports[0]?.name).toBe('GET /fail')
  })

  it('emits findings with the name of the route', async () => {
    const { sluice, app, reports } = setUp(express, { report: false })
    const findings: Finding[] = []
    sluice.on('finding', (finding) => findings.push(finding))
    app.get('/items/:id', async (_request, response) => {
      for (let i = 0; i < 6; i += 1) await ask(sluice, 'item')
      response.json({})
    })
    await fetch(`${await listen(app)}/items/7`)
    await ended(reports)
    expect(findings).toMatchObject([{ scope: 'GET /items/:id', count: 6 }])
  })

  it('does not fail a request for a finding in throw mode, and warns once', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const sluice = createSluice({ detection: { mode: 'throw' } })
    const reports: ScopeReport[] = []
    sluice.on('scope', (report) => reports.push(report))
    const app = express()
    app.use(sluiceMiddleware(sluice, { report: false }))
    app.get('/items', async (_request, response) => {
      for (let i = 0; i < 6; i += 1) await ask(sluice, 'item')
      response.json({})
    })
    const origin = await listen(app)
    expect((await fetch(`${origin}/items`)).status).toBe(200)
    await fetch(`${origin}/items`)
    await ended(reports, 2)
    expect(reports.map(({ findings }) => findings.length)).toEqual([1, 1])
    expect(warning).toHaveBeenCalledOnce()
    expect(String(warning.mock.calls[0]?.[0])).toContain('expectNoNPlusOne')
  })

  it('sends a consistency cookie after a write, with Secure if a trusted proxy reports HTTPS', async () => {
    const { sluice, app } = setUp(express, { report: false, serverTiming: true, consistencyCookie: true })
    app.set('trust proxy', true)
    app.post('/', (_request, response) => {
      hostOf(sluice).writes.begin({ tables: new Set(), everything: true }).end('committed')
      response.cookie('own', '1').json({})
    })
    app.get('/', (_request, response) => void response.json({}))
    const origin = await listen(app)
    const plain = await fetch(origin, { method: 'POST' })
    expect(plain.headers.getSetCookie()).toEqual([
      'own=1; Path=/',
      expect.stringMatching(/^sluice-consistency=[\w-]{12}; Max-Age=3; Path=\/; HttpOnly; SameSite=Lax$/),
    ])
    expect(plain.headers.get('server-timing')).toContain('db;dur=')
    const secure = await fetch(origin, { method: 'POST', headers: { 'x-forwarded-proto': 'https' } })
    expect(secure.headers.getSetCookie()).toContainEqual(
      expect.stringMatching(/^sluice-consistency=.*; Secure$/),
    )
    const taken = vi.spyOn(sluice.replicas, 'useConsistencyToken')
    const read = await fetch(origin, { headers: { cookie: 'own=1; sluice-consistency=*' } })
    expect(read.headers.getSetCookie()).toEqual([])
    expect(taken).toHaveBeenCalledExactlyOnceWith('*', undefined)
  })

  it('accepts options of the cookie and counts rejected cookies', async () => {
    const consistencyCookie = { name: 'floor', secret: 'a secret of some length' }
    const { sluice, app } = setUp(express, { report: false })
    const middleware = sluiceMiddleware(sluice, { report: false, consistencyCookie })
    app.use(middleware)
    app.get('/', (_request, response) => void response.json({}))
    const response = await fetch(await listen(app), { headers: { cookie: 'floor=*' } })
    expect([response.status, middleware.consistencyCookie?.getStats()]).toEqual([
      200,
      { set: 0, taken: 0, refused: 1 },
    ])
    for (const none of [{}, { consistencyCookie: false }])
      expect(sluiceMiddleware(sluice, { report: false, ...none }).consistencyCookie).toBeUndefined()
  })

  it.each([
    ['reports', { reports: true }],
    ['serverTiming', { serverTiming: 'yes' }],
    ['consistencyCookie', { consistencyCookie: 'yes' }],
    ['consistencyCookie.name', { consistencyCookie: { name: '' } }],
    ['options', null],
  ])('throws for an invalid option %s', (option, options) => {
    const make = () => sluiceMiddleware(createSluice(), options as never)
    expect(make).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option }))
  })
})
