import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { parse } from 'node:querystring'
import type { Sluice } from '@sluice/core'
import { sluiceResponseCache as expressCache, sluiceMiddleware } from '@sluice/express'
import { sluiceResponseCache as fastifyCache, sluicePlugin } from '@sluice/fastify'
import {
  createResponseCache,
  RequestScopes,
  type ResponseCacheOptions,
  responseCacheFront,
} from '@sluice/http'
import express5 from 'express'
// @ts-expect-error its types are those of Express 5, which differ in nothing that is used here
import express4 from 'express4'
import fastify from 'fastify'

/** The response of a route. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
  /** The parts of a body, instead of `body`. */
  readonly parts?: readonly string[]
}

export interface Route {
  readonly path: string
  readonly cache?: ResponseCacheOptions | false
  answer(request: IncomingMessage, response: ServerResponse): Promise<Answer>
}

/** A framework, with a scope for each request, and the response cache on each route. */
export interface Framework {
  readonly name: string
  /**
   * @param before - Called with each request before the cache, in its scope.
   * @param isFronted - Whether to put a front before the app.
   */
  serve(
    sluice: Sluice,
    routes: readonly Route[],
    before?: (request: IncomingMessage, response: ServerResponse) => void,
    isFronted?: boolean,
  ): Promise<Served>
}

export interface Served {
  readonly url: string
  readonly server: Server
  close(): Promise<void>
}

const quiet = { report: false, serverTiming: false }

function expressOf(name: string, express: typeof express5): Framework {
  return {
    name,
    async serve(sluice, routes, before, isFronted = false) {
      const app = express()
      app.use(sluiceMiddleware(sluice, quiet))
      app.use((request, response, next) => {
        before?.(request, response)
        next()
      })
      for (const { path, cache, answer } of routes) {
        const middleware = cache === false ? [] : [expressCache(sluice, cache)]
        app.all(path, ...middleware, (request, response, next) => {
          answer(request, response).then((given) => {
            response.status(given.status ?? 200).set(given.headers ?? {})
            if (given.parts !== undefined) writeParts(response, given.parts)
            else if (typeof given.body === 'string' && given.headers?.['content-type'] === undefined)
              response.type('text').send(given.body)
            else response.send(given.body)
          }, next)
        })
      }
      return await listen(createServer(isFronted ? responseCacheFront(sluice, app) : app))
    },
  }
}

const fastify5: Framework = {
  name: 'Fastify 5',
  async serve(sluice, routes, before, isFronted = false) {
    const serverFactory = (handler: RequestListener) =>
      createServer(isFronted ? responseCacheFront(sluice, handler) : handler)
    const app = fastify({ serverFactory })
    await app.register(sluicePlugin, { sluice, ...quiet })
    app.addHook('onRequest', async (request, reply) => before?.(request.raw, reply.raw))
    await app.register(fastifyCache, { sluice })
    for (const { path, cache, answer } of routes) {
      app.all(path, { config: { responseCache: cache ?? true } }, async (request, reply) => {
        const given = await answer(request.raw, reply.raw)
        reply.code(given.status ?? 200).headers(given.headers ?? {})
        if (given.parts !== undefined) {
          reply.hijack()
          for (const [name, value] of Object.entries(reply.getHeaders()))
            reply.raw.setHeader(name, value as string)
          writeParts(reply.raw, given.parts)
          return
        }
        if (typeof given.body === 'string' && given.headers?.['content-type'] === undefined)
          reply.type('text/plain; charset=utf-8')
        return reply.send(given.body)
      })
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, server: app.server, close: () => app.close() }
  },
}

const node: Framework = {
  name: 'node:http',
  async serve(sluice, routes, before, isFronted = false) {
    const scopes = new RequestScopes(sluice, quiet)
    const caches = new Map(
      routes.map(({ path, cache }) => [
        path,
        cache === false ? undefined : createResponseCache(sluice, cache),
      ]),
    )
    const handler: RequestListener = (request, response) => {
      const [path = '', query = ''] = (request.url ?? '').split('?')
      scopes.open(response, `${request.method} ${path}`).enter(async () => {
        before?.(request, response)
        const route = routes.find((one) => one.path === path)
        if (route === undefined) return void response.writeHead(404).end()
        if (await caches.get(path)?.answer(request, response, { query: () => parse(query) })) return
        try {
          const given = await route.answer(request, response)
          const headers =
            typeof given.body === 'string'
              ? { 'content-type': 'text/plain; charset=utf-8', ...given.headers }
              : given.headers
          response.writeHead(given.status ?? 200, headers ?? {})
          if (given.parts !== undefined) writeParts(response, given.parts)
          else response.end(request.method === 'HEAD' ? undefined : given.body)
        } catch {
          response.writeHead(500).end()
        }
      })
    }
    return await listen(createServer(isFronted ? responseCacheFront(sluice, handler) : handler))
  },
}

export const frameworks: readonly Framework[] = [
  expressOf('Express 5', express5),
  expressOf('Express 4', express4),
  fastify5,
  node,
]

function writeParts(response: ServerResponse, parts: readonly string[]): void {
  for (const part of parts) response.write(part)
  response.end()
}

async function listen(server: Server): Promise<Served> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    close: () =>
      new Promise((resolve) => {
        ;(server as import('node:http').Server).closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
