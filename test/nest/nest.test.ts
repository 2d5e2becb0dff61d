import type { AddressInfo } from 'node:net'
import type { INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { createSluice, type ScopeReport, type Sluice, type SluiceOptions } from '@sluice/core'
import { gracefulShutdown, sluiceMiddleware } from '@sluice/express'
import { sluicePlugin } from '@sluice/fastify'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase } from '../support/databases.ts'
import { SOON } from '../support/patience.ts'
import { appModule } from './app.ts'

const CITIES = 20

interface Served {
  readonly app: INestApplication
  readonly sluice: Sluice
  readonly db: Knex
  readonly url: string
  readonly scopes: ScopeReport[]
}

type Platform = (sluice: Sluice, db: Knex) => Promise<INestApplication>

const platforms: readonly (readonly [string, Platform])[] = [
  [
    'platform-express',
    async (sluice, db) => {
      const app = await NestFactory.create(appModule(db, sluice), { logger: false })
      app.use(sluiceMiddleware(sluice, { report: false }))
      return app
    },
  ],
  [
    'platform-fastify',
    async (sluice, db) => {
      const app = await NestFactory.create<NestFastifyApplication>(
        appModule(db, sluice),
        new FastifyAdapter(),
        { logger: false },
      )
      await app.register(sluicePlugin, { sluice, report: false })
      return app
    },
  ],
]

async function serve(platform: Platform, options: SluiceOptions): Promise<Served> {
  const database = await freshDatabase('sqlite')
  const sluice = createSluice(options)
  const scopes: ScopeReport[] = []
  sluice.on('scope', (scope) => scopes.push(scope))
  const db = withSluice(knex(database.knexConfig()), sluice)
  await database.exec(
    'CREATE TABLE region (id integer PRIMARY KEY, name text); CREATE TABLE city (id integer PRIMARY KEY, name text, region_id integer)',
  )
  await db('region').insert(
    Array.from({ length: CITIES }, (_, at) => ({ id: at + 1, name: `Region ${at + 1}` })),
  )
  await db('city').insert(
    Array.from({ length: CITIES }, (_, at) => ({
      id: at + 1,
      name: `City ${at + 1}`,
      region_id: CITIES - at,
    })),
  )
  const app = await platform(sluice, db)
  await app.listen(0, '127.0.0.1')
  onTestFinished(async () => {
    await app.close()
    await database.drop()
  })
  const { port } = app.getHttpServer().address() as AddressInfo
  return { app, sluice, db, scopes, url: `http://127.0.0.1:${port}` }
}

const rows = Array.from({ length: CITIES }, (_, at) => ({
  name: `City ${at + 1}`,
  region: `Region ${CITIES - at}`,
}))

async function ask({ url, scopes }: Served): Promise<ScopeReport | undefined> {
  const response = await fetch(`${url}/regions/${CITIES}/cities`)
  expect([response.status, await response.json()]).toEqual([200, rows])
  await expect.poll(() => scopes.length, SOON).toBeGreaterThan(0)
  return scopes.shift()
}

describe('a Nest app that adds the middleware after it listens', () => {
  it('has no scopes, which sluice doctor reports', async () => {
    const served = await serve(async (sluice, db) => {
      const app = await NestFactory.create(appModule(db, sluice), { logger: false })
      await app.init()
      app.use(sluiceMiddleware(sluice, { report: false }))
      return app
    }, {})
    await fetch(`${served.url}/regions/${CITIES}/cities`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(served.scopes).toEqual([])
    expect(served.sluice.queries.getStats().statements).toBeGreaterThan(CITIES)
  })
})

describe.each(platforms)('a Nest app on %s', (_name, platform) => {
  it('has a scope for each request, guards included, and reports its N+1', async () => {
    const served = await serve(platform, { cache: false })
    const scope = await ask(served)
    // The guard's query, the listing, and one for each city.
    expect(scope).toMatchObject({ name: 'GET /regions/:count/cities', queries: CITIES + 2 })
    expect(scope?.findings).toMatchObject([{ code: 'N_PLUS_ONE', count: CITIES }])
    expect(scope?.findings[0]?.callSite?.file).toMatch(/nest[\\/]app\.ts$/)
  })

  it('batches the N+1 in optimize mode', async () => {
    const served = await serve(platform, { mode: 'optimize', cache: false, prefetch: false })
    // The catalog is read with the first queries.
    await expect.poll(async () => (await ask(served))?.queries, SOON).toBe(3)
  })

  it('finishes requests in flight before it closes the database and Sluice', async () => {
    const served = await serve(platform, {})
    const stopping = gracefulShutdown(served.app.getHttpServer(), served.sluice, {
      drainDelayMs: 0,
      signals: [],
      exit: false,
      close: () => served.app.close(),
    })
    const slow = fetch(`${served.url}/regions/slow`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await stopping.shutdown()).toMatchObject({ cut: 0, errors: [] })
    expect(await (await slow).json()).toEqual([{ count: CITIES }])
    expect(() => served.sluice.setMode('observe')).toThrow(/closed/)
    await expect(served.db('region').first()).rejects.toThrow(/destroyed|aborted|acquire/i)
  })
})
