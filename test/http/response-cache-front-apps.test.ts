import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { sluiceResponseCache as expressCache, sluiceMiddleware } from '@sluice/express'
import { sluicePlugin } from '@sluice/fastify'
import {
  createResponseCache,
  gracefulShutdown,
  RequestIds,
  RequestScopes,
  type ResponseCache,
  responseCacheFront,
} from '@sluice/http'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { authority, nodeCertificate, nodeKey, proxyCertificate, proxyKey } from '../support/certificates.ts'
import { type CityTable, cityTable } from './city-table.ts'

const quiet = { report: false, serverTiming: false }

async function listen<T extends Server>(server: T): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function open(): Promise<CityTable> {
  const table = await cityTable()
  onTestFinished(() => table.close())
  return table
}

interface App {
  readonly handler: RequestListener
  /** Requests that it received. */
  seen(): number
}

/**
 * An app on `node:http` with a response cache.
 *
 * @param begin - Opens the request's scope.
 */
function appOn(
  { db }: CityTable,
  begin: (request: IncomingMessage, response: ServerResponse, go: () => Promise<void>) => unknown,
  ...caches: readonly ResponseCache[]
): App {
  let seen = 0
  const handler: RequestListener = (request, response) => {
    seen += 1
    begin(request, response, async () => {
      for (const cache of caches) if (await cache.answer(request, response)) return
      const city = await db('cities').where({ id: 1 }).first()
      response.end(city.name)
    })
  }
  return { handler, seen: () => seen }
}

type Headers = Readonly<Record<string, string>>

function get(
  port: number,
  headers: Headers = {},
): Promise<{ readonly headers: NodeJS.Dict<string | string[]>; readonly body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path: '/city', headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      response.on('end', () => resolve({ headers: response.headers, body }))
    })
      .on('error', reject)
      .end()
  })
}

/** Whether a front has learned to serve responses for an app after some requests. */
async function learns(
  { sluice }: CityTable,
  { handler, seen }: App,
  headers: Headers = {},
): Promise<boolean> {
  const port = await listen(createServer(responseCacheFront(sluice, handler)))
  for (let tries = 0; tries < 4; tries += 1) await get(port, headers)
  const before = seen()
  await get(port, headers)
  return seen() === before
}

describe('responseCacheFront', () => {
  it('throws SLUICE_INVALID_ARGUMENT if the handler or the Sluice is invalid', async () => {
    const { sluice } = await open()
    expect(() => responseCacheFront(sluice, undefined as never)).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }),
    )
    expect(() => responseCacheFront({} as never, () => {})).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }),
    )
  })

  it('does not learn from requests with two scopes, or none', async () => {
    const table = await open()
    const { sluice } = table
    const [scopes, others] = [new RequestScopes(sluice, quiet), new RequestScopes(sluice, quiet)]
    const cache = createResponseCache(sluice)
    const once = appOn(table, (_, response, go) => scopes.open(response, 'GET /city').enter(go), cache)
    expect(await learns(table, once)).toBe(true)
    const twice = appOn(
      table,
      (_, response, go) =>
        others.open(response, 'GET /city').enter(() => scopes.open(response, 'b').enter(go)),
      cache,
    )
    expect(await learns(table, twice)).toBe(false)
    const none = appOn(table, (_request, _response, go) => sluice.run(go), cache)
    expect(await learns(table, none)).toBe(false)
  })

  it('does not learn from responses with Server-Timing', async () => {
    const table = await open()
    const scopes = new RequestScopes(table.sluice, { report: false, serverTiming: true })
    const app = appOn(
      table,
      (_, response, go) => scopes.open(response, 'GET /city').enter(go),
      createResponseCache(table.sluice),
    )
    expect(await learns(table, app)).toBe(false)
  })

  it('does not learn from a second cache to which the first cache passed the request', async () => {
    const table = await open()
    const { sluice } = table
    const scopes = new RequestScopes(sluice, quiet)
    const [strict, lenient] = [
      createResponseCache(sluice, { cacheStatus: false }),
      createResponseCache(sluice, { ignoreHeaders: ['x-a'] }),
    ]
    const app = appOn(
      table,
      (_, response, go) => scopes.open(response, 'GET /city').enter(go),
      strict,
      lenient,
    )
    expect(await learns(table, app, { 'x-a': '1' })).toBe(false)
  })

  it('generates ids like the app: new ones, or those of trusted requests; none if a function or the app decides', async () => {
    const table = await open()
    const { sluice } = table
    const scopes = new RequestScopes(sluice, quiet)
    const cache = createResponseCache(sluice)
    const appWith = (ids: RequestIds, set?: string) =>
      appOn(
        table,
        (request, response, go) => {
          if (set !== undefined) response.setHeader('x-request-id', set)
          const scope = scopes.open(response, 'GET /city')
          scope.requestId = ids.of(request, response)
          scope.enter(go)
        },
        cache,
      )
    const idsOf = async (ids: RequestIds) => {
      const { handler, seen } = appWith(ids)
      const port = await listen(createServer(responseCacheFront(sluice, handler)))
      for (let tries = 0; tries < 3; tries += 1) await get(port)
      const before = seen()
      const given = [await get(port, { 'x-request-id': 'mine' }), await get(port)].map(
        ({ headers }) => headers['x-request-id'] as string,
      )
      return { given, isSeen: seen() > before }
    }
    const plain = await idsOf(new RequestIds())
    expect(plain).toEqual({
      given: [expect.stringMatching(/^[\da-f-]{36}$/), expect.stringMatching(/^[\da-f-]{36}$/)],
      isSeen: false,
    })
    expect(plain.given[0]).not.toBe(plain.given[1])
    expect(await idsOf(new RequestIds({ trust: true }))).toEqual({
      given: ['mine', expect.any(String)],
      isSeen: false,
    })
    expect(await learns(table, appWith(new RequestIds({ trust: () => true })))).toBe(false)
    expect(await learns(table, appWith(new RequestIds(), 'of-the-app'))).toBe(false)
  })

  it('does not learn from a cached response with the id of the request for which it was rendered', async () => {
    const table = await open()
    const scopes = new RequestScopes(table.sluice, quiet)
    const ids = new RequestIds({ header: 'x-trace' })
    const begin = (request: IncomingMessage, response: ServerResponse, go: () => Promise<void>) => {
      ids.of(request, response)
      // Its scope does not get the id, so the cache does not recognize it.
      scopes.open(response, 'GET /city').enter(go)
    }
    expect(await learns(table, appOn(table, begin, createResponseCache(table.sluice)))).toBe(false)
  })

  it('does not learn from a request whose URL was rewritten', async () => {
    const table = await open()
    const scopes = new RequestScopes(table.sluice, quiet)
    const begin = (request: IncomingMessage, response: ServerResponse, go: () => Promise<void>) => {
      request.url = '/variant'
      scopes.open(response, 'GET /city').enter(go)
    }
    expect(await learns(table, appOn(table, begin, createResponseCache(table.sluice)))).toBe(false)
  })

  it('sends a new id if another header carries it', async () => {
    const { sluice, db } = await open()
    const app = express()
    app.use(sluiceMiddleware(sluice, { ...quiet, requestId: { header: 'x-trace' } }))
    let seen = 0
    app.use((_request, _response, next) => {
      seen += 1
      next()
    })
    app.get(
      '/city',
      expressCache(sluice),
      async (_, response) => void response.json(await db('cities').where({ id: 1 }).first()),
    )
    const port = await listen(createServer(responseCacheFront(sluice, app)))
    const ids = new Set<unknown>()
    for (let at = 0; at < 5; at += 1) ids.add((await get(port)).headers['x-trace'])
    expect([ids.size, seen]).toEqual([5, 2])
  })

  it('passes through a response with a different status until it has learned that', async () => {
    const { sluice, db } = await open()
    let seen = 0
    const route = (app: express.Express) =>
      app.get('/city', expressCache(sluice, { statuses: [200, 404] }), async (_, response) => {
        const city = await db('cities').where({ id: 1, people: 1 }).first()
        response.status(city === undefined ? 404 : 200).send(city?.name ?? 'none')
      })
    const [plain, fronted] = [express(), express()]
    for (const app of [plain, fronted]) app.use(sluiceMiddleware(sluice, quiet))
    fronted.use((_request, _response, next) => {
      seen += 1
      next()
    })
    route(plain)
    route(fronted)
    const [other, port] = [
      await listen(createServer(plain)),
      await listen(createServer(responseCacheFront(sluice, fronted))),
    ]
    const host = { host: 'app.test' }
    for (let at = 0; at < 3; at += 1) await get(port, host)
    expect(seen).toBe(2)
    await db('cities').where({ id: 1 }).update({ people: 2 })
    expect((await get(other, host)).body).toBe('none')
    for (let at = 0; at < 3; at += 1) expect((await get(port, host)).body).toBe('none')
    expect(seen).toBe(3)
  })

  it('works with gracefulShutdown, whose listeners change how heads are written', async () => {
    const table = await open()
    const scopes = new RequestScopes(table.sluice, quiet)
    const { handler, seen } = appOn(
      table,
      (_, response, go) => scopes.open(response, 'GET /city').enter(go),
      createResponseCache(table.sluice),
    )
    const server = createServer(responseCacheFront(table.sluice, handler))
    gracefulShutdown(server, table.sluice, { signals: [] })
    const port = await listen(server)
    for (let at = 0; at < 4; at += 1) expect((await get(port)).body).toBe('Ghent')
    expect(seen()).toBe(2)
  })

  it('passes requests on inside of another scope, and of bypass', async () => {
    const table = await open()
    const scopes = new RequestScopes(table.sluice, quiet)
    const cache = createResponseCache(table.sluice)
    const { handler, seen } = appOn(
      table,
      (_, response, go) => scopes.open(response, 'GET /city').enter(go),
      cache,
    )
    const front = responseCacheFront(table.sluice, handler)
    const { sluice } = table
    let within = (go: () => void) => go()
    const port = await listen(createServer((request, response) => within(() => front(request, response))))
    for (let at = 0; at < 3; at += 1) await get(port)
    expect(seen()).toBe(2)
    within = (go) => void sluice.run(go)
    await get(port)
    within = (go) => void sluice.bypass(go)
    await get(port)
    expect(seen()).toBe(4)
  })

  it('passes on requests with a client certificate', async () => {
    const table = await open()
    const scopes = new RequestScopes(table.sluice, quiet)
    const { handler, seen } = appOn(
      table,
      (_, response, go) => scopes.open(response, 'GET /city').enter(go),
      createResponseCache(table.sluice),
    )
    const tls = {
      cert: nodeCertificate,
      key: nodeKey,
      ca: authority,
      requestCert: true,
      rejectUnauthorized: false,
    }
    const port = await listen(createTlsServer(tls, responseCacheFront(table.sluice, handler)))
    const ask = (own = {}) =>
      new Promise<void>((resolve, reject) => {
        httpsRequest(
          {
            host: '127.0.0.1',
            port,
            path: '/city',
            ca: authority,
            servername: 'node.test',
            agent: false,
            ...own,
          },
          (response) => {
            response.resume().on('end', resolve)
          },
        )
          .on('error', reject)
          .end()
      })
    for (let at = 0; at < 3; at += 1) await ask()
    expect(seen()).toBe(2)
    await ask({ cert: proxyCertificate, key: proxyKey })
    expect(seen()).toBe(3)
  })

  it('passes requests on if Fastify has no response cache', async () => {
    const { sluice } = await open()
    const app = fastify({ serverFactory: (handler) => createServer(responseCacheFront(sluice, handler)) })
    await app.register(sluicePlugin, { sluice, ...quiet })
    app.get('/city', () => 'plain')
    await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    const { port } = app.server.address() as AddressInfo
    for (let at = 0; at < 3; at += 1) expect((await get(port)).body).toBe('plain')
  })
})
