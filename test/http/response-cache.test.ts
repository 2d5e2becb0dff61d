import { request as httpRequest } from 'node:http'
import type { ResponseDifference } from '@sluice/core'
import { createResponseCache, type ResponseCacheOptions, type ResponseCacheStats } from '@sluice/http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SOON } from '../support/patience.ts'
import { type CityTable, cityTable } from './city-table.ts'
import { type Answer, frameworks, type Route, type Served } from './servers.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe.each(frameworks)('the response cache on $name', (framework) => {
  async function setUp(routes: (table: CityTable) => readonly Route[], options: Parameters<typeof cityTable>[0] = {}) {
    const table = await cityTable(options)
    closing.push(() => table.close())
    const served: Served = await framework.serve(table.sluice, routes(table))
    closing.push(() => served.close())
    const stats = (): ResponseCacheStats => createResponseCache(table.sluice).getStats()
    const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
      const { status, headers: received, body } = await ask(`${served.url}${path}`, headers, method)
      return { status, headers: received, body: body.toString() }
    }
    return { ...table, ...served, get, stats }
  }

  /** One route that reads a city, and counts how often it ran. */
  async function oneCity(
    cache: ResponseCacheOptions | undefined = {},
    more: Partial<Answer> = {},
    options: Parameters<typeof cityTable>[0] = {},
  ) {
    let runs = 0
    const world = await setUp(
      ({ db }) => [
        {
          path: '/city',
          cache,
          answer: async () => {
            runs += 1
            const city = await db('cities').where({ id: 1 }).first()
            return { body: `${city.name} ${city.people}`, ...more }
          },
        },
      ],
      options,
    )
    return { ...world, runs: () => runs }
  }

  it('answers an equal request without running the route, and tells its age', async () => {
    const { get, runs, stats } = await oneCity()
    const first = await get('/city')
    const second = await get('/city')
    expect([first.body, second.body]).toEqual(['Ghent 1', 'Ghent 1'])
    expect(runs()).toBe(1)
    expect(first.headers.get('cache-status')).toBe('Sluice; fwd=uri-miss; stored')
    expect(second.headers.get('cache-status')).toMatch(/^Sluice; hit; ttl=(300|299)$/)
    expect(second.headers.get('age')).toBe('0')
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(stats()).toMatchObject({ hits: 1, misses: 1, stored: 1 })
  })

  it('asks anew once something was written to what the response came from, and not for other rows or tables', async () => {
    const { get, runs, db } = await oneCity()
    await get('/city')
    await db('regions').insert({ id: 9, name: 'Drenthe' })
    await db('cities').where({ id: 2 }).update({ people: 5 })
    await get('/city')
    expect(runs()).toBe(1)
    await db('cities').where({ id: 1 }).update({ people: 7 })
    expect((await get('/city')).body).toBe('Ghent 7')
    expect(runs()).toBe(2)
  })

  it('asks anew after sluice.invalidate', async () => {
    const { get, runs, sluice } = await oneCity()
    await get('/city')
    await sluice.invalidate('cities', [1])
    await get('/city')
    expect(runs()).toBe(2)
  })

  it('does not keep a response that a write overtook while it was made', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let runs = 0
    const { get, db, stats } = await setUp(({ db: knex }) => [
      {
        path: '/city',
        answer: async () => {
          runs += 1
          const city = await knex('cities').where({ id: 1 }).first()
          if (runs === 1) await held
          return { body: String(city.people) }
        },
      },
    ])
    const first = get('/city')
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    // The read has been sent and answered by now, or is answered before the write.
    await new Promise((resolve) => setTimeout(resolve, 20))
    await db('cities').where({ id: 1 }).update({ people: 2 })
    release()
    expect((await first).body).toBe('1')
    expect(stats().notStored).toEqual({ overtaken: 1 })
    expect((await get('/city')).body).toBe('2')
  })

  it('keeps what is read from results that are kept, under their tags', async () => {
    const { get, runs, db } = await oneCity()
    await db('cities').where({ id: 1 }).first()
    await get('/city')
    await get('/city')
    expect(runs()).toBe(1)
    await db('cities').where({ id: 1 }).update({ people: 3 })
    expect((await get('/city')).body).toBe('Ghent 3')
  })

  const unkept: readonly [reason: string, answer: (table: CityTable) => Promise<Answer>][] = [
    ['no query', async () => ({ body: 'constant' })],
    [
      'write',
      async ({ db }) => {
        await db('cities').where({ id: 1 }).first()
        await db('regions').insert({ name: 'visit' })
        return { body: 'written' }
      },
    ],
    [
      'in transaction',
      async ({ db }) => ({ body: String(await db.transaction(async (trx) => (await trx('cities').where({ id: 1 }).first()).people)) }),
    ],
    ['unknown read', async ({ db }) => ({ body: JSON.stringify(await db.raw('select * from cities')) })],
    ['set-cookie', async ({ db }) => ({ body: (await db('cities').first()).name, headers: { 'set-cookie': ['a=1'] } })],
    ['status', async ({ db }) => ({ body: (await db('cities').first()).name, status: 404 })],
    ['vary', async ({ db }) => ({ body: (await db('cities').first()).name, headers: { vary: '*' } })],
    ['event stream', async ({ db }) => ({ body: (await db('cities').first()).name, headers: { 'content-type': 'text/event-stream' } })],
    ...['no-store', 'private', 'no-cache', 'max-age=0', 's-maxage=0, max-age=60', 'private="x-y"'].map(
      (control): [string, (table: CityTable) => Promise<Answer>] => [
        'cache-control',
        async ({ db }) => ({ body: (await db('cities').first()).name, headers: { 'cache-control': control } }),
      ],
    ),
    ['cache-control', async ({ db }) => ({ body: (await db('cities').first()).name, headers: { expires: '0' } })],
    ['too large', async ({ db }) => ({ body: (await db('cities').first()).name.padEnd(2_000) })],
    ['too large', async ({ db }) => ({ parts: [(await db('cities').first()).name, ''.padEnd(2_000)] })],
    ['unknown read', async ({ db, sluice }) => ({ body: await sluice.bypass(async () => (await db('cities').first()).name) })],
    [
      'unknown read',
      async ({ db, sluice }) => {
        await db('cities').where({ id: 1 }).first()
        return { body: await sluice.run(async () => (await db('cities').where({ id: 2 }).first()).name, { mode: 'observe' }) }
      },
    ],
    [
      'unknown read',
      async ({ db, sluice }) => {
        await db('cities').where({ id: 1 }).first()
        return { body: String(await sluice.tiered?.get('absent')) }
      },
    ],
    [
      'unknown read',
      async ({ db }) => {
        await db('cities').where({ id: 1 }).first()
        const rows = await db('cities').where({ id: 2 }).stream().toArray()
        return { body: String(rows.length) }
      },
    ],
  ]
  it.each(unkept)('passes on what must not be kept: %s', async (reason, answer) => {
    let runs = 0
    const { get, stats } = await setUp((table) => [
      {
        path: '/it',
        cache: { maxBodyBytes: 1_000 },
        answer: () => {
          runs += 1
          return answer(table)
        },
      },
    ])
    const first = await get('/it')
    const second = await get('/it')
    expect(runs).toBe(2)
    expect(second.body).toBe(first.body)
    expect(stats()).toMatchObject({ hits: 0, stored: 0, notStored: { [reason]: 2 } })
  })

  it('follows what is read in scopes of its own within the request', async () => {
    let runs = 0
    const { get, db } = await setUp(({ db: knex, sluice }) => [
      {
        path: '/it',
        answer: async () => {
          runs += 1
          return { body: String(await sluice.run(async () => (await knex('cities').where({ id: 1 }).first()).people)) }
        },
      },
    ])
    await get('/it')
    await get('/it')
    expect(runs).toBe(1)
    await db('cities').where({ id: 1 }).update({ people: 4 })
    expect((await get('/it')).body).toBe('4')
  })

  it('depends on values of the app that the response was made of', async () => {
    let value = 1
    const { get, sluice } = await setUp(({ sluice: used }) => [
      { path: '/it', answer: async () => ({ body: String(await used.tiered?.getOrLoad('rate', () => value, { tags: ['rates'] })) }) },
    ])
    expect((await get('/it')).body).toBe('1')
    value = 2
    expect((await get('/it')).body).toBe('1')
    await sluice.tiered?.invalidateTags(['rates'])
    expect((await get('/it')).body).toBe('2')
  })

  it('keeps a response without a query under tags and tables of the app', async () => {
    let value = 1
    const { get, sluice, db } = await setUp(() => [
      { path: '/it', cache: { tags: ['front'], tables: ['cities'] }, answer: async () => ({ body: String(value) }) },
    ])
    await get('/it')
    value = 2
    expect((await get('/it')).body).toBe('1')
    await sluice.tiered?.invalidateTags(['front'])
    expect((await get('/it')).body).toBe('2')
    value = 3
    await db('cities').where({ id: 1 }).update({ people: 2 })
    expect((await get('/it')).body).toBe('3')
  })

  it.each(['authorization', 'proxy-authorization', 'cookie', 'x-api-key'])(
    'leaves requests with %s to the app, and keeps nothing of them',
    async (name) => {
      const { get, runs, stats } = await oneCity()
      await get('/city', { [name]: 'mine' })
      await get('/city', { [name]: 'mine' })
      expect(runs()).toBe(2)
      await get('/city')
      expect(runs()).toBe(3)
      expect(stats()).toMatchObject({ bypassed: { [name]: 2 }, stored: 1 })
    },
  )

  it.each([
    'x-user-id',
    'x-forwarded-user',
    'x-forwarded-client-cert',
    'x-amzn-oidc-data',
    'cf-access-jwt-assertion',
    'baggage',
    'x-http-method-override',
  ])('does not serve or cache responses for requests with an unlisted header: %s', async (name) => {
    const { get, runs, stats } = await oneCity()
    await get('/city')
    const { headers } = await get('/city', { [name]: 'mine' })
    expect(headers.get('cache-status')).toBe(`Sluice; fwd=bypass; detail="unlisted header ${name}"`)
    expect(runs()).toBe(2)
    expect(stats()).toMatchObject({ bypassed: { 'unlisted header': 1 }, hits: 0, stored: 1 })
  })

  it('serves requests with the headers of browsers and proxies from the cache', async () => {
    const { get, runs } = await oneCity()
    await get('/city')
    const names = [
      'accept',
      'user-agent',
      'referer',
      'dnt',
      'sec-fetch-site',
      'sec-ch-ua',
      'x-forwarded-for',
      'via',
      'traceparent',
      'priority',
    ]
    await get('/city', Object.fromEntries(names.map((name) => [name, 'any'])))
    expect(runs()).toBe(1)
  })

  it('serves requests with headers that ignoreHeaders or vary names from the cache', async () => {
    const { get, runs } = await oneCity({ ignoreHeaders: ['X-Campaign'], vary: ['X-Tenant'] })
    for (const campaign of ['a', 'b']) await get('/city', { 'x-campaign': campaign, 'x-tenant': '1' })
    expect(runs()).toBe(1)
    await get('/city', { 'x-tenant': '2' })
    expect(runs()).toBe(2)
  })

  it('separates responses by origin and by X-Requested-With', async () => {
    const { get, runs } = await oneCity()
    await get('/city')
    for (const name of ['a', 'b']) await get('/city', { origin: `https://${name}.example` })
    await get('/city', { 'x-requested-with': 'XMLHttpRequest' })
    expect(runs()).toBe(4)
  })

  it('keeps responses for each value of a credential that vary names', async () => {
    const { get, runs } = await oneCity({ vary: ['Cookie'] })
    for (const cookie of ['user=1', 'user=2', 'user=1']) await get('/city', { cookie })
    expect(runs()).toBe(2)
  })

  it('keeps responses of each host by its own, and those of all as one where it is told so', async () => {
    for (const [host, expected] of [
      [true, 2],
      [false, 1],
    ] as const) {
      const { get, runs } = await oneCity({ host })
      for (const name of ['a.example', 'b.example', 'A.example']) await get('/city', { host: name })
      expect(runs()).toBe(expected)
    }
  })

  it('tells apart what vary names under a key of the app, too', async () => {
    const { get, runs } = await oneCity({ key: () => 'one', vary: ['Accept-Language'] })
    for (const language of ['de', 'fr', 'de']) await get('/city', { 'accept-language': language })
    expect(runs()).toBe(2)
  })

  it('keeps responses by the key of the app, and none where it has no key', async () => {
    const { get, runs, stats } = await oneCity({ key: (request) => request.headers.cookie?.split('=')[1] })
    await get('/city?a=1', { cookie: 'user=1' })
    await get('/city?b=2', { cookie: 'user=1' })
    expect(runs()).toBe(1)
    await get('/city', { cookie: 'user=2' })
    await get('/city')
    expect(runs()).toBe(3)
    expect(stats().bypassed).toEqual({ key: 1 })
  })

  it('answers by the app where its key throws', async () => {
    const errors: unknown[] = []
    const { get, sluice, runs } = await oneCity({
      key: () => {
        throw new Error('no key')
      },
    })
    sluice.on('error', (error) => errors.push(error))
    expect((await get('/city')).body).toBe('Ghent 1')
    expect((await get('/city')).body).toBe('Ghent 1')
    expect([runs(), errors.length]).toEqual([2, 2])
  })

  it('tells queries apart, but for their order', async () => {
    const { get, runs } = await oneCity()
    for (const query of ['?a=1&b=2', '?b=2&a=1', '?a=1', '?a=1&a=2', '?a=2&a=1']) await get(`/city${query}`)
    expect(runs()).toBe(4)
  })

  it('tells apart only the parameters that the response depends on', async () => {
    const { get, runs } = await oneCity({ query: ['page'] })
    for (const query of ['', '?utm=1', '?page=1&utm=2', '?page=1', '?page=2', '?page[x]=2']) await get(`/city${query}`)
    expect(runs()).toBe(4)
  })

  it('does not serve or cache responses for queries of more than 1,000 parameters', async () => {
    const { get, runs, stats } = await oneCity({ query: ['page'] })
    for (let run = 0; run < 2; run += 1) await get(`/city?${'a=&'.repeat(1_000)}page=2`)
    expect([runs(), stats().bypassed]).toEqual([2, { query: 2 }])
  })

  it('tells apart what a proxy says of the host, so that nobody can poison links', async () => {
    const { get, runs } = await oneCity()
    await get('/city', { 'x-forwarded-host': 'evil.example' })
    await get('/city')
    await get('/city', { forwarded: 'for=1.2.3.4;host=evil.example' })
    await get('/city', { forwarded: 'for=5.6.7.8;host=evil.example' })
    expect(runs()).toBe(3)
  })

  it('keeps each variant of what the response varies by', async () => {
    let runs = 0
    const { get } = await setUp(({ db }) => [
      {
        path: '/it',
        answer: async (request) => {
          runs += 1
          const { name } = await db('cities').where({ id: 1 }).first()
          return { body: `${name} ${request.headers['accept-language']}`, headers: { vary: 'Accept-Language' } }
        },
      },
    ])
    for (const language of ['nl', 'fr', 'nl', 'fr']) {
      expect((await get('/it', { 'accept-language': language })).body).toBe(`Ghent ${language}`)
    }
    expect(runs).toBe(2)
  })

  it('sends a strong validator and answers 304 to who has the body', async () => {
    const { get, runs, stats } = await oneCity({}, { headers: { etag: '"v1"', 'cache-control': 'public, max-age=60' } })
    await get('/city')
    for (const tag of ['"v1"', 'W/"v1"', '"other", W/"v1"', '*']) {
      const { status, body, headers } = await get('/city', { 'if-none-match': tag })
      expect([tag, status, body, headers.get('etag'), headers.get('cache-control')]).toEqual([tag, 304, '', '"v1"', 'public, max-age=60'])
      expect(headers.has('content-length')).toBe(false)
    }
    expect((await get('/city', { 'if-none-match': '"v2"' })).status).toBe(200)
    expect(runs()).toBe(1)
    expect(stats().notModified).toBe(4)
  })

  it('keeps the whole response where the first to ask has it already', async () => {
    const { get, runs } = await oneCity()
    const etag = (await get('/city')).headers.get('etag') as string
    expect(etag).toMatch(/^(W\/)?"[\w+/=-]+"$/)
    const other = await oneCity()
    const first = await other.get('/city', { 'if-none-match': etag })
    expect([first.status, first.body]).toEqual([304, ''])
    const second = await other.get('/city')
    expect([second.status, second.body, second.headers.get('etag')]).toEqual([200, 'Ghent 1', etag])
    expect([runs(), other.runs()]).toEqual([1, 1])
  })

  it('makes a response anew for who asks so, and keeps that one', async () => {
    const { get, runs } = await oneCity()
    await get('/city')
    await get('/city', { 'cache-control': 'no-cache' })
    await get('/city', { 'cache-control': 'max-age=0' })
    await get('/city', { pragma: 'no-cache' })
    expect(runs()).toBe(4)
    await get('/city', { 'cache-control': 'max-age=60' })
    expect(runs()).toBe(4)
  })

  it('neither gives nor keeps for who asks for no store, and refuses what only it could give', async () => {
    const { get, runs, stats } = await oneCity()
    expect((await get('/city', { 'cache-control': 'only-if-cached' })).status).toBe(504)
    expect(runs()).toBe(0)
    await get('/city', { 'cache-control': 'no-store' })
    expect(stats().stored).toBe(0)
    await get('/city')
    expect((await get('/city', { 'cache-control': 'only-if-cached' })).body).toBe('Ghent 1')
    expect(runs()).toBe(2)
  })

  it('does not follow the Cache-Control of requests where it is told not to', async () => {
    const { get, runs } = await oneCity({ requestCacheControl: false })
    await get('/city')
    await get('/city', { 'cache-control': 'no-cache' })
    expect(runs()).toBe(1)
  })

  it('answers HEAD from a kept GET, and keeps nothing of a HEAD', async () => {
    const { get, runs } = await oneCity()
    await get('/city', {}, 'HEAD')
    expect(runs()).toBe(1)
    const whole = await get('/city')
    const head = await get('/city', {}, 'HEAD')
    expect(runs()).toBe(2)
    expect([head.status, head.body, head.headers.get('content-length')]).toEqual([200, '', String(whole.body.length)])
  })

  it('leaves other methods, ranges and requests with bodies to the app', async () => {
    const { get, stats } = await oneCity()
    await get('/city', {}, 'POST')
    await get('/city', { range: 'bytes=0-1' })
    expect(stats().bypassed).toEqual({ method: 1, range: 1 })
  })

  it('keeps the headers of the response, and none of one request or connection', async () => {
    const { get } = await oneCity(
      { dropHeaders: ['X-Mine'] },
      {
        headers: { 'x-kept': 'yes', 'x-mine': '1', 'x-request-id': 'r1', 'server-timing': 'a;dur=1', 'retry-after': '1' },
      },
    )
    const first = await get('/city')
    expect(first.headers.get('x-request-id')).toBe('r1')
    const second = await get('/city')
    expect(second.headers.get('x-kept')).toBe('yes')
    expect(second.headers.get('x-request-id')).not.toBe('r1')
    for (const name of ['x-mine', 'server-timing', 'retry-after']) expect([name, second.headers.has(name)]).toEqual([name, false])
  })

  it('keeps a response that is written in parts', async () => {
    const { get, runs } = await oneCity({}, { parts: ['one ', 'two'] })
    const first = await get('/city')
    const second = await get('/city')
    expect([first.body, second.body, runs()]).toEqual(['one two', 'one two', 1])
    expect(second.headers.get('etag')).toMatch(/^"[\w-]{27}"$/)
  })

  it('keeps compressed bodies byte by byte, each encoding by its own', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0x00, 0xff, 0xfe])
    let runs = 0
    const { url } = await setUp(({ db }) => [
      {
        path: '/it',
        answer: async (request) => {
          runs += 1
          await db('cities').where({ id: 1 }).first()
          const isGzip = request.headers['accept-encoding'] === 'gzip'
          const type = { vary: 'Accept-Encoding', 'content-type': 'application/octet-stream' }
          return isGzip ? { body: bytes, headers: { ...type, 'content-encoding': 'gzip' } } : { body: Buffer.from('plain'), headers: type }
        },
      },
    ])
    for (const encoding of ['gzip', 'identity', 'GZIP', 'gzip', 'identity']) {
      const { body } = await ask(`${url}/it`, { 'accept-encoding': encoding }, 'GET')
      expect(body).toEqual(encoding === 'identity' ? Buffer.from('plain') : bytes)
    }
    expect(runs).toBe(2)
  })

  it('runs the route once for requests that come together', async () => {
    let runs = 0
    const { get, stats } = await setUp(({ db }) => [
      {
        path: '/it',
        answer: async () => {
          runs += 1
          const city = await db('cities').where({ id: 1 }).first()
          await new Promise((resolve) => setTimeout(resolve, 50))
          return { body: city.name }
        },
      },
    ])
    const bodies = await Promise.all(Array.from({ length: 10 }, () => get('/it')))
    expect(new Set(bodies.map(({ body }) => body))).toEqual(new Set(['Ghent']))
    expect(runs).toBe(1)
    const { misses, hits, joined } = stats()
    expect([misses, hits + joined]).toEqual([1, 9])
    expect(joined).toBeGreaterThan(0)
  })

  it('lets those who waited go by themselves when the first one fails or is not kept', async () => {
    let runs = 0
    const { get } = await setUp(({ db }) => [
      {
        path: '/it',
        answer: async () => {
          runs += 1
          const mine = runs
          await db('cities').where({ id: 1 }).first()
          await new Promise((resolve) => setTimeout(resolve, 30))
          if (mine === 1) throw new Error('the first one fails')
          return { body: 'well' }
        },
      },
    ])
    vi.spyOn(console, 'error').mockReturnValue()
    const statuses = (await Promise.all(Array.from({ length: 4 }, () => get('/it')))).map(({ status }) => status)
    vi.restoreAllMocks()
    expect(statuses.toSorted()).toEqual([200, 200, 200, 500])
    expect(runs).toBe(4)
  })

  it('has one of those who waited make the next, and the others wait for that, when a write overtakes the first one', async () => {
    let runs = 0
    let goOn = () => {}
    let rename: () => PromiseLike<unknown> = async () => {}
    const { get, sluice } = await setUp(({ db }) => {
      rename = () => db('cities').where({ id: 1 }).update({ name: 'Genf' })
      return [
        {
          path: '/it',
          answer: async () => {
            runs += 1
            const { name } = await db('cities').where({ id: 1 }).first()
            if (runs === 1)
              await new Promise<void>((resolve) => {
                goOn = resolve
              })
            return { body: name }
          },
        },
      ]
    })
    const asked = Array.from({ length: 6 }, () => get('/it'))
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await sluice.run(async () => void (await rename()))
    goOn()
    const bodies = (await Promise.all(asked)).map(({ body }) => body)
    expect(bodies.filter((body) => body === 'Genf')).toHaveLength(5)
    expect(runs).toBe(2)
  })

  it('does not wait for a response whose client has gone', async () => {
    let runs = 0
    const { get, url } = await setUp(({ db }) => [
      {
        path: '/it',
        cache: { maxWaitMs: 60_000 },
        answer: async () => {
          runs += 1
          await db('cities').where({ id: 1 }).first()
          if (runs === 1) await new Promise(() => {})
          return { body: 'well' }
        },
      },
    ])
    const leaving = new AbortController()
    const left = fetch(`${url}/it`, { signal: leaving.signal }).catch(() => 'left')
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    const waiting = get('/it')
    await new Promise((resolve) => setTimeout(resolve, 20))
    leaving.abort()
    expect(await left).toBe('left')
    expect((await waiting).body).toBe('well')
  })

  it('waits no longer for another than it is told', async () => {
    let runs = 0
    const { get } = await setUp(({ db }) => [
      {
        path: '/it',
        cache: { maxWaitMs: 10 },
        answer: async () => {
          runs += 1
          await db('cities').where({ id: 1 }).first()
          if (runs === 1) await new Promise((resolve) => setTimeout(resolve, 300))
          return { body: String(runs) }
        },
      },
    ])
    const first = get('/it')
    await vi.waitFor(() => expect(runs).toBe(1), SOON)
    await get('/it')
    expect(runs).toBe(2)
    await first
  })

  it('does nothing in observe mode, and counts', async () => {
    const { get, runs, stats } = await oneCity({}, {}, { mode: 'observe' })
    const { headers } = await get('/city')
    await get('/city')
    expect(runs()).toBe(2)
    expect(headers.has('cache-status')).toBe(false)
    expect(stats()).toMatchObject({ bypassed: { observe: 2 }, misses: 0, stored: 0 })
  })

  it('compares in shadow mode, serves what the app makes, and tells of differences', async () => {
    let suffix = ''
    const differences: ResponseDifference[] = []
    const { get, sluice, stats } = await setUp(
      ({ db }) => [{ path: '/it', answer: async () => ({ body: `${(await db('cities').where({ id: 1 }).first()).name}${suffix}` }) }],
      { mode: 'shadow' },
    )
    sluice.on('responseDifference', (difference) => differences.push(difference))
    await get('/it')
    await vi.waitFor(() => expect(stats().stored).toBe(1), SOON)
    await get('/it')
    await vi.waitFor(() => expect(stats()).toMatchObject({ shadowed: 1, shadowDifferences: 0, stored: 2 }), SOON)
    suffix = '!'
    expect((await get('/it')).body).toBe('Ghent!')
    await vi.waitFor(() => expect(stats()).toMatchObject({ shadowed: 2, shadowDifferences: 1 }), SOON)
    expect(differences).toMatchObject([{ scope: 'GET /it', differs: 'body', keptBytes: 5, madeBytes: 6 }])
    expect(stats().hits).toBe(0)
  })

  it('keeps for as long as the response says, and counts it by reason in the metrics', async () => {
    const clock = { ms: 1_000, now: () => clock.ms, wall: () => 1_700_000_000_000 + clock.ms }
    const { get, runs, sluice } = await oneCity({ ttlMs: 5_000 }, { headers: { 'cache-control': 's-maxage=10, max-age=1' } }, { clock })
    await get('/city')
    clock.ms += 9_900
    const { headers } = await get('/city')
    expect([runs(), headers.get('age')]).toEqual([1, '9'])
    clock.ms += 200
    await get('/city')
    expect(runs()).toBe(2)
    await get('/city', { authorization: 'Basic x' })
    const text = (await sluice.monitor?.metricsText()) ?? ''
    expect(text).toContain('sluice_responses_total{sluice_result="hit"} 1\n')
    expect(text).toContain('sluice_responses_bypassed_total{sluice_reason="authorization"} 1\n')
  })
})

/** Not `fetch`, which adds to what it is told: `no-cache` to conditions, for one. */
function ask(url: string, headers: Record<string, string>, method: string) {
  return new Promise<{ readonly status: number; readonly headers: Headers; readonly body: Buffer }>((resolve, reject) => {
    httpRequest(url, { headers, method }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const received = new Headers(Object.entries(response.headers).map(([name, value]): [string, string] => [name, String(value)]))
        resolve({ status: response.statusCode ?? 0, headers: received, body: Buffer.concat(chunks) })
      })
    })
      .on('error', reject)
      .end()
  })
}
