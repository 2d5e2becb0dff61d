import { describe, expect, it } from 'vitest'
import { responseCacheOn } from './response-cache-world.ts'
import { frameworks } from './servers.ts'

describe.each(frameworks)('the response cache and request headers on $name', (framework) => {
  const { setUp, oneCity } = responseCacheOn(framework)

  it.each(['authorization', 'proxy-authorization', 'cookie', 'x-api-key'])(
    'passes requests with %s to the app, and caches no response to them',
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

  it('caches responses for each value of a credential that vary names', async () => {
    const { get, runs } = await oneCity({ vary: ['Cookie'] })
    for (const cookie of ['user=1', 'user=2', 'user=1']) await get('/city', { cookie })
    expect(runs()).toBe(2)
  })

  it('caches responses of each host separately, and those of all hosts as one if configured', async () => {
    for (const [host, expected] of [
      [true, 3],
      [false, 1],
    ] as const) {
      const { get, runs } = await oneCity({ host })
      for (const name of ['a.example', 'b.example', 'A.example']) await get('/city', { host: name })
      expect(runs()).toBe(expected)
    }
  })

  it('distinguishes headers that vary names under a custom key, too', async () => {
    const { get, runs } = await oneCity({ key: () => 'one', vary: ['Accept-Language'] })
    for (const language of ['de', 'fr', 'de']) await get('/city', { 'accept-language': language })
    expect(runs()).toBe(2)
  })

  it('caches responses by a custom key, and none without a key', async () => {
    const { get, runs, stats } = await oneCity({ key: (request) => request.headers.cookie?.split('=')[1] })
    await get('/city?a=1', { cookie: 'user=1' })
    await get('/city?b=2', { cookie: 'user=1' })
    expect(runs()).toBe(1)
    await get('/city', { cookie: 'user=2' })
    await get('/city')
    expect(runs()).toBe(3)
    expect(stats().bypassed).toEqual({ key: 1 })
  })

  it('passes requests to the app if the key function throws', async () => {
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

  it('distinguishes queries, except for their order', async () => {
    const { get, runs } = await oneCity()
    for (const query of ['?a=1&b=2', '?b=2&a=1', '?a=1', '?a=1&a=2', '?a=2&a=1']) await get(`/city${query}`)
    expect(runs()).toBe(4)
  })

  it('distinguishes only the parameters that the response depends on', async () => {
    const { get, runs } = await oneCity({ query: ['page'] })
    for (const query of ['', '?utm=1', '?page=1&utm=2', '?page=1', '?page=2', '?page[x]=2'])
      await get(`/city${query}`)
    expect(runs()).toBe(4)
  })

  it('does not serve or cache responses for queries of more than 1,000 parameters', async () => {
    const { get, runs, stats } = await oneCity({ query: ['page'] })
    for (let run = 0; run < 2; run += 1) await get(`/city?${'a=&'.repeat(1_000)}page=2`)
    expect([runs(), stats().bypassed]).toEqual([2, { query: 2 }])
  })

  it('distinguishes the forwarded host, so that no client can poison links', async () => {
    const { get, runs } = await oneCity()
    await get('/city', { 'x-forwarded-host': 'evil.example' })
    await get('/city')
    await get('/city', { forwarded: 'for=1.2.3.4;host=evil.example' })
    await get('/city', { forwarded: 'for=5.6.7.8;host=evil.example' })
    expect(runs()).toBe(3)
  })

  it('caches each variant by the Vary header of the response', async () => {
    let runs = 0
    const { get } = await setUp(({ db }) => [
      {
        path: '/it',
        answer: async (request) => {
          runs += 1
          const { name } = await db('cities').where({ id: 1 }).first()
          return {
            body: `${name} ${request.headers['accept-language']}`,
            headers: { vary: 'Accept-Language' },
          }
        },
      },
    ])
    for (const language of ['nl', 'fr', 'nl', 'fr']) {
      expect((await get('/it', { 'accept-language': language })).body).toBe(`Ghent ${language}`)
    }
    expect(runs).toBe(2)
  })
})
