import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import { createDashboard, type Dashboard, type DashboardOptions } from '@sluice/dashboard'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import express, { type Express } from 'express'
import knexFactory, { type Knex } from 'knex'

export interface AppOptions {
  readonly sluice?: SluiceOptions
  readonly dashboard?: DashboardOptions
  /** @defaultValue a free port */
  readonly port?: number
  readonly routes?: (app: Express, db: Knex) => void
  /** Receives each request for the document before the dashboard does. */
  readonly before?: (request: IncomingMessage) => void
}

/** An app with a dashboard, on a real server and a real SQLite database. */
export interface TestApp {
  readonly origin: string
  /** URL of the dashboard, to which a fragment can be appended. */
  readonly page: string
  readonly sluice: Sluice
  readonly dashboard: Dashboard
  readonly db: Knex
  /** Open streams. */
  readonly streams: () => number
  /** `Last-Event-ID` of each opened stream; `''` without one. */
  readonly wentOnFrom: readonly string[]
  /** Sends a request to the app and reads the whole response. */
  readonly ask: (path: string, times?: number) => Promise<void>
  /** Closes all connections, like a failing proxy. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

const REGIONS = 12
const CITIES = 600

export async function startApp({
  sluice: sluiceOptions,
  dashboard: dashboardOptions,
  port = 0,
  routes,
  before,
}: AppOptions = {}): Promise<TestApp> {
  const sluice = createSluice({ mode: 'observe', ...sluiceOptions })
  const db = withSluice(
    knexFactory({
      client: 'better-sqlite3',
      connection: ':memory:',
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    }),
    sluice,
  )
  await fill(db)
  const app = express()
  const dashboard = createDashboard(sluice, { name: 'atlas', announce: false, ...dashboardOptions })
  let streams = 0
  const wentOnFrom: string[] = []
  app.use('/_sluice/api/stream', (request, response, next) => {
    streams += 1
    wentOnFrom.push(request.get('last-event-id') ?? '')
    response.once('close', () => {
      streams -= 1
    })
    next()
  })
  app.get('/_sluice/', (request, _, next) => {
    before?.(request)
    next()
  })
  app.use('/_sluice', dashboard.handler)
  app.use(sluiceMiddleware(sluice, { report: false }))
  app.get('/cities', async (_, response) => {
    const cities = await db('city').orderBy('population', 'desc').limit(10)
    for (const city of cities) city.region = await db('region').where({ id: city.region_id }).first()
    response.json(cities)
  })
  app.get('/regions/:id', async (request, response) => {
    response.json(
      await db('city')
        .where({ region_id: Number(request.params.id) })
        .orderBy('population'),
    )
  })
  routes?.(app, db)
  const server = await listen(createServer(app), port)
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`
  return {
    origin,
    sluice,
    dashboard,
    db,
    wentOnFrom,
    page: `${origin}/_sluice/`,
    streams: () => streams,
    ask: async (path, times = 1) => {
      for (let time = 0; time < times; time += 1) await (await fetch(`${origin}${path}`)).arrayBuffer()
    },
    cut: () => server.closeAllConnections(),
    close: async () => {
      dashboard.close()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await sluice.close()
      await db.destroy()
    },
  }
}

async function fill(db: Knex): Promise<void> {
  await db.schema.createTable('region', (table) => {
    table.integer('id').primary()
    table.string('name')
  })
  await db.schema.createTable('city', (table) => {
    table.integer('id').primary()
    table.integer('region_id').references('region.id')
    table.string('name')
    table.integer('population')
  })
  await db('region').insert(
    Array.from({ length: REGIONS }, (_, at) => ({ id: at + 1, name: `Region ${at + 1}` })),
  )
  const cities = Array.from({ length: CITIES }, (_, at) => ({
    id: at + 1,
    region_id: (at % REGIONS) + 1,
    name: `City ${at + 1}`,
    population: (at * 7919) % 100_000,
  }))
  for (let at = 0; at < CITIES; at += 100) await db('city').insert(cities.slice(at, at + 100))
}

async function listen(server: Server, port: number): Promise<Server> {
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(port, '127.0.0.1', done)
  })
  return server
}
