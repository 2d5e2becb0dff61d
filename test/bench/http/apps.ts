import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import etag from '@fastify/etag'
import { sluiceResponseCache as expressCache, sluiceMiddleware } from '@sluice/express'
import { sluiceResponseCache as fastifyCache, sluicePlugin } from '@sluice/fastify'
import { responseCacheFront } from '@sluice/http'
import express, { type RequestHandler } from 'express'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { openRows, overview } from './rows.ts'

export type FrameworkName = 'Express' | 'Fastify'

/**
 * How the route responds. `map`: a plain `Map` from the URL to the body, without invalidation and users;
 * `constant`: the route sends a string; `front`: the response cache and a front before the app.
 */
export type Keeping = 'bare' | 'map' | 'constant' | 'results' | 'responses' | 'front'

const hasSluice = (keeping: Keeping) => keeping === 'results' || hasCache(keeping)
const hasCache = (keeping: Keeping) => keeping === 'responses' || keeping === 'front'

export interface App {
  readonly port: number
  close(): Promise<void>
}

/** One route of three queries at `/overview?at=…`; `never=1` makes its response uncacheable. */
export function openApp(framework: FrameworkName, keeping: Keeping): Promise<App> {
  return framework === 'Express' ? openExpress(keeping) : openFastify(keeping)
}

const NO_STORE = 'no-store'

async function openExpress(keeping: Keeping): Promise<App> {
  const rows = await openRows(hasSluice(keeping))
  const app = express()
  const before: RequestHandler[] = []
  if (rows.sluice !== undefined) app.use(sluiceMiddleware(rows.sluice))
  if (keeping === 'map') before.push(expressMap())
  if (hasCache(keeping)) before.push(expressCache(rows.sluice))
  const constant = keeping === 'constant' ? JSON.stringify(await overview(rows.db, 0)) : undefined
  app.get('/overview', ...before, async (request, response) => {
    const { at, never } = request.query
    if (constant !== undefined) return void response.type('json').send(constant)
    if (never !== undefined) response.set('Cache-Control', NO_STORE)
    response.json(await overview(rows.db, Number(at)))
  })
  // Clients wait while other contenders run.
  const { sluice } = rows
  const handler = keeping === 'front' && sluice !== undefined ? responseCacheFront(sluice, app) : app
  const server = createServer({ keepAliveTimeout: 0 }, handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: portOf(server), close: () => closeAll(server, rows.close) }
}

async function openFastify(keeping: Keeping): Promise<App> {
  const rows = await openRows(hasSluice(keeping))
  const { sluice } = rows
  const app = fastify({
    serverFactory: (handler) =>
      createServer(
        { keepAliveTimeout: 0 },
        keeping === 'front' && sluice !== undefined ? responseCacheFront(sluice, handler) : handler,
      ),
  })
  // Express creates its own.
  if (keeping === 'bare' || keeping === 'results') await app.register(etag)
  if (sluice !== undefined) await app.register(sluicePlugin, { sluice })
  if (hasCache(keeping) && sluice !== undefined) await app.register(fastifyCache, { sluice, allRoutes: true })
  const kept = keeping === 'map' ? new Map<string, string>() : undefined
  const constant = keeping === 'constant' ? JSON.stringify(await overview(rows.db, 0)) : undefined
  app.get('/overview', async (request: FastifyRequest, reply: FastifyReply) => {
    const known = constant ?? kept?.get(request.url)
    reply.type('application/json; charset=utf-8')
    if (known !== undefined) return reply.send(known)
    const { at, never } = request.query as { readonly at: string; readonly never?: string }
    if (never !== undefined) reply.header('cache-control', NO_STORE)
    const body = JSON.stringify(await overview(rows.db, Number(at)))
    kept?.set(request.url, body)
    return reply.send(body)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    port: portOf(app.server),
    close: async () => {
      app.server.closeAllConnections()
      await app.close()
      await rows.close()
    },
  }
}

function expressMap(): RequestHandler {
  const kept = new Map<string, unknown>()
  return (request, response, next) => {
    const known = kept.get(request.originalUrl)
    if (known !== undefined) {
      response.type('json').send(known)
      return
    }
    const { send } = response
    response.send = (body: unknown) => {
      if (typeof body === 'string') kept.set(request.originalUrl, body)
      return send.call(response, body)
    }
    next()
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

async function closeAll(server: Server, close: () => Promise<void>): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await close()
}
