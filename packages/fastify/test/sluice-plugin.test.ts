import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createSluice, type Finding, type ScopeReport, type Sluice } from '@sluice/core'
import type { Operation } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { expectNoNPlusOne, expectQueries } from '@sluice/core/testing'
import { sluicePlugin } from '@sluice/fastify'
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { askRaw } from '../../http/test/world.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** Runs one query, as an ORM would. */
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

interface World {
  readonly sluice: Sluice
  readonly app: FastifyInstance
  readonly reports: ScopeReport[]
  /** Whether each label was queried in a scope. */
  readonly inScope: Record<string, boolean>
  query(label: string): Promise<unknown>
}

async function setUp(
  options: Parameters<typeof sluicePlugin>[1] = { report: false },
  server: FastifyServerOptions = {},
): Promise<World> {
  const sluice = createSluice()
  const reports: ScopeReport[] = []
  sluice.on('scope', (report) => reports.push(report))
  const app = fastify(server)
  onTestFinished(() => app.close())
  await app.register(sluicePlugin, { sluice, ...options })
  const inScope: Record<string, boolean> = {}
  const query = (label: string) => {
    inScope[label] = hostOf(sluice).scopes.current() !== undefined && inScope[label] !== false
    return ask(sluice, label)
  }
  return { sluice, app, reports, inScope, query }
}

async function listen(app: FastifyInstance): Promise<string> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

const ended = (reports: ScopeReport[], count = 1) =>
  vi.waitFor(() => expect(reports).toHaveLength(count), SOON)
const outside = (values: Record<string, boolean>) => Object.keys(values).filter((label) => !values[label])

describe('sluicePlugin', () => {
  it('opens one scope for a request if it is registered twice', async () => {
    const { sluice, app, reports, query } = await setUp()
    await app.register(sluicePlugin, { sluice, report: false })
    app.get('/cities', async () => {
      await query('one')
      return []
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

  it('opens a scope for each request and names it after the route', async () => {
    const { app, reports, query } = await setUp()
    await app.register(
      async (cities) => {
        cities.get('/:id', async () => {
          await query('one')
          await query('two')
          return {}
        })
      },
      { prefix: '/cities' },
    )
    const origin = await listen(app)
    await Promise.all(['1', '2'].map((id) => fetch(`${origin}/cities/${id}?a=b`)))
    await ended(reports, 2)
    expect(reports.map(({ name, queries }) => [name, queries])).toEqual([
      ['GET /cities/:id', 2],
      ['GET /cities/:id', 2],
    ])
  })

  it('covers sibling routes and routes of other plugins, even those registered earlier', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    const sluice = createSluice()
    const reports: ScopeReport[] = []
    sluice.on('scope', (report) => reports.push(report))
    app.register(async (child) => {
      child.get('/child', async () => ask(sluice, 'child'))
    })
    app.register(sluicePlugin, { sluice, report: false })
    app.get('/', async () => ask(sluice, 'root'))
    await app.inject('/')
    await app.inject('/child')
    await ended(reports, 2)
    expect(reports.map(({ queries }) => queries)).toEqual([1, 1])
  })

  it.each(['async', 'callback'] as const)(
    'provides the scope in every hook, handler and error handler, written as %s',
    async (style) => {
      const { app, reports, inScope, query } = await setUp()
      const hook = (name: string) =>
        style === 'async'
          ? async () => {
              await query(name)
              await nextTurn()
              await query(`${name}, later`)
            }
          : (...args: unknown[]) => {
              const done = args.at(-1) as () => void
              query(name).then(() => setImmediate(() => query(`${name}, later`).then(() => done())))
            }
      for (const name of [
        'onRequest',
        'preParsing',
        'preValidation',
        'preHandler',
        'preSerialization',
        'onSend',
        'onError',
      ] as const) {
        const run = hook(name)
        const arity = { onRequest: 3, preValidation: 3, preHandler: 3 }[name as string] ?? 4
        // Fastify distinguishes the two styles by the number of parameters.
        Object.defineProperty(run, 'length', { value: style === 'async' ? arity - 1 : arity })
        app.addHook(name as 'onRequest', run)
      }
      app.setErrorHandler(async (_error, _request, reply) => {
        await query('error handler')
        return reply.code(500).send({})
      })
      app.post('/well', async () => {
        await query('handler')
        return {}
      })
      app.post('/fails', async () => {
        await query('failing handler')
        throw new Error('no')
      })
      const origin = await listen(app)
      const post = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
      expect((await fetch(`${origin}/well`, post)).status).toBe(200)
      expect((await fetch(`${origin}/fails`, post)).status).toBe(500)
      await ended(reports, 2)
      expect(outside(inScope)).toEqual([])
      expect(Object.keys(inScope)).toHaveLength(17)
      // Hooks with two queries each: six without onError; and the handler.
      expect(reports.map(({ name, queries }) => [name, queries])).toEqual([
        ['POST /well', 13],
        ['POST /fails', 16],
      ])
    },
  )

  it('keeps scopes separate when large bodies arrive in interleaved chunks on keep-alive connections', async () => {
    const { app, reports, inScope, query } = await setUp({ report: false }, { bodyLimit: 10_000_000 })
    let arrived = 0
    app.addHook('preParsing', async () => {
      arrived += 1
    })
    app.post<{ Body: { id: string; queries: number; text: string } }>('/:id', async ({ body }) => {
      for (let at = 0; at < body.queries; at += 1) {
        await query(body.id)
        await nextTurn()
      }
      return { id: body.id, length: body.text.length }
    })
    const origin = await listen(app)
    const agent = new Agent({ keepAlive: true, maxSockets: 2 })
    onTestFinished(() => agent.destroy())
    for (let round = 0; round < 3; round += 1) {
      const before = arrived
      const sent = [1, 2].map((at) => {
        const text = JSON.stringify({
          id: `${round}.${at}`,
          queries: at * 2,
          text: 'x'.repeat(1_000_000 * at),
        })
        const headers = { 'content-type': 'application/json', 'content-length': String(text.length) }
        const request = httpRequest(`${origin}/${at}`, { agent, method: 'POST', headers })
        const answer = once(request, 'response').then(async ([response]) =>
          JSON.parse(Buffer.concat(await response.toArray()).toString()),
        )
        return { text, request, answer }
      })
      for (const { request } of sent) request.flushHeaders()
      // Both wait for their bodies before anything of these is sent.
      await vi.waitFor(() => expect(arrived).toBe(before + 2), SOON)
      for (let piece = 0; piece < 4; piece += 1) {
        for (const { text, request } of sent) {
          const quarter = Math.ceil(text.length / 4)
          await new Promise((resolve) =>
            request.write(text.slice(piece * quarter, (piece + 1) * quarter), resolve),
          )
        }
      }
      for (const { request } of sent) request.end()
      expect(await Promise.all(sent.map(({ answer }) => answer))).toEqual([
        { id: `${round}.1`, length: 1_000_000 },
        { id: `${round}.2`, length: 2_000_000 },
      ])
    }
    await ended(reports, 6)
    expect(outside(inScope)).toEqual([])
    expect(reports.map(({ queries }) => queries).sort()).toEqual([2, 2, 2, 4, 4, 4])
  })

  it('restores the scope when a hook continues from an event of the body', async () => {
    const { app, reports, inScope, query } = await setUp()
    app.addHook('preParsing', (_request, _reply, payload, done) => {
      const chunks: Buffer[] = []
      payload.on('data', (chunk: Buffer) => chunks.push(chunk))
      payload.on('end', () => done(null, Readable.from([Buffer.concat(chunks)])))
    })
    app.addHook('preValidation', async () => query('preValidation'))
    app.post('/', async () => query('handler'))
    const { hostname, port } = new URL(await listen(app))
    const socket = connect(Number(port), hostname)
    socket.write(
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a"',
    )
    await nextTurn()
    socket.write(':1}')
    await once(socket, 'data')
    socket.destroy()
    await ended(reports)
    expect(inScope).toEqual({ preValidation: true, handler: true })
    expect(reports[0]?.queries).toBe(2)
  })

  it('gives each pipelined request on a connection its own scope', async () => {
    const { app, reports, query } = await setUp()
    app.get<{ Params: { queries: number } }>('/:queries', async ({ params }) => {
      for (let at = 0; at < Number(params.queries); at += 1) {
        await query('again')
        await nextTurn()
      }
      return {}
    })
    const { port } = new URL(await listen(app))
    const text = await askRaw(
      Number(port),
      [3, 1, 2].map((queries) => `GET /${queries} HTTP/1.1\r\nhost: a\r\n\r\n`).join(''),
    )
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(3)
    await ended(reports, 3)
    expect(reports.map(({ queries }) => queries).sort()).toEqual([1, 2, 3])
  })

  it('provides the scope while a stream is sent, even when it waits for a slow client', async () => {
    const { app, reports, inScope, query } = await setUp()
    app.get('/', (_request, reply) => {
      async function* chunks() {
        for (let at = 0; at < 40; at += 1) {
          await query('chunk')
          yield Buffer.alloc(200_000)
        }
      }
      reply.send(Readable.from(chunks()))
    })
    const { port } = new URL(await listen(app))
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'),
    )
    let received = 0
    socket.on('data', (data) => {
      received += data.length
    })
    socket.pause()
    await vi.waitFor(() => expect(inScope).toEqual({ chunk: true }), SOON)
    socket.resume()
    await once(socket, 'close')
    expect(received).toBeGreaterThan(8_000_000)
    await ended(reports)
    expect(inScope).toEqual({ chunk: true })
    expect(reports[0]?.queries).toBe(40)
  })

  it('provides the scope in error hooks when a handler times out and when a stream fails', async () => {
    const { app, reports, inScope, query } = await setUp({ report: false }, { handlerTimeout: 20 })
    app.addHook(
      'onError',
      async (_request, _reply, error) => void (await query(error.message.split(' ')[0] ?? '')),
    )
    app.setErrorHandler(async (error: Error, _request, reply) => {
      await query(`${error.message.split(' ')[0]}, handled`)
      return reply.code(500).send({})
    })
    app.get('/slow', async () => await new Promise(() => {}))
    app.get('/stream', (_request, reply) => {
      reply.send(new Readable({ read: () => {} }).on('resume', () => {}).destroy(new Error('Cut off')))
    })
    const origin = await listen(app)
    expect((await fetch(`${origin}/slow`)).status).toBe(500)
    expect((await fetch(`${origin}/stream`)).status).toBe(500)
    await ended(reports, 2)
    expect(outside(inScope)).toEqual([])
    expect(reports.map(({ queries }) => queries)).toEqual([2, 2])
  })

  it('names requests without a route, and HEAD requests', async () => {
    const { app, reports } = await setUp()
    app.get('/items/:id', async () => 'item')
    app.get('/gone', (_request, reply) => void reply.callNotFound())
    const origin = await listen(app)
    await fetch(`${origin}/a-path-with-a-secret`)
    await fetch(`${origin}/items/1`, { method: 'HEAD' })
    await fetch(`${origin}/gone`)
    await ended(reports, 3)
    expect(reports.map(({ name }) => name)).toEqual(['GET (unmatched)', 'HEAD /items/:id', 'GET /gone'])
  })

  it('names static files after their wildcard, and paths without a route in a prefix as unmatched', async () => {
    const { app, reports } = await setUp()
    // As `@fastify/static` registers it.
    app.get('/assets/*', async () => 'file')
    await app.register(
      async (child) => {
        child.setNotFoundHandler((_request, reply) => void reply.code(404).send('none'))
      },
      { prefix: '/shop' },
    )
    const origin = await listen(app)
    for (const path of ['/assets/a.js', '/assets/b/c.css', '/shop/secret', '/shop/9'])
      await fetch(origin + path).then((response) => response.text())
    await ended(reports, 4)
    expect(reports.map(({ name }) => name)).toEqual([
      'GET /assets/*',
      'GET /assets/*',
      'GET (unmatched)',
      'GET (unmatched)',
    ])
  })

  it('ends the scope when the client disconnects and when a hijacked reply ends', async () => {
    const { app, reports } = await setUp()
    const received = new Promise<void>((resolve) => {
      app.get('/slow', (_request, reply) => {
        reply.hijack()
        resolve()
      })
    })
    app.get('/by-hand', (_request, reply) => {
      reply.hijack()
      reply.raw.end('well')
    })
    const origin = await listen(app)
    const { port } = new URL(origin)
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'),
    )
    await received
    expect(reports).toEqual([])
    socket.destroy()
    await ended(reports)
    expect(await (await fetch(`${origin}/by-hand`)).text()).toBe('well')
    await ended(reports, 2)
  })

  it('ends the scope of an injected request', async () => {
    const { app, reports, query } = await setUp()
    app.post('/', async () => query('one'))
    const answer = await app.inject({ method: 'POST', url: '/', payload: { a: 1 } })
    expect([answer.statusCode, answer.body]).toEqual([200, 'one'])
    await ended(reports)
    expect(reports[0]).toMatchObject({ name: 'POST /', queries: 1 })
  })
})

describe('expectQueries and expectNoNPlusOne', () => {
  it('count only the queries of the injected request', async () => {
    const { app, sluice, query } = await setUp()
    app.get('/', async () => {
      for (let i = 0; i < 6; i += 1) await query('again')
      return {}
    })
    const inject = () => app.inject('/')
    await Promise.all([expectQueries(inject, { sluice }).toBe(6), inject()])
    await expect(expectNoNPlusOne(inject, { sluice })).rejects.toThrow('again')
  })
})

describe('reports of sluicePlugin', () => {
  it('adds Server-Timing to the header of the app for any way to write headers', async () => {
    const { app, query } = await setUp({ report: false, serverTiming: true })
    app.get('/', async (_request, reply) => {
      await query('one')
      return reply.header('Server-Timing', 'app;dur=1').send({})
    })
    app.get('/by-hand', async (_request, reply) => {
      await query('one')
      reply.hijack()
      reply.raw.writeHead(200, ['server-timing', 'app;dur=1', 'x-a', '1', 'x-a', '2']).end()
    })
    app.get('/stream', async () =>
      Readable.from(
        (async function* () {
          await query('one')
          yield 'text'
        })(),
      ),
    )
    const origin = await listen(app)
    const own = /db;dur=[\d.]+;desc="1 queries", sluice;desc="0 from cache"$/
    const timingOf = async (path: string) => (await fetch(`${origin}${path}`)).headers.get('server-timing')
    expect(await timingOf('/')).toMatch(new RegExp(`^app;dur=1, ${own.source}`))
    expect(await timingOf('/by-hand')).toMatch(new RegExp(`^app;dur=1, ${own.source}`))
    expect(await timingOf('/stream')).toMatch(own)
  })

  it.each(['production', 'staging'])(
    'sends no timings and prints nothing if NODE_ENV is %s',
    async (environment) => {
      vi.stubEnv('NODE_ENV', environment)
      const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      const { app, reports, query } = await setUp({})
      app.get('/', async () => {
        for (let i = 0; i < 9; i += 1) await query('again')
        return {}
      })
      const response = await fetch(await listen(app))
      expect(response.headers.has('server-timing')).toBe(false)
      await ended(reports)
      expect(reports[0]?.findings).toHaveLength(1)
      expect(written).not.toHaveBeenCalled()
    },
  )

  it('prints an N+1 once in development, and nothing after the app is closed', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const { app, reports, query, sluice } = await setUp({})
    app.get('/list', async () => {
      for (let i = 0; i < 9; i += 1) await query('again')
      return {}
    })
    const origin = await listen(app)
    await fetch(`${origin}/list`)
    await fetch(`${origin}/list`)
    await ended(reports, 2)
    expect(written).toHaveBeenCalledOnce()
    expect(String(written.mock.calls[0]?.[0])).toMatch(/N\+1.*GET \/list.*9 queries → 1 possible/s)
    await app.close()
    await sluice.run(
      async () => {
        for (let i = 0; i < 9; i += 1) await query('again')
      },
      { name: 'another' },
    )
    expect(written).toHaveBeenCalledOnce()
  })

  it('emits findings with the name of the route', async () => {
    const { sluice, app, reports, query } = await setUp()
    const findings: Finding[] = []
    sluice.on('finding', (finding) => findings.push(finding))
    app.get('/items/:id', async () => {
      for (let i = 0; i < 6; i += 1) await query('item')
      return {}
    })
    await fetch(`${await listen(app)}/items/7`)
    await ended(reports)
    expect(findings).toMatchObject([{ scope: 'GET /items/:id', count: 6 }])
  })

  it('does not fail a request for a finding in throw mode, and warns once', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const sluice = createSluice({ detection: { mode: 'throw' } })
    const { app, reports } = await setUp({ report: false, sluice })
    sluice.on('scope', (report) => reports.push(report))
    app.get('/items', async () => {
      for (let i = 0; i < 6; i += 1) await ask(sluice, 'item')
      return {}
    })
    const origin = await listen(app)
    expect((await fetch(`${origin}/items`)).status).toBe(200)
    await fetch(`${origin}/items`)
    await ended(reports, 2)
    expect(reports.map(({ findings }) => findings.length)).toEqual([1, 1])
    expect(warning).toHaveBeenCalledOnce()
    expect(String(warning.mock.calls[0]?.[0])).toContain('expectNoNPlusOne')
  })
})

describe('options of sluicePlugin', () => {
  it.each([
    ['reports', { reports: true }],
    ['serverTiming', { serverTiming: 'yes' }],
    ['sluice', { sluice: 'mine' }],
    ['mode', { sluice: { mode: 'fast' } }],
  ])('throws for an invalid option %s', async (option, options) => {
    const app = fastify()
    await expect(async () => await app.register(sluicePlugin, options as never)).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
      option,
    })
  })

  it('ignores the options of register, such as prefix and logLevel', async () => {
    const { app, reports } = await setUp({ report: false, prefix: '/a', logLevel: 'warn' } as never)
    app.get('/', async () => 'well')
    await app.inject('/')
    await ended(reports)
  })

  it('closes a Sluice that it created when the app closes', async () => {
    const close = vi.spyOn(Object.getPrototypeOf(createSluice()), 'close')
    const own = fastify()
    await own.register(sluicePlugin, { sluice: { mode: 'optimize' }, report: false })
    await own.close()
    expect(close).toHaveBeenCalledOnce()
    const { app } = await setUp()
    await app.close()
    expect(close).toHaveBeenCalledOnce()
  })
})

describe('the consistency cookie', () => {
  it('sends a consistency cookie after a write, in addition to the cookies of the app', async () => {
    const { sluice, app } = await setUp({ report: false, consistencyCookie: true }, { trustProxy: true })
    app.post('/', async (_request, reply) => {
      await nextTurn()
      hostOf(sluice).writes.begin({ tables: new Set(), everything: true }).end('committed')
      reply.header('set-cookie', 'own=1')
      return {}
    })
    app.get('/', async () => ({}))
    const origin = await listen(app)
    const cookie = /^sluice-consistency=[\w-]{12}; Max-Age=3; Path=\/; HttpOnly; SameSite=Lax/
    expect((await fetch(origin, { method: 'POST' })).headers.getSetCookie()).toEqual([
      'own=1',
      expect.stringMatching(cookie),
    ])
    const secure = await fetch(origin, { method: 'POST', headers: { 'x-forwarded-proto': 'https' } })
    expect(secure.headers.getSetCookie()).toContainEqual(
      expect.stringMatching(/^sluice-consistency=.*; Secure$/),
    )
    const taken = vi.spyOn(sluice.replicas, 'useConsistencyToken')
    expect(
      (await fetch(origin, { headers: { cookie: 'own=1; sluice-consistency=*' } })).headers.getSetCookie(),
    ).toEqual([])
    expect(taken).toHaveBeenCalledExactlyOnceWith('*', undefined)
  })

  it('throws for an invalid option of the cookie', async () => {
    await expect(setUp({ consistencyCookie: { name: '' } })).rejects.toMatchObject({
      option: 'consistencyCookie.name',
    })
  })
})
