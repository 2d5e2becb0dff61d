// One node of the request flow: an Express app whose queries are served from memory, from Redis, or by the
// database.
import type { AddressInfo } from 'node:net'
import { createSluice } from '@sluice/core'
import { sluiceMiddleware, sluiceResponseCache } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import { redisStore } from '@sluice/redis'
import express from 'express'
import { Redis } from 'ioredis'
import knex, { type Knex } from 'knex'
import { flowPlan, serveFlow } from './serve-flow.ts'

export interface RequestNodePlan {
  readonly name: string
  readonly knexConfig: Knex.Config
  readonly redisUrl: string
  readonly namespace: string
  readonly ttlSeconds: number
}

export interface RequestNodeCounts {
  /** Statements that reached the database: reads and writes. */
  readonly statements: number
  readonly cacheHits: number
  /** Values read from Redis. */
  readonly fromStore: number
  /** Values stored in Redis: results and pages. */
  readonly toStore: number
  /** Pages that were rendered. */
  readonly made: number
}

const { name, knexConfig, redisUrl, namespace, ttlSeconds } = flowPlan<RequestNodePlan>()

const redis = new Redis(redisUrl)
const store = redisStore(redis, { namespace })
const sluice = createSluice({ mode: 'optimize', cache: { store, consistency: 'strict', ttl: ttlSeconds } })
const db = withSluice(knex(knexConfig), sluice)
let statements = 0
db.on('query', ({ sql }: { readonly sql: string }) => {
  if (/"?cities"?/.test(sql) && !/sqlite_|information_schema|pg_/.test(sql)) statements += 1
})

const app = express()
app.use((_request, response, next) => {
  response.set('x-node', name)
  next()
})
app.use(sluiceMiddleware(sluice, { report: false }))
app.get('/cities/:id', async (request, response) => {
  const city = await db('cities')
    .where({ id: Number(request.params.id) })
    .first()
  response.status(city === undefined ? 404 : 200).json(city ?? null)
})
let made = 0
// The proxy uses a different host name for each node, and the header with the node's name must not be cached.
app.get(
  '/pages/:id',
  sluiceResponseCache(sluice, { host: false, dropHeaders: ['x-node'] }),
  async (request, response) => {
    made += 1
    const cities = await db('cities').orderBy('id')
    const city = cities.find(({ id }) => id === Number(request.params.id))
    response.send(`<h1>${city?.name}</h1><p>one of ${cities.length}</p>`)
  },
)
app.post('/cities/:id/:name', async (request, response) => {
  await db('cities')
    .where({ id: Number(request.params.id) })
    .update({ name: request.params.name })
  response.status(204).end()
})
const server = app.listen(0, '127.0.0.1', () => {
  serveFlow(
    { address: `127.0.0.1:${(server.address() as AddressInfo).port}` },
    {
      counts: (): RequestNodeCounts => ({
        statements,
        cacheHits: sluice.queries.getStats().cacheHits,
        fromStore: sluice.getResultStats()?.storeHits ?? 0,
        toStore: sluice.getResultStats()?.stored ?? 0,
        made,
      }),
      metrics: () => sluice.monitor?.metricsText(),
    },
    async () => {
      server.closeAllConnections()
      server.close()
      await sluice.close()
      await db.destroy()
      redis.disconnect()
    },
  )
})
