import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import etag from '@fastify/etag'
import { sluiceResponseCache as expressCache, sluiceMiddleware } from '@sluice/express'
import { sluiceResponseCache as fastifyCache, sluicePlugin } from '@sluice/fastify'
import express, { type RequestHandler } from 'express'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { openRows, overview } from './rows.ts'

export type FrameworkName = 'Express' | 'Fastify'

/**
 * What stands before the route. `map`: a plain `Map` from the URL to the body, which knows of no write and no user: what a kept response takes at least.
 */
export type Keeping = 'bare' | 'map' | 'results' | 'responses'

export interface App {
  readonly port: number
  close(): Promise<void>
}

/** One route of three queries at `/overview?at=…`; `never=1` says that its response is not to be kept. */
export function openApp(framework: FrameworkName, keeping: Keeping): Promise<App> {
  return framework === 'Express' ? openExpress(keeping) : openFastify(keeping)
}

const NO_STORE = 'no-store'

async function openExpress(keeping: Keeping): Promise<App> {
  const rows = await openRows(keeping === 'results' || keeping === 'responses')
  const app = express()
  const before: RequestHandler[] = []
  if (rows.sluice !== undefined) app.use(sluiceMiddleware(rows.sluice))
  if (keeping === 'map') before.push(expressMap())
  if (keeping === 'responses') before.push(expressCache(rows.sluice))
  app.get('/overview', ...before, async (request, response) => {
    const { at, never } = request.query
    if (never !== undefined) response.set('Cache-Control', NO_STORE)
    response.json(await overview(rows.db, Number(at)))
  })
  // Clients wait while others take their turn.
  const server = createServer({ keepAliveTimeout: 0 }, app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: portOf(server), close: () => closeAll(server, rows.close) }
}

async function openFastify(keeping: Keeping): Promise<App> {
  const rows = await openRows(keeping === 'results' || keeping === 'responses')
  const app = fastify({ keepAliveTimeout: 0 })
  const { sluice } = rows
  // Express makes its own.
  if (keeping !== 'map' && keeping !== 'responses') await app.register(etag)
  if (sluice !== undefined) await app.register(sluicePlugin, { sluice })
  if (keeping === 'responses' && sluice !== undefined) await app.register(fastifyCache, { sluice, allRoutes: true })
  const kept = keeping === 'map' ? new Map<string, string>() : undefined
  app.get('/overview', async (request: FastifyRequest, reply: FastifyReply) => {
    const known = kept?.get(request.url)
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
