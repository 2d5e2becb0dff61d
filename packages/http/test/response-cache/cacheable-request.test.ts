import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { requestKey, varyKey } from '../../src/response-cache/cacheable-request.ts'
import { resolveResponseCacheOptions } from '../../src/response-cache/response-cache-options.ts'

interface Told {
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly encrypted?: boolean
}

function keyOf({ url = '/city', headers = {}, encrypted = false }: Told, options: object = {}) {
  const request = { url, headers: { host: 'a.example', ...headers }, socket: { encrypted } }
  return requestKey(request as unknown as IncomingMessage, {}, resolveResponseCacheOptions(options, 1_000))
}

const plain = keyOf({})

describe('the key of a request', () => {
  it.each<[string, Told]>([
    ['the case of the host', { headers: { host: 'A.example' } }],
    ['a dot after the host', { headers: { host: 'a.example.' } }],
    ['the port', { headers: { host: 'a.example:80' } }],
    ['a second host of HTTP/2', { headers: { ':authority': 'b.example' } }],
    ['the protocol of the connection', { encrypted: true }],
    ['the scheme of HTTP/2', { headers: { ':scheme': 'https' } }],
    ['a target in absolute form', { url: 'http://a.example/city' }],
    ['two slashes', { url: '//city' }],
    ['an encoded slash', { url: '/%2Fcity' }],
    ...[
      'forwarded',
      'x-forwarded-host',
      'x-forwarded-port',
      'x-forwarded-prefix',
      'x-forwarded-proto',
      'x-forwarded-scheme',
      'x-forwarded-server',
      'x-forwarded-ssl',
      'x-scheme',
      'x-original-url',
      'x-rewrite-url',
      'origin',
    ].map((name): [string, Told] => [name, { headers: { [name]: 'host=evil' } }]),
  ])('distinguishes requests by %s', (_what, told) => {
    expect(keyOf(told).key).not.toBe(plain.key)
  })

  it('distinguishes two hosts of a request from the same hosts in reverse order', () => {
    const of = (authority: string, host: string) => keyOf({ headers: { ':authority': authority, host } }).key
    expect(of('a.example', 'b.example')).not.toBe(of('b.example', 'a.example'))
    expect(of('a.example', 'b.example')).not.toBe(of('a.example', 'a.example'))
  })

  it('distinguishes lists in proxy headers by their exact spelling', () => {
    const of = (value: string) => keyOf({ headers: { 'x-original-url': value } }).key
    expect(of('/a , b')).not.toBe(of('/a,b'))
  })

  it.each([{}, { query: ['page'] }])(
    'rejects a fragment, which some parsers treat as part of the query: %j',
    (options) => {
      for (const url of ['/city#', '/city?page=1#&page=2', '/city?utm=#&page=2'])
        expect(keyOf({ url }, options)).toEqual({ reason: 'query' })
    },
  )

  it('returns the same key for equal requests', () => {
    expect(keyOf({}).key).toBe(plain.key)
  })

  it('does not confuse a key of the app with a key and a header', () => {
    const of = (key: string, accept: string) => {
      const request = { headers: { accept } } as unknown as IncomingMessage
      return `${keyOf({}, { key: () => key }).key}${varyKey(request, ['accept'])}`
    }
    expect(of('a\naccept: b', 'c')).not.toBe(of('a', 'b\naccept: c'))
    expect(of('a6:accept1:b', 'c')).not.toBe(of('a', 'b'))
  })

  it('does not confuse a header with two headers', () => {
    const of = (headers: Readonly<Record<string, string>>) => keyOf({ headers }).key
    expect(of({ 'x-scheme': 'a', origin: 'b' })).not.toBe(of({ 'x-scheme': 'a\norigin: b' }))
  })
})

describe('the headers that a response varies by', () => {
  const of = (headers: Readonly<Record<string, string | readonly string[]>>, name: string) =>
    varyKey({ headers } as unknown as IncomingMessage, [name])

  it.each([
    ['cookie', 'a, b', 'a,b'],
    ['cookie', ' a', 'a'],
    ['x-tenant', 'A', 'a'],
    ['user-agent', 'a ,b', 'a,b'],
    ['accept', 'a;b="c, d"', 'a;b="c,d"'],
  ])('distinguishes spellings of %s: %j and %j', (name, left, right) => {
    expect(of({ [name]: left }, name)).not.toBe(of({ [name]: right }, name))
  })

  it.each([
    ['accept', 'a, b', 'a,b'],
    ['accept-language', 'de , en', 'de,en'],
    ['accept-encoding', 'GZIP, br', 'gzip,br'],
  ])('ignores white space in the list %s: %j and %j', (name, left, right) => {
    expect(of({ [name]: left }, name)).toBe(of({ [name]: right }, name))
  })

  it('distinguishes a missing header from an empty one, and a list from its text', () => {
    expect(of({}, 'cookie')).not.toBe(of({ cookie: '' }, 'cookie'))
    expect(of({ cookie: ['a', 'b'] }, 'cookie')).not.toBe(of({ cookie: 'a, b' }, 'cookie'))
  })
})
