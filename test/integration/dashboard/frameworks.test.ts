import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { createDashboard, type Dashboard } from '@sluice/dashboard'
import type { QueriesPage, RequestDetail, RequestsPage } from '@sluice/dashboard/protocol'
import { sluiceMiddleware } from '@sluice/express'
import { sluicePlugin } from '@sluice/fastify'
import { withSluice } from '@sluice/knex'
import express from 'express'
// @ts-expect-error these are the types of Express 5, which are compatible for this test
import express4 from 'express4'
import fastify from 'fastify'
import knexFactory, { type Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ACTING = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'x-sluice-action': '1' }

interface App {
  readonly sluice: Sluice
  readonly dashboard: Dashboard
  readonly db: Knex
  /** URL of the dashboard. */
  readonly path: string
  readonly port: number
  /** Whether a scope waits for the end of the stream. */
  readonly hasMiddleware: boolean
  close(): Promise<void>
}

async function withDatabase(): Promise<Pick<App, 'sluice' | 'dashboard' | 'db'>> {
  const sluice = createSluice()
  const db = withSluice(
    knexFactory({
      client: 'better-sqlite3',
      connection: ':memory:',
      useNullAsDefault: true,
      pool: { min: 1, max: 1 },
    }),
    sluice,
  )
  await db.schema.createTable('region', (table) => {
    table.increments('id')
    table.string('name')
  })
  await db.schema.createTable('city', (table) => {
    table.increments('id')
    table.integer('region_id')
  })
  for (let id = 1; id <= 8; id += 1) {
    await db('region').insert({ id, name: `Region ${id}` })
    await db('city').insert({ id, region_id: id })
  }
  const dashboard = createDashboard(sluice, { announce: false })
  return { sluice, dashboard, db }
}

async function cities(db: Knex): Promise<unknown> {
  const list = await db('city').orderBy('id')
  for (const city of list) city.region = await db('region').where({ id: city.region_id }).first()
  return list
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function closing(
  { sluice, dashboard, db }: Pick<App, 'sluice' | 'dashboard' | 'db'>,
  close: () => unknown,
): () => Promise<void> {
  return async () => {
    dashboard.close()
    await close()
    await sluice.close()
    await db.destroy()
  }
}

async function onExpress(make: typeof express, parsesBodies: boolean): Promise<App> {
  const parts = await withDatabase()
  const app = make()
  if (parsesBodies) app.use(make.json())
  // Registered first on purpose: requests to the dashboard must not count as requests of the app.
  app.use(sluiceMiddleware(parts.sluice, { report: false }))
  app.use('/ops/_sluice', parts.dashboard.handler)
  app.get('/cities', async (_request, response) => void response.json(await cities(parts.db)))
  const server = createServer(app)
  const port = await listening(server)
  return { ...parts, hasMiddleware: true, path: '/ops/_sluice', port, close: closing(parts, () => { server.close(); server.closeAllConnections() }) } // biome-ignore format: short
}

async function onFastify(): Promise<App> {
  const parts = await withDatabase()
  const app = fastify({ forceCloseConnections: true })
  await app.register(sluicePlugin, { sluice: parts.sluice, report: false })
  await app.register(parts.dashboard.fastify as never, { prefix: '/ops/_sluice' })
  app.get('/cities', async () => await cities(parts.db))
  // The app parses its bodies as usual.
  app.post('/echo', async ({ body }) => body)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return {
    ...parts,
    hasMiddleware: true,
    path: '/ops/_sluice',
    port: (app.server.address() as AddressInfo).port,
    close: closing(parts, () => app.close()),
  }
}

async function onHttp(): Promise<App> {
  const parts = await withDatabase()
  const { sluice, dashboard, db } = parts
  const server = createServer((incoming, response) =>
    dashboard.handler(incoming, response, () => {
      void sluice.run(async () => response.end(JSON.stringify(await cities(db))), {
        name: `${incoming.method} ${incoming.url}`,
      })
    }),
  )
  const port = await listening(server)
  return { ...parts, hasMiddleware: false, path: '/_sluice', port, close: closing(parts, () => { server.close(); server.closeAllConnections() }) } // biome-ignore format: short
}

const worlds: readonly (readonly [string, () => Promise<App>])[] = [
  ['Express 5', () => onExpress(express, false)],
  ['Express 5 that parses bodies', () => onExpress(express, true)],
  ['Express 4', () => onExpress(express4 as unknown as typeof express, true)],
  ['Fastify', onFastify],
  ['node:http', onHttp],
]

describe.each(worlds)('dashboard on %s', (_name, open) => {
  let app: App
  const at = (path: string) => `http://127.0.0.1:${app.port}${path}`
  const json = async <T>(path: string): Promise<T> => (await (await fetch(at(app.path + path))).json()) as T
  const act = (name: string, body: unknown, headers: Readonly<Record<string, string>> = ACTING) =>
    fetch(at(`${app.path}/api/actions/${name}`), { method: 'POST', headers, body: JSON.stringify(body) })

  beforeAll(async () => {
    app = await open()
    await (await fetch(at('/cities'))).arrayBuffer()
  })
  afterAll(() => app.close())

  it('shows a request with its N+1, parent query, call site and fix', async () => {
    const { recent } = await json<RequestsPage>('/api/requests?code=N_PLUS_ONE')
    expect(recent).toMatchObject([{ name: 'GET /cities', queries: 9, findings: ['N_PLUS_ONE'] }])
    const { rows, found } = await json<RequestDetail>(`/api/requests/${recent[0]?.id}`)
    expect(rows.map(({ label, count, parent, dialect }) => [label, count, parent, dialect])).toEqual([
      ['select * from city order by id asc', 1, null, 'sqlite'],
      ['select * from region where id = ? limit ?', 8, 0, 'sqlite'],
    ])
    expect(rows[1]).toMatchObject({
      rows: 8,
      fix: expect.stringContaining("whereIn('id'"),
      finding: found[0]?.key,
    })
    expect(rows[1]?.ticks).toHaveLength(8)
    expect(rows[1]?.callSite?.file).toBe('test/integration/dashboard/frameworks.test.ts')
  })

  it('does not show, count or measure requests to itself', async () => {
    await json('/api/now')
    const { recent, routes } = await json<RequestsPage>('/api/requests')
    expect([...recent, ...routes].map(({ name }) => name).filter((name) => name !== 'GET /cities')).toEqual(
      [],
    )
    expect(JSON.stringify(await app.sluice.monitor?.collectMetrics())).not.toContain('_sluice')
  })

  it('explains only known statements, without values', async () => {
    const { statements, isAttached, totalMs } = await json<QueriesPage>('/api/queries')
    expect(isAttached).toBe(true)
    const statement = statements.find(({ sql }) => sql.includes('from city'))
    expect(statement).toMatchObject({ calls: 1, kind: 'read', isExplainable: true })
    expect(statements.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(totalMs === 0 ? 0 : 1)
    const { fingerprint, dialect } = statement ?? {}
    const explained = await act('explain', { fingerprint, dialect })
    expect([explained.status, await explained.json()]).toEqual([
      200,
      expect.objectContaining({
        fullTableScan: true,
        steps: [expect.objectContaining({ name: 'city', access: 'full-scan' })],
      }),
    ])
    expect((await act('explain', { fingerprint: '0000', dialect })).status).toBe(404)
  })

  it('reads the schema of the database', async () => {
    const done = await act('inspect-database', {})
    expect([done.status, await done.json()]).toEqual([200, expect.objectContaining({ tables: 2 })])
    expect((await json<QueriesPage>('/api/queries')).tables).toBe(2)
  })

  it('rejects invalid actions', async () => {
    expect((await act('clear-cache', {}, { ...ACTING, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await act('clear-cache', {}, { ...ACTING, 'content-type': 'text/plain' })).status).toBe(415)
    expect((await act('clear-cache', { namespace: 5 })).status).toBe(400)
    expect((await act('clear-cache', {})).status).toBe(200)
  })

  it('streams, and stops when the reader disconnects', async () => {
    const ended = new Promise((resolve) => hostOf(app.sluice).scopes.watchEnds(resolve))
    const sent = request(at(`${app.path}/api/stream`)).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const [chunk] = (await once(response, 'data')) as [Buffer]
    expect(chunk.toString()).toMatch(/^event: snapshot\nid: /)
    sent.on('error', () => {})
    response.on('error', () => {})
    sent.destroy()
    if (app.hasMiddleware) await ended
    expect((await json<RequestsPage>('/api/requests')).recent.map(({ name }) => name)).toEqual([
      'GET /cities',
    ])
  })

  it('redirects to its folder and passes other paths to the app', async () => {
    const bare = await fetch(at(app.path), { redirect: 'manual' })
    expect([bare.status, bare.headers.get('location')]).toEqual([308, './_sluice/'])
    expect((await fetch(at(`${app.path}X`))).headers.get('content-security-policy') ?? '').not.toContain(
      'trusted-types',
    )
  })
})

describe('Fastify app', () => {
  it('has the dashboard at its path without a prefix, next to its routes', async () => {
    const parts = await withDatabase()
    const app = fastify({ forceCloseConnections: true })
    await app.register(parts.dashboard.fastify as never)
    app.get('/', async () => 'the app')
    const status = async (url: string) =>
      (await app.inject({ url, headers: { host: 'localhost' } })).statusCode
    expect([await status('/_sluice/api/now'), await status('/_sluice'), await status('/_sluiceX')]).toEqual([
      200, 308, 404,
    ])
    expect((await app.inject('/')).body).toBe('the app')
    await closing(parts, () => app.close())()
  })

  it('keeps its parsers', async () => {
    const app = await onFastify()
    const answer = await fetch(`http://127.0.0.1:${app.port}/echo`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    })
    expect(await answer.json()).toEqual({ a: 1 })
    await app.close()
  })
})
