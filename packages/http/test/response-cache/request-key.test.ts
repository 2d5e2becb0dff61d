import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { requestKey } from '../../src/response-cache/cacheable-request.ts'
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
      ...[
        'forwarded',
        'x-forwarded-host',
        'x-forwarded-port',
        'x-forwarded-prefix',
        'x-forwarded-proto',
        'x-forwarded-scheme',
      ],
      ...['x-forwarded-server', 'x-forwarded-ssl', 'x-scheme', 'x-original-url', 'x-rewrite-url', 'origin'],
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
})
