import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parse as parseQuery } from 'node:querystring'
import { sluiceResponseCache as expressCache, sluiceMiddleware } from '@sluice/express'
import { sluiceResponseCache as fastifyCache, sluicePlugin } from '@sluice/fastify'
import { createResponseCache, RequestScopes, type ResponseCacheOptions } from '@sluice/http'
import express5 from 'express'
// @ts-expect-error its types are those of Express 5, which differ in nothing that is used here
import express4 from 'express4'
import fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { type CityTable, cityTable } from './city-table.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/**
 * Serves `/cached` and `/plain`: both respond with the query as the app reads it, and only the first one has
 * a cache.
 */
type Serve = (
  table: CityTable,
  options: ResponseCacheOptions,
  read: (query: unknown) => unknown,
) => Promise<string>

const quiet = { report: false, serverTiming: false }
/** Express has none if a URL has no query. */
const folded = (text: string | null | undefined) =>
  parseQuery((text ?? '').replaceAll(';', '&').replaceAll('p=', 'page=').toLowerCase())
const lastOnly = (text: string | null | undefined) => ({ page: text?.split('&').at(-1) })

const expressWith =
  (express: typeof express5, parser?: unknown): Serve =>
  async ({ sluice, db }, options, read) => {
    const app = express()
    if (parser !== undefined) app.set('query parser', parser)
    app.use(sluiceMiddleware(sluice, quiet))
    app.get('/plain', (request, response) => void response.json(read(request.query) ?? null))
    app.get('/cached', expressCache(sluice, options), (request, response, next) => {
      db('cities')
        .first()
        .then(() => response.json(read(request.query) ?? null), next)
    })
    return await listen(createServer(app))
  }

const fastifyWith =
  (querystringParser?: (text: string) => Record<string, unknown>): Serve =>
  async ({ sluice, db }, options, read) => {
    const app = fastify(querystringParser && { routerOptions: { querystringParser } })
    await app.register(sluicePlugin, { sluice, ...quiet })
    await app.register(fastifyCache, { sluice, ...options })
    app.get('/plain', async (request, reply) =>
      reply.type('application/json').send(JSON.stringify(read(request.query) ?? null)),
    )
    app.get('/cached', { config: { responseCache: true } }, async (request, reply) => {
      await db('cities').first()
      return reply.type('application/json').send(JSON.stringify(read(request.query) ?? null))
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    closing.push(() => app.close())
    return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  }

const nodeWith =
  (parse: (text: string) => unknown, isTold = false): Serve =>
  async ({ sluice, db }, options, read) => {
    const scopes = new RequestScopes(sluice, quiet)
    const cache = createResponseCache(sluice, options)
    const server = createServer((request, response) => {
      const [path = '', text = ''] = (request.url ?? '').split('?')
      scopes.open(response, `GET ${path}`).enter(async () => {
        if (
          path === '/cached' &&
          (await cache.answer(request, response, isTold ? { query: () => parse(text) } : {}))
        )
          return
        if (path === '/cached') await db('cities').first()
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(read(parse(text)) ?? null))
      })
    })
    return await listen(server)
  }

const servers: readonly [name: string, serve: Serve][] = [
  ['Express 5, simple parser', expressWith(express5)],
  ['Express 5, extended parser', expressWith(express5, 'extended')],
  ['Express 5, a custom parser', expressWith(express5, folded)],
  ['Express 5, a parser that the order decides', expressWith(express5, lastOnly)],
  ['Express 4', expressWith(express4)],
  ['Express 4, simple parser', expressWith(express4, 'simple')],
  ['Fastify 5', fastifyWith()],
  ['Fastify 5, a custom parser', fastifyWith(folded)],
  ['Fastify 5, querystring', fastifyWith(parseQuery as (text: string) => Record<string, unknown>)],
  ['node:http, querystring', nodeWith(parseQuery)],
  ['node:http, URLSearchParams', nodeWith((text) => Object.fromEntries(new URLSearchParams(text)))],
  ['node:http, a custom parser', nodeWith(folded, true)],
]

const junk = (count: number) => Array.from({ length: count }, (_, at) => `j${at}=`).join('&')
const queries = [
  '',
  'page=1',
  'page=2',
  'page=1&utm=x',
  'utm=x&page=1',
  'page=1&page=2',
  'page=2&page=1',
  'page=',
  'page',
  'page=1&',
  'page[]=1',
  'page[]=1&page=2',
  'page=2&page[]=1',
  'page[0]=1',
  'page[25]=1',
  'page[x]=1',
  'page[x]=1&page[y]=2',
  'page[y]=2&page[x]=1',
  'page%5B%5D=1',
  'page%5Bx%5D=1',
  '%70age=1',
  '%70age=1&page=2',
  'page=2&%70age=1',
  'page=%31',
  'page=a+b',
  'page=a%20b',
  'page=a%2Bb',
  'page=%ff',
  'page=%fe',
  '%ff=1&page=1',
  'page=%',
  'utm=x;page=3',
  'utm=x%26page=3',
  'utm=x%3Bpage=3',
  'page=1;page=2',
  'PAGE=4',
  'PAGE=4&page=5',
  'page=5&PAGE=4',
  'p=6',
  'p=6&page=7',
  'page=7&p=6',
  'page.x=1',
  'page=1,2',
  '__proto__[page]=1',
  'hasOwnProperty=1',
  `${junk(999)}&page=8`,
  `${junk(1_000)}&page=8`,
  `page=8&${junk(1_000)}`,
  `page[]=${'1&page[]='.repeat(30)}2`,
  '?page=1',
  '&page=1',
  'a=b=c&page=1',
]

describe.each(servers)('the key of a response on %s', (_name, serve) => {
  it.each<[string, ResponseCacheOptions, (query: unknown) => unknown]>([
    ['with every parameter', {}, (query) => query],
    ['with listed parameters', { query: ['page'] }, (query) => (query as { readonly page?: unknown }).page],
  ])('separates all queries that the app reads differently, %s', async (_which, options, read) => {
    const table = await cityTable()
    closing.push(() => table.close())
    const url = await serve(table, options, read)
    const get = async (path: string, query: string) =>
      (
        await fetch(`${url}${path}${query === '' ? '' : `?${query}`}`, {
          headers,
          signal: AbortSignal.timeout(3000),
        })
      ).json()
    for (const query of [...queries, ...queries.toReversed()]) {
      const [cached, plain] = [await get('/cached', query), await get('/plain', query)]
      expect([query.slice(0, 60), cached]).toEqual([query.slice(0, 60), plain])
    }
    const { hits, bypassed } = createResponseCache(table.sluice).getStats()
    expect(hits).toBeGreaterThan(20)
    expect(bypassed.query).toBeGreaterThan(0)
  })
})

/** `fetch` adds to these. */
const headers = { connection: 'keep-alive' }

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
