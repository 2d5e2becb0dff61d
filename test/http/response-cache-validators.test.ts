import { describe, expect, it } from 'vitest'
import { ask, responseCacheOn } from './response-cache-world.ts'
import { frameworks } from './servers.ts'

describe.each(frameworks)('the response cache and HTTP validators on $name', (framework) => {
  const { setUp, oneCity } = responseCacheOn(framework)

  it('sends a strong validator and responds with 304 to clients that have the body', async () => {
    const { get, runs, stats } = await oneCity(
      {},
      { headers: { etag: '"v1"', 'cache-control': 'public, max-age=60' } },
    )
    await get('/city')
    for (const tag of ['"v1"', 'W/"v1"', '"other", W/"v1"', '*']) {
      const { status, body, headers } = await get('/city', { 'if-none-match': tag })
      expect([tag, status, body, headers.get('etag'), headers.get('cache-control')]).toEqual([
        tag,
        304,
        '',
        '"v1"',
        'public, max-age=60',
      ])
      expect(headers.has('content-length')).toBe(false)
    }
    expect((await get('/city', { 'if-none-match': '"v2"' })).status).toBe(200)
    expect(runs()).toBe(1)
    expect(stats().notModified).toBe(4)
  })

  it('caches the whole response if the first client has it already', async () => {
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

  it('renders a new response for no-cache, and caches it', async () => {
    const { get, runs } = await oneCity()
    await get('/city')
    await get('/city', { 'cache-control': 'no-cache' })
    await get('/city', { 'cache-control': 'max-age=0' })
    await get('/city', { pragma: 'no-cache' })
    expect(runs()).toBe(4)
    await get('/city', { 'cache-control': 'max-age=60' })
    expect(runs()).toBe(4)
  })

  it('neither serves nor caches responses for no-store, and rejects only-if-cached then', async () => {
    const { get, runs, stats } = await oneCity()
    expect((await get('/city', { 'cache-control': 'only-if-cached' })).status).toBe(504)
    expect(runs()).toBe(0)
    await get('/city', { 'cache-control': 'no-store' })
    expect(stats().stored).toBe(0)
    await get('/city')
    expect((await get('/city', { 'cache-control': 'only-if-cached' })).body).toBe('Ghent 1')
    expect(runs()).toBe(2)
  })

  it('ignores the Cache-Control of requests when configured', async () => {
    const { get, runs } = await oneCity({ requestCacheControl: false })
    await get('/city')
    await get('/city', { 'cache-control': 'no-cache' })
    expect(runs()).toBe(1)
  })

  it('serves HEAD from a cached GET, and caches no response to HEAD', async () => {
    const { get, runs } = await oneCity()
    await get('/city', {}, 'HEAD')
    expect(runs()).toBe(1)
    const whole = await get('/city')
    const head = await get('/city', {}, 'HEAD')
    expect(runs()).toBe(2)
    expect([head.status, head.body, head.headers.get('content-length')]).toEqual([
      200,
      '',
      String(whole.body.length),
    ])
  })

  it('passes other methods, ranges and requests with bodies to the app', async () => {
    const { get, stats } = await oneCity()
    await get('/city', {}, 'POST')
    await get('/city', { range: 'bytes=0-1' })
    expect(stats().bypassed).toEqual({ method: 1, range: 1 })
  })

  it('caches the headers of the response, except those of one request or connection', async () => {
    const { get } = await oneCity(
      { dropHeaders: ['X-Mine'] },
      {
        headers: {
          'x-kept': 'yes',
          'x-mine': '1',
          'x-request-id': 'r1',
          'server-timing': 'a;dur=1',
          'retry-after': '1',
        },
      },
    )
    const first = await get('/city')
    expect(first.headers.get('x-request-id')).toBe('r1')
    const second = await get('/city')
    expect(second.headers.get('x-kept')).toBe('yes')
    expect(second.headers.get('x-request-id')).not.toBe('r1')
    for (const name of ['x-mine', 'server-timing', 'retry-after'])
      expect([name, second.headers.has(name)]).toEqual([name, false])
  })

  it('caches a response that is written in parts', async () => {
    const { get, runs } = await oneCity({}, { parts: ['one ', 'two'] })
    const first = await get('/city')
    const second = await get('/city')
    expect([first.body, second.body, runs()]).toEqual(['one two', 'one two', 1])
    expect(second.headers.get('etag')).toMatch(/^"[\w-]{27}"$/)
  })

  it('caches compressed bodies byte by byte, each encoding separately', async () => {
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
          return isGzip
            ? { body: bytes, headers: { ...type, 'content-encoding': 'gzip' } }
            : { body: Buffer.from('plain'), headers: type }
        },
      },
    ])
    for (const encoding of ['gzip', 'identity', 'GZIP', 'gzip', 'identity']) {
      const { body } = await ask(`${url}/it`, { 'accept-encoding': encoding }, 'GET')
      expect(body).toEqual(encoding === 'identity' ? Buffer.from('plain') : bytes)
    }
    expect(runs).toBe(2)
  })
})
