import type { ScopeReport } from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../src/app.ts'
import { type Clients, openClients } from '../src/clients.ts'
import { graphqlEndpoint } from '../src/graphql/graphql-endpoint.ts'
import { isLocal } from '../src/graphql/is-local.ts'
import { listen, type RunningServer } from '../src/listen.ts'
import { createSluicedApp, type SluicedApp } from '../src/sluice.ts'
import { StatementCounter } from '../src/statement-counter.ts'
import { type Fixture, smallFixture } from './fixture.ts'

let fixture: Fixture
let sluiced: SluicedApp
let clients: Clients
let counter: StatementCounter
let server: RunningServer

beforeEach(() => {
  fixture = smallFixture()
  counter = new StatementCounter()
})

afterEach(async () => {
  await server.close()
  await clients.close()
  await sluiced?.sluice.close()
  fixture.remove()
})

async function open(isSluiced: boolean): Promise<void> {
  sluiced = createSluicedApp({ kind: 'sqlite', mode: isSluiced ? 'optimize' : 'observe', report: false })
  clients = openClients(fixture.target, counter, sluiced.plugin)
  const graphql = graphqlEndpoint({ prisma: clients.prisma, sluice: sluiced.sluice })
  server = await listen(createApp({ ...clients, graphql, middleware: sluiced.middleware }), 0)
}

interface Answer {
  readonly status: number
  readonly body: {
    readonly data?: Record<string, unknown> | null
    readonly errors?: { message: string; extensions?: { code?: string } }[]
  }
}

async function post(body: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${server.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}

const ask = (query: string, headers?: Record<string, string>) => post(JSON.stringify({ query }), headers)

const WATERFALL = `query Everything {
  countries { code regions { code cities { name district { name } reviews(first: 3) { rating author { name } } } } }
}`

describe('/graphql', () => {
  it('returns the same results with Sluice as without, with fewer queries', async () => {
    await open(false)
    const before = counter.statements
    const bare = await ask(WATERFALL)
    const bareStatements = counter.statements - before
    await server.close()
    await clients.close()
    await sluiced.sluice.close()
    await open(true)
    const reports: ScopeReport[] = []
    sluiced.sluice.on('scope', (report) => reports.push(report))
    expect(await ask(WATERFALL)).toEqual(bare)
    expect(bare.body.data).toMatchObject({
      countries: [
        { code: 'AD', regions: [{ code: 'AD.03', cities: [] }] },
        {
          code: 'FR',
          regions: [
            {
              cities: [
                { name: 'Annecy', district: null, reviews: [] },
                {
                  name: 'Lyon',
                  reviews: [{ rating: 3, author: { name: 'Ada' } }, { rating: 4 }, { rating: 5 }],
                },
              ],
            },
            { cities: [{ name: 'Paris', reviews: [{ rating: 1, author: { name: 'Ben' } }] }] },
          ],
        },
      ],
    })
    // Countries, regions of two, cities of three, a district, reviews of three, authors.
    expect(bareStatements).toBe(11)
    expect(reports.find(({ name }) => name === 'query Everything')).toMatchObject({
      operations: 14,
      queries: 6,
    })
  })

  it('resolves relations to parents, too', async () => {
    await open(true)
    const { body } = await ask(
      '{ city(id: 4) { name region { code } country { name } } region(code: "FR.84") { country { code } } }',
    )
    expect(body).toEqual({
      data: {
        city: { name: 'Lys', region: null, country: { name: 'France' } },
        region: { country: { code: 'FR' } },
      },
    })
  })

  it("includes Sluice's fields, and allows changes only from this machine", async () => {
    await open(true)
    await ask('{ city(id: 1) { name } }')
    const { body } = await ask('{ cacheStats { misses } }')
    expect(body.data).toEqual({ cacheStats: { misses: sluiced.sluice.cache?.getStats().misses } })
    expect((await ask('mutation { clearCache }')).body).toEqual({ data: { clearCache: true } })
  })

  it.each([{ 'x-forwarded-for': '203.0.113.7' }, { origin: 'https://elsewhere.example' }] as Record<
    string,
    string
  >[])('rejects other requests: %o', async (headers) => {
    await open(true)
    for (const query of ['mutation { clearCache }', '{ cacheStats { hits } }'])
      expect((await ask(query, headers)).body.errors?.[0]?.extensions?.code).toBe('SLUICE_NOT_AUTHORIZED')
  })

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x'])(
    'takes nothing that a page of another site could send unasked: %s',
    async (type) => {
      await open(true)
      sluiced.sluice.cache?.set('kept', '1', 1)
      const response = await fetch(`${server.origin}/graphql`, {
        method: 'POST',
        headers: { 'content-type': type },
        body: type.startsWith('application')
          ? 'query=mutation%20%7B%20clearCache%20%7D'
          : '{"query":"mutation { clearCache }"}',
      })
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(sluiced.sluice.cache?.get('kept', '1')).toBe(1)
    },
  )

  it('accepts GET only with the header that makes browsers send a preflight request', async () => {
    await open(true)
    const url = `${server.origin}/graphql?query=${encodeURIComponent('{ city(id: 1) { name } }')}`
    expect((await fetch(url)).status).toBe(403)
    expect((await fetch(url, { headers: { 'x-graphql-yoga-csrf': '1' } })).status).toBe(200)
  })

  it('allows no other site to read', async () => {
    await open(true)
    const response = await fetch(`${server.origin}/graphql`, {
      method: 'OPTIONS',
      headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' },
    })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('rejects operations that are too deep', async () => {
    await open(true)
    const deep = `{ city(id: 1) ${'{ country { regions { cities '.repeat(3)}{ id }${' } } }'.repeat(3)} }`
    const before = counter.statements
    expect((await ask(deep)).body.errors?.[0]?.message).toContain('depth limit of 8')
    expect(counter.statements).toBe(before)
  })

  it('rejects operations that are too expensive', async () => {
    await open(true)
    const wide = Array.from(
      { length: 200 },
      (_, at) => `c${at}: city(id: ${at}) { name region { name } country { name } }`,
    ).join(' ')
    const before = counter.statements
    expect((await ask(`{ ${wide} }`)).body.errors?.[0]?.message).toContain('Cost limit of 2000')
    expect(counter.statements).toBe(before)
  })

  it('rejects bodies that are too large', async () => {
    await open(true)
    const response = await post(JSON.stringify({ query: `{ city(id: 1) { name } } #${'x'.repeat(60_000)}` }))
    expect(response.status).toBe(413)
  })

  it.each([
    'region(code: "FR.84") { cities(first: 101) { id } }',
    'city(id: 1) { reviews(first: 0) { id } }',
  ])('refuses %s', async (field) => {
    await open(true)
    expect((await ask(`{ ${field} }`)).body.errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT')
  })

  it('serves GraphiQL, which loads nothing from other sites', async () => {
    await open(true)
    const response = await fetch(`${server.origin}/graphql`, { headers: { accept: 'text/html' } })
    const page = await response.text()
    expect(page).toContain('<title>Atlas</title>')
    expect(page.slice(0, 2_000)).not.toMatch(/<(script|link)[^>]+(src|href)="?https?:/)
    expect(page).not.toContain('unpkg.com')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
  })

  it('leaves the other routes unchanged', async () => {
    await open(true)
    const response = await fetch(`${server.origin}/cities/1`)
    expect(response.headers.get('content-security-policy')).toBeNull()
    expect(response.status).toBe(200)
  })
})

describe('isLocal', () => {
  const from = (remoteAddress: string, headers: Record<string, string>) =>
    isLocal({ socket: { remoteAddress } as never, headers })

  it.each([
    [true, '127.0.0.1', { host: '127.0.0.1:4000' }],
    [true, '::1', { host: '[::1]:4000' }],
    [true, '::ffff:127.0.0.1', { host: 'localhost:4000', origin: 'http://localhost:4000' }],
    [false, '10.0.0.4', { host: 'localhost:4000' }],
    [false, '127.0.0.1', { host: 'rebound.example' }],
    [false, '127.0.0.1', { host: 'localhost:4000', origin: 'http://localhost:3000' }],
    [false, '127.0.0.1', { host: 'localhost:4000', forwarded: 'for=203.0.113.7' }],
    [false, '127.0.0.1', {}],
  ] as [boolean, string, Record<string, string>][])('is %s for %s with %o', (expected, address, headers) => {
    expect(from(address, headers)).toBe(expected)
  })
})
