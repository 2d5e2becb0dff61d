import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSluice, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { type ConsistencyCookie, type ConsistencyCookieOptions, createConsistencyCookie } from '@sluice/http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { nodeCertificate, nodeKey } from '../../../test/support/certificates.ts'
import { serve } from './world.ts'

const SECRET = 'a secret of some length'
const OTHER = 'another secret of some length'
const everything = { tables: new Set<never>(), everything: true }

afterEach(() => {
  vi.useRealTimers()
})

function write(sluice: Sluice, outcome: 'committed' | 'unknown' | 'rolled-back' = 'committed'): void {
  hostOf(sluice).writes.begin(everything).end(outcome)
}

interface App {
  readonly sluice: Sluice
  readonly consistencyCookie: ConsistencyCookie
  /**
   * Sends a request whose handler runs in a scope with its consistency token; returns the cookies that were
   * set.
   */
  ask(handle: Handler, cookie?: string, method?: string): Promise<string[]>
}

type Handler = (response: ServerResponse, request: IncomingMessage) => unknown

async function open(options?: ConsistencyCookieOptions, isSecure?: boolean): Promise<App> {
  const sluice = createSluice()
  const consistencyCookie = createConsistencyCookie(sluice, options)
  let handle: Handler
  const { address } = await serve((request, response) => {
    void sluice.run(async () => {
      consistencyCookie.carry(request, response, isSecure)
      await handle(response, request)
      if (!response.writableEnded) response.end()
    })
  })
  return {
    sluice,
    consistencyCookie,
    async ask(given, cookie, method = 'GET') {
      handle = given
      const response = await fetch(`http://${address}`, {
        method,
        ...(cookie !== undefined && { headers: { cookie } }),
      })
      await response.text()
      return response.headers.getSetCookie()
    },
  }
}

/** The token that the reads of a request with this cookie use: `*`, `?` or an empty string. */
async function tokenOf(app: App, cookie: string): Promise<string> {
  const taken = vi.spyOn(app.sluice.replicas, 'useConsistencyToken')
  try {
    await app.ask(() => {}, cookie)
    return String(taken.mock.calls[0]?.[0] ?? '')
  } finally {
    taken.mockRestore()
  }
}

const pairOf = (cookie: string | undefined) => cookie?.split(';')[0] ?? ''

describe('createConsistencyCookie', () => {
  it('sets a cookie only when the scope wrote', async () => {
    const { sluice, ask, consistencyCookie } = await open()
    expect(await ask(() => write(sluice))).toEqual([
      'sluice-consistency=*; Max-Age=3; Path=/; HttpOnly; SameSite=Lax',
    ])
    expect(await ask(() => {})).toEqual([])
    expect(await ask(() => write(sluice, 'rolled-back'))).toEqual([])
    expect(await ask(() => {}, 'sluice-consistency=*')).toEqual([])
    expect(consistencyCookie.getStats()).toEqual({ set: 1, taken: 1, refused: 0 })
  })

  it('sets a different cookie each time for methods whose responses are not cached', async () => {
    const app = await open()
    const { sluice, ask } = app
    const given = async () => pairOf((await ask(() => write(sluice), undefined, 'POST'))[0])
    const [one, other] = [await given(), await given()]
    expect(one).toMatch(/^sluice-consistency=[\w-]{12}$/)
    expect(other).not.toBe(one)
    const taken = vi.spyOn(sluice.replicas, 'useConsistencyToken')
    for (const cookie of [one, other, 'sluice-consistency=*']) await ask(() => {}, cookie)
    expect(taken.mock.calls).toEqual([
      ['*', one.slice('sluice-consistency='.length)],
      ['*', other.slice('sluice-consistency='.length)],
      ['*', undefined],
    ])
  })

  it('sets the cookie for writes in nested scopes', async () => {
    const { sluice, ask } = await open()
    expect(await ask(() => sluice.run(() => write(sluice)))).toHaveLength(1)
  })

  it('sets a second cookie after a write of unknown outcome, which later cookies do not replace', async () => {
    const app = await open()
    const { sluice, ask } = app
    expect(await ask(() => write(sluice, 'unknown'))).toEqual([
      'sluice-consistency-unknown=*; Max-Age=33; Path=/; HttpOnly; SameSite=Lax',
    ])
    expect(await ask(() => write(sluice))).toEqual([expect.stringMatching(/^sluice-consistency=/)])
    expect(await tokenOf(app, 'sluice-consistency=*; sluice-consistency-unknown=*')).toBe('?')
  })

  it('sets the attributes of its options', async () => {
    const { sluice, ask } = await open({
      name: 'consistency',
      sameSite: 'strict',
      secure: true,
      domain: 'example.org',
      maxAgeSeconds: 10,
    })
    expect(await ask(() => write(sluice))).toEqual([
      'consistency=*; Max-Age=10; Domain=example.org; Path=/; HttpOnly; SameSite=Strict; Secure',
    ])
    expect(await ask(() => write(sluice, 'unknown'))).toEqual([
      expect.stringContaining('consistency-unknown=*; Max-Age=40;'),
    ])
  })

  it.each([
    [undefined, false],
    [true, true],
  ])('sets Secure when the request is secure (%s)', async (isSecure, expected) => {
    const { sluice, ask } = await open({}, isSecure)
    const [cookie] = await ask(() => write(sluice))
    expect(cookie?.endsWith('; Secure')).toBe(expected)
  })

  it('sets Secure on a TLS connection', async () => {
    const sluice = createSluice()
    const consistencyCookie = createConsistencyCookie(sluice)
    const server = createServer({ cert: nodeCertificate, key: nodeKey }, (incoming, response) => {
      void sluice.run(() => {
        consistencyCookie.carry(incoming, response)
        write(sluice)
        response.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const sent = get({ host: '127.0.0.1', port, rejectUnauthorized: false, agent: false })
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    expect(response.headers['set-cookie']?.[0]).toContain('; Secure')
    response.resume()
    await new Promise((resolve) => server.close(resolve))
  })

  it.each<ConsistencyCookieOptions>([
    { sameSite: 'none' },
    { name: '__Host-consistency' },
    { name: '__Secure-consistency' },
  ])('is secure in any case with %o', async (options) => {
    const { sluice, ask } = await open(options)
    expect((await ask(() => write(sluice)))[0]).toContain('; Secure')
  })

  it.each<[string, Handler]>([
    ['set before', (response) => response.setHeader('Set-Cookie', ['a=1', 'b=2'])],
    ['one text', (response) => response.setHeader('set-cookie', 'a=1').appendHeader('Set-Cookie', 'b=2')],
    ['an object of writeHead', (response) => response.writeHead(201, { 'Set-Cookie': ['a=1', 'b=2'] })],
    [
      'an array of writeHead',
      (response) => response.writeHead(201, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']),
    ],
    [
      'sent by flushHeaders',
      (response) => response.appendHeader('Set-Cookie', ['a=1', 'b=2']).flushHeaders(),
    ],
  ])('leaves cookies of the app unchanged: %s', async (_, setOwn) => {
    const { sluice, ask } = await open()
    const cookies = await ask((response, request) => {
      write(sluice)
      setOwn(response, request)
    })
    expect(cookies).toEqual(['a=1', 'b=2', expect.stringMatching(/^sluice-consistency=/)])
  })

  it('finds its scope when the headers are sent outside of the scope', async () => {
    const { sluice, ask } = await open()
    const cookies = await ask(async (response) => {
      write(sluice)
      await hostOf(sluice).scopes.leave(
        () =>
          new Promise<void>((resolve) => {
            setImmediate(() => response.end(() => resolve()))
          }),
      )
    })
    expect(cookies).toHaveLength(1)
  })

  it('throws when it is used outside of any scope', async () => {
    const { consistencyCookie } = await open()
    expect(() => consistencyCookie.take(undefined)).toThrow('to be handled in a scope')
    expect(consistencyCookie.toSet('POST', false)).toEqual([])
  })

  it.each([
    ['sluice-consistency=*', '*', 0],
    ['a=1; sluice-consistency=*; b=2', '*', 0],
    ['sluice-consistency=nonsense; sluice-consistency=*', '*', 1],
    ['sluice-consistency=; sluice-consistency=0:0/1; sluice-consistency', '', 2],
    ['my-sluice-consistency=*; sluice-consistencys=*; x=sluice-consistency=*', '', 0],
    ['sluice-consistency-unknown=*', '?', 0],
    [`sluice-consistency=${'*'.repeat(4_000)}`, '', 1],
  ])('uses the cookie %s as token %s and rejects %i', async (cookie, token, refused) => {
    const app = await open()
    expect(await tokenOf(app, cookie)).toBe(token)
    expect(app.consistencyCookie.getStats()).toEqual({ set: 0, taken: Number(token !== ''), refused })
  })

  it('accepts its own signature, and rejects values that were changed, forged or signed for another cookie', async () => {
    const app = await open({ secret: SECRET })
    const cookie = pairOf((await app.ask(() => write(app.sluice), undefined, 'POST'))[0])
    expect(cookie).toMatch(/^sluice-consistency=[\da-z]+\.[\w-]{12}\.[\w-]{43}$/)
    expect(await tokenOf(app, cookie)).toBe('*')
    const [at = '', own = '', signature = ''] = cookie.slice('sluice-consistency='.length).split('.')
    const bare = createHmac('sha256', SECRET).update(`${at}.${own}`).digest('base64url')
    const forged = [
      'sluice-consistency=*',
      `sluice-consistency=${own}`,
      `sluice-consistency=${at}.${own}.${bare}`,
      `sluice-consistency=${at}1.${own}.${signature}`,
      `sluice-consistency=${at}.*.${signature}`,
      `sluice-consistency=${at}.${own}.${signature.slice(1)}`,
      `sluice-consistency-unknown=${at}.${own}.${signature}`,
    ]
    for (const one of forged) expect(await tokenOf(app, one)).toBe('')
    expect(app.consistencyCookie.getStats()).toEqual({ set: 1, taken: 1, refused: forged.length })
  })

  it('accepts signatures of any secret, and signs with the first', async () => {
    const old = await open({ secret: SECRET })
    const both = await open({ secret: [OTHER, SECRET] })
    const young = await open({ secret: OTHER })
    const given = async (app: App) => pairOf((await app.ask(() => write(app.sluice)))[0])
    expect(await tokenOf(both, await given(old))).toBe('*')
    expect(await tokenOf(young, await given(both))).toBe('*')
    expect(await tokenOf(young, await given(old))).toBe('')
    // Without a secret, signatures are not checked.
    expect(await tokenOf(await open(), await given(both))).toBe('*')
  })

  it('accepts a signed cookie until it expires, with a tolerance for clock skew', async () => {
    const app = await open({ secret: SECRET })
    const cookie = pairOf((await app.ask(() => write(app.sluice)))[0])
    const now = Date.now()
    vi.useFakeTimers({ toFake: ['Date'] })
    for (const [afterMs, token] of [
      [302_000, '*'],
      [310_000, ''],
      [-298_000, '*'],
      [-310_000, ''],
    ] as const) {
      vi.setSystemTime(now + afterMs)
      expect(await tokenOf(app, cookie)).toBe(token)
    }
  })

  it.each<[string, unknown]>([
    ['name', { name: 'a b' }],
    ['name', { name: '' }],
    ['secret', { secret: 'short' }],
    ['secret', { secret: [] }],
    ['secret', { secret: [SECRET, ''] }],
    ['secure', { secure: 'yes' }],
    ['secure', { secure: false, sameSite: 'none' }],
    ['secure', { secure: false, name: '__Secure-consistency' }],
    ['sameSite', { sameSite: 'Lax' }],
    ['domain', { domain: 'a;b' }],
    ['domain', { domain: 'example.org', name: '__Host-consistency' }],
    ['maxAgeSeconds', { maxAgeSeconds: 0.5 }],
    ['maxAge', { maxAge: 1 }],
  ])('throws for an invalid option %s: %o', (option, options) => {
    const make = () => createConsistencyCookie(createSluice(), options as never)
    expect(make).toThrow(
      expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option: `consistencyCookie.${option}` }),
    )
  })
})
