import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { sluicePlugin, sluiceResponseCache } from '@sluice/fastify'
import { createResponseCache, type ResponseCacheOptions } from '@sluice/http'
import fastify from 'fastify'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SOON } from '../support/patience.ts'
import { type CityTable, cityTable } from './city-table.ts'
import { type Answer, frameworks } from './servers.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function table(options: Parameters<typeof cityTable>[0] = {}): Promise<CityTable> {
  const opened = await cityTable(options)
  closing.push(() => opened.close())
  return opened
}

/**
 * Runs a function when a response's head is written, like a middleware that was registered before the cache.
 */
function whenWritten(response: ServerResponse, change: (args: unknown[]) => unknown[]): void {
  const writeHead = response.writeHead as (...args: unknown[]) => ServerResponse
  response.writeHead = ((...args: unknown[]) =>
    writeHead.apply(response, change(args))) as typeof response.writeHead
}

const COOKIE = 'session=1; HttpOnly'
/** Ways in which a middleware sets it at the last moment. */
const ways: readonly [string, (response: ServerResponse) => void][] = [
  [
    'setting it as the head is written',
    (response) =>
      whenWritten(response, (args) => {
        response.setHeader('Set-Cookie', COOKIE)
        return args
      }),
  ],
  [
    'passing it to writeHead',
    (response) =>
      whenWritten(response, ([status, headers = {}]) => [
        status,
        { ...(headers as object), 'set-cookie': COOKIE },
      ]),
  ],
  [
    'passing it to writeHead as a list',
    (response) => whenWritten(response, ([status]) => [status, ['set-cookie', COOKIE]]),
  ],
]
const bodies: readonly [string, Answer][] = [
  ['whole', { body: 'a city' }],
  ['in parts', { parts: ['a ', 'city'] }],
]

describe.each(frameworks)('Set-Cookie at the last moment on $name', (framework) => {
  async function serve(
    answer: Answer,
    before: (response: ServerResponse) => void,
    cache: ResponseCacheOptions = {},
    options = {},
  ) {
    const { sluice, db } = await table(options)
    let runs = 0
    const route = async () => {
      runs += 1
      await db('cities').where({ id: 1 }).first()
      return answer
    }
    const served = await framework.serve(
      sluice,
      [{ path: '/city', cache, answer: route }],
      (_request, response) => before(response),
    )
    closing.push(() => served.close())
    const get = async (headers: Record<string, string> = {}, signal: AbortSignal | null = null) => {
      const response = await fetch(`${served.url}/city`, { headers, signal })
      return {
        status: response.status,
        cookies: response.headers.getSetCookie(),
        etag: response.headers.get('etag'),
        body: await response.text(),
      }
    }
    return { get, runs: () => runs, stats: () => createResponseCache(sluice).getStats() }
  }

  describe.each(bodies)('of a response that is written %s', (_name, answer) => {
    it.each(ways)('does not cache it when a middleware sets the cookie by %s', async (_way, before) => {
      for (const cacheStatus of [true, false]) {
        const { get, runs, stats } = await serve(answer, before, { cacheStatus })
        for (let at = 0; at < 2; at += 1)
          expect(await get()).toMatchObject({ status: 200, cookies: [COOKIE], body: 'a city' })
        expect(runs()).toBe(2)
        expect(stats()).toMatchObject({ hits: 0, stored: 0, notStored: { SET_COOKIE: 2 } })
      }
    })
  })

  it('does not cache a 304', async () => {
    const { get, stats } = await serve(
      { body: 'a city', headers: { etag: '"v1"' } },
      ways[0]?.[1] ?? (() => {}),
    )
    expect(await get({ 'if-none-match': '"v1"' })).toMatchObject({ status: 304, cookies: [COOKIE] })
    expect(await get()).toMatchObject({ status: 200, cookies: [COOKIE] })
    expect(stats()).toMatchObject({ hits: 0, stored: 0, notModified: 1, notStored: { SET_COOKIE: 2 } })
  })

  it('does not cache a response in shadow mode either', async () => {
    const { get, stats } = await serve({ body: 'a city' }, ways[0]?.[1] ?? (() => {}), {}, { mode: 'shadow' })
    for (let at = 0; at < 2; at += 1) expect((await get()).cookies).toEqual([COOKIE])
    await expect.poll(() => stats().notStored, SOON).toEqual({ SET_COOKIE: 2 })
    expect(stats()).toMatchObject({ stored: 0, shadowed: 0 })
  })

  // The app decides what happens with the error: here it is caught.
  it.runIf(framework.name === 'node:http')(
    'lets no request wait for a response whose head cannot be written',
    async () => {
      let times = 0
      const { get, runs } = await serve(
        { body: 'a city' },
        (response) => {
          times += 1
          if (times > 1) return
          whenWritten(response, (args) => {
            times += 1
            if (times === 2) throw new Error('no head')
            return args
          })
        },
        { maxWaitMs: 60_000 },
      )
      // Node leaves its connection corked, so it may send no response.
      const first = get({}, AbortSignal.timeout(300)).catch(() => undefined)
      await vi.waitFor(() => expect(runs()).toBe(1), SOON)
      await first
      expect(await get()).toMatchObject({ status: 200, body: 'a city' })
      expect(await get()).toMatchObject({ status: 200, body: 'a city' })
      expect(runs()).toBe(2)
    },
  )

  it('belongs to one response, and to no other', async () => {
    let times = 0
    const { get, runs } = await serve({ body: 'a city' }, (response) => {
      times += 1
      if (times === 1) ways[0]?.[1](response)
    })
    expect((await get()).cookies).toEqual([COOKIE])
    expect((await get()).cookies).toEqual([])
    expect(await get()).toMatchObject({ cookies: [], body: 'a city' })
    expect(runs()).toBe(2)
  })

  it('counts why a response with other late headers is not cached', async () => {
    const late = (name: string, value: string) => (response: ServerResponse) =>
      whenWritten(response, (args) => {
        response.setHeader(name, value)
        return args
      })
    for (const [name, value, reason] of [
      ['Cache-Control', 'private', 'CACHE_CONTROL'],
      ['Vary', 'X-Mine', 'VARY'],
    ] as const) {
      const { get, stats } = await serve({ body: 'a city' }, late(name, value))
      for (let at = 0; at < 2; at += 1) await get()
      expect(stats()).toMatchObject({ hits: 0, stored: 0, notStored: { [reason]: 2 } })
    }
  })
})

describe('Set-Cookie of hooks of Fastify', () => {
  it.each([
    ['text', () => 'a city'],
    ['an object', () => ({ name: 'a city' })],
    ['a stream', () => new PassThrough().end('a city')],
  ])('does not cache %s', async (_kind, body) => {
    const { sluice, db } = await table()
    const app = fastify()
    closing.push(() => app.close())
    await app.register(sluicePlugin, { sluice, report: false, serverTiming: false })
    await app.register(sluiceResponseCache, { sluice, allRoutes: true })
    app.addHook('onSend', async (_request, reply, payload) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      reply.header('set-cookie', COOKIE)
      return payload
    })
    let runs = 0
    app.get('/city', async (_request, reply) => {
      runs += 1
      await db('cities').where({ id: 1 }).first()
      return reply
        .type('text/plain')
        .send(
          typeof body() === 'object' && !(body() instanceof PassThrough) ? JSON.stringify(body()) : body(),
        )
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/city`
    for (let at = 0; at < 2; at += 1) {
      const response = await fetch(url)
      expect([
        response.status,
        response.headers.getSetCookie(),
        (await response.text()).includes('a city'),
      ]).toEqual([200, [COOKIE], true])
    }
    expect(runs).toBe(2)
    expect(createResponseCache(sluice).getStats()).toMatchObject({
      hits: 0,
      stored: 0,
      notStored: { SET_COOKIE: 2 },
    })
  })
})
