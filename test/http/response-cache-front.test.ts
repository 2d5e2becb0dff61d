import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, type ScopeReport, type SluiceOptions } from '@sluice/core'
import { createResponseCache, type ResponseCacheOptions } from '@sluice/http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../support/patience.ts'
import { cityTable } from './city-table.ts'
import { type Answer, type Framework, frameworks, type Route } from './servers.ts'

const HOST = { host: 'app.test' }
const MODIFIED = 'Wed, 01 Jan 2025 00:00:00 GMT'

interface Asking {
  readonly path?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Received {
  readonly status: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends exactly these headers. */
function ask(
  port: number,
  { path = '/city', method = 'GET', headers = {}, body }: Asking = {},
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port, path, method, headers: { ...HOST, ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const { rawHeaders, statusCode, statusMessage } = response
          const lines = rawHeaders.flatMap((name, at) =>
            at % 2 === 0 ? [[name.toLowerCase(), rawHeaders[at + 1] ?? ''] as const] : [],
          )
          resolve({
            status: `${statusCode} ${statusMessage}`,
            headers: Object.fromEntries(lines),
            body: Buffer.concat(chunks).toString(),
          })
        })
      },
    )
    sent.on('error', reject).end(body)
  })
}

/** The parts of a response that a second response must repeat. */
function comparable({ status, headers, body }: Received) {
  const { date, age, 'x-request-id': id, 'cache-status': cacheStatus = '', ...others } = headers
  const isDated = date !== undefined
  return {
    status,
    body,
    isDated,
    hasAge: age !== undefined,
    id: id?.length,
    kept: cacheStatus.replace(/\d+/g, 'n'),
    others,
  }
}

interface WorldOptions {
  /** The file of the database. Default: in memory. */
  readonly file?: string
  readonly cache?: ResponseCacheOptions
  readonly sluice?: SluiceOptions
  readonly before?: (request: IncomingMessage, response: ServerResponse) => void
  readonly answer?: (
    city: { readonly name: string; readonly people: number },
    request: IncomingMessage,
  ) => Answer
}

/** An app that is served twice, with a front and without, and has one cache. */
async function world(
  framework: Framework,
  { cache = {}, sluice: options, before, answer, file }: WorldOptions = {},
) {
  const table = await cityTable(options, file)
  onTestFinished(() => table.close())
  const { sluice, db } = table
  const route: Route = {
    path: '/city',
    cache,
    async answer(request) {
      const city = await db('cities').where({ id: 1 }).first()
      if (answer !== undefined) return answer(city, request)
      return {
        body: `${city.name} ${city.people}`,
        headers: { 'last-modified': MODIFIED, vary: 'accept-language' },
      }
    },
  }
  let seen = 0
  const count = (request: IncomingMessage, response: ServerResponse) => {
    seen += 1
    before?.(request, response)
  }
  const [plain, fronted] = [
    await framework.serve(sluice, [route], before),
    await framework.serve(sluice, [route], count, true),
  ]
  onTestFinished(() => plain.close())
  onTestFinished(() => fronted.close())
  const port = (url: string) => Number(new URL(url).port)
  const reports: ScopeReport[] = []
  sluice.on('scope', (report) => reports.push(report))
  const front = (asking?: Asking) => ask(port(fronted.url), asking)
  /** Whether the app received a request that was sent to the front. */
  const reaches = async (asking?: Asking) => {
    const before = seen
    const received = await front(asking)
    return { isSeen: seen > before, received }
  }
  return {
    ...table,
    plain: (asking?: Asking) => ask(port(plain.url), asking),
    front,
    reaches,
    reports,
    /** Sends requests until the front serves the response. */
    async learn(asking?: Asking) {
      for (let tries = 0; tries < 50; tries += 1) if (!(await reaches(asking)).isSeen) return
      throw new Error('The front did not learn.')
    },
    /** Sends enough requests to learn. Returns whether the front did. */
    async learns(asking?: Asking) {
      for (let tries = 0; tries < 4; tries += 1) {
        await front(asking)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      return !(await reaches(asking)).isSeen
    },
  }
}

/** Requests after a plain `GET` was learned, and whether the front serves them. */
const REQUESTS: readonly (readonly [name: string, asking: Asking, isAnswered: boolean])[] = [
  ['the same request', {}, true],
  [
    'browser headers',
    { headers: { 'user-agent': 'b', accept: '*/*', 'sec-fetch-mode': 'navigate', traceparent: '00-1-2-01' } },
    true,
  ],
  ['an address of a proxy', { headers: { 'x-forwarded-for': '10.0.0.1' } }, true],
  ['a condition that holds', { headers: { 'if-none-match': '*' } }, true],
  ['a condition that does not hold', { headers: { 'if-none-match': '"other"' } }, true],
  ['a date that is not before', { headers: { 'if-modified-since': MODIFIED } }, true],
  ['a date that is before', { headers: { 'if-modified-since': 'Tue, 02 Jan 2024 00:00:00 GMT' } }, true],
  ['a maximum age that is met', { headers: { 'cache-control': 'max-age=3600' } }, true],
  ['only-if-cached', { headers: { 'cache-control': 'only-if-cached' } }, true],
  ['an empty body', { headers: { 'content-length': '0' } }, true],
  ['no-cache', { headers: { 'cache-control': 'no-cache' } }, false],
  ['pragma', { headers: { pragma: 'no-cache' } }, false],
  ['no-store', { headers: { 'cache-control': 'no-store' } }, false],
  ['a maximum age of 0', { headers: { 'cache-control': 'max-age=0' } }, false],
  ['a freshness that is not met', { headers: { 'cache-control': 'min-fresh=99999' } }, false],
  ['a cookie', { headers: { cookie: 'a=1' } }, false],
  ['authorization', { headers: { authorization: 'Basic YTpi' } }, false],
  ['an API key', { headers: { 'x-api-key': 'k' } }, false],
  ['an unlisted header', { headers: { 'x-user': '7' } }, false],
  ['a range', { headers: { range: 'bytes=0-1' } }, false],
  ['a precondition', { headers: { 'if-match': '"a"' } }, false],
  ['a body', { headers: { 'content-length': '2' }, body: 'ab' }, false],
  ['a body in chunks', { headers: { 'transfer-encoding': 'chunked' }, body: 'ab' }, false],
  ['a host of a proxy', { headers: { 'x-forwarded-host': 'evil.test' } }, false],
  ['a forwarded host', { headers: { forwarded: 'host=evil.test' } }, false],
  ['an origin', { headers: { origin: 'http://a.test' } }, false],
  ['another host', { headers: { host: 'other.test' } }, false],
  ['another value of a header that the response varies by', { headers: { 'accept-language': 'de' } }, false],
  ['another query', { path: '/city?a=1' }, false],
  ['a fragment', { path: '/city#a' }, false],
  ['another method', { method: 'OPTIONS' }, false],
  ['HEAD that was not learned', { method: 'HEAD' }, false],
]

describe.each(frameworks)('responseCacheFront with $name', (framework) => {
  it('serves the same responses as the response cache, or passes the request on', async () => {
    const { plain, learn, reaches } = await world(framework)
    await learn()
    await plain()
    for (const [name, asking, isAnswered] of REQUESTS) {
      const { isSeen, received } = await reaches(asking)
      const expected = comparable(await plain(asking))
      expect({ name, isAnswered: !isSeen }).toEqual({ name, isAnswered })
      // A request that the app serves may be a hit in only one of the two apps.
      if (isAnswered) expect({ name, ...comparable(received) }).toEqual({ name, ...expected })
      else
        expect({ name, status: received.status, body: received.body }).toEqual({
          name,
          status: expected.status,
          body: expected.body,
        })
      await learn()
    }
  })

  it('serves HEAD, and other targets, once it has learned each', async () => {
    const { plain, learn, front } = await world(framework)
    await learn()
    for (const asking of [
      { method: 'HEAD' },
      { path: '/city?b=1&a=2' },
      { headers: { 'x-forwarded-proto': 'https' } },
    ]) {
      await learn(asking)
      await plain({ ...asking, method: 'GET' })
      expect(comparable(await front(asking))).toEqual(comparable(await plain(asking)))
    }
  })

  it('counts its responses under the route, with an id', async () => {
    const { sluice, front, learn, reports } = await world(framework)
    await learn()
    const { hits } = createResponseCache(sluice).getStats()
    await vi.waitFor(() => expect(reports.length).toBeGreaterThan(2), SOON)
    reports.length = 0
    const { headers } = await front()
    await front({ headers: { 'if-none-match': '*' } })
    await vi.waitFor(() => expect(reports).toHaveLength(2), SOON)
    expect(reports.map(({ name, statusCode, failed }) => [name, statusCode, failed])).toEqual([
      ['GET /city', 200, false],
      ['GET /city', 304, false],
    ])
    if (framework.name !== 'node:http') expect(reports[0]?.requestId).toBe(headers['x-request-id'])
    expect(createResponseCache(sluice).getStats()).toMatchObject({ hits: hits + 2, notModified: 1 })
  })

  it('serves no response that a write has invalidated', async () => {
    const { db, learn, reaches } = await world(framework)
    for (let people = 2; people < 5; people += 1) {
      await learn()
      await db('cities').where({ id: 1 }).update({ people })
      expect(await reaches()).toMatchObject({ isSeen: true, received: { body: `Ghent ${people}` } })
    }
  })

  it('follows a Vary that a later response adds', async () => {
    const { db, learn, reaches } = await world(framework, {
      answer: ({ people }, request) => {
        if (people === 1) return { body: 'one' }
        return { body: String(request.headers['accept-language']), headers: { vary: 'Accept-Language' } }
      },
    })
    const [de, en] = [{ headers: { 'accept-language': 'de' } }, { headers: { 'accept-language': 'en' } }]
    await learn(de)
    expect(await reaches(en)).toMatchObject({ isSeen: false, received: { body: 'one' } })
    await db('cities').where({ id: 1 }).update({ people: 2 })
    await learn(de)
    expect(await reaches(de)).toMatchObject({ isSeen: false, received: { body: 'de' } })
    expect(await reaches(en)).toMatchObject({ isSeen: true, received: { body: 'en' } })
  })

  it('distinguishes the headers of the option vary', async () => {
    const { learn, reaches } = await world(framework, {
      cache: { vary: ['x-tenant'] },
      answer: (_, request) => ({ body: String(request.headers['x-tenant']) }),
    })
    const [a, b] = [{ headers: { 'x-tenant': 'a' } }, { headers: { 'x-tenant': 'b' } }]
    await learn(a)
    expect(await reaches(b)).toMatchObject({ isSeen: true, received: { body: 'b' } })
    await learn(b)
    for (const [asking, body] of [
      [a, 'a'],
      [b, 'b'],
    ] as const)
      expect(await reaches(asking)).toMatchObject({ isSeen: false, received: { body } })
  })

  it('serves no request from the response of a header that the app overwrites', async () => {
    let tenant = 'b'
    const { plain, learns, reaches } = await world(framework, {
      cache: { vary: ['x-tenant'] },
      before: (request) => {
        request.headers['x-tenant'] = tenant
      },
      answer: (_, request) => ({ body: String(request.headers['x-tenant']) }),
    })
    const asking = { headers: { 'x-tenant': 'b' } }
    await plain(asking)
    tenant = 'a'
    expect(await learns(asking)).toBe(false)
    expect(await reaches(asking)).toMatchObject({ isSeen: true, received: { body: 'a' } })
  })

  it('passes requests on in other modes', async () => {
    const { sluice, learn, reaches } = await world(framework)
    await learn()
    for (const mode of ['observe', 'shadow'] as const) {
      sluice.setMode(mode)
      expect((await reaches()).isSeen).toBe(true)
    }
    sluice.setMode('optimize')
    expect((await reaches()).isSeen).toBe(false)
  })

  const unlearned: Readonly<Record<string, WorldOptions>> = {
    'a rollout': { sluice: { rollout: 0.999 } },
    'a context': { sluice: { context: () => 'tenant' } },
    'a key of the app': { cache: { key: () => 'all' } },
    'a header that is not cached': { before: (_, response) => response.setHeader('set-cookie', 'a=1') },
    'a header that is dropped from what is cached': {
      cache: { dropHeaders: ['x-shard'] },
      before: (_, response) => response.setHeader('x-shard', '1'),
    },
    'a head that is changed when it is written': {
      before: (_, response) => {
        const { writeHead } = response
        response.writeHead = ((...head: Parameters<typeof writeHead>) => {
          response.setHeader('x-late', randomUUID())
          return writeHead.apply(response, head)
        }) as typeof writeHead
      },
    },
    'a body that is changed when it is written': {
      before: (_, response) => {
        const { end } = response
        response.end = ((...parts: unknown[]) => Reflect.apply(end, response, parts)) as typeof end
      },
    },
    'a reason phrase': {
      before: (_, response) => {
        response.statusMessage = 'Fine'
      },
    },
    'a response without a date': {
      before: (_, response) => {
        response.sendDate = false
      },
    },
    'a connection that is to be closed': {
      before: (_, response) => {
        response.shouldKeepAlive = false
      },
    },
  }

  it.each(Object.entries(unlearned))('does not learn from %s', async (_, options) => {
    const { learns } = await world(framework, options)
    expect(await learns({ headers: { 'accept-language': 'de' } })).toBe(false)
  })

  it('serves from a shared store in bounded mode, and passes requests on to the app in strict mode', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-front-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    for (const consistency of ['bounded', 'strict'] as const) {
      const { learns } = await world(framework, {
        sluice: { cache: { ttl: 300, store: memoryStore(), consistency } },
        file: join(folder, consistency),
      })
      expect([consistency, await learns()]).toEqual([consistency, consistency === 'bounded'])
    }
  })
})
