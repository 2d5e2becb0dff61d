import { describe, expect, it } from 'vitest'
import { resolveResponseCacheOptions } from '../../src/response-cache/response-cache-options.ts'
import { isStoredResponse } from '../../src/response-cache/stored-response.ts'

const options = resolveResponseCacheOptions({ dropHeaders: ['X-Dropped'], maxBodyBytes: 10 }, 1_000)
const stored = { status: 200, headers: [['X-One', '1']], body: Buffer.from('body'), etag: '"a"' }

describe('isStoredResponse', () => {
  it.each([
    stored,
    { ...stored, route: '/cities/:id' },
    { ...stored, headers: [['Link', ['<a>', '<b>']]] },
    { ...stored, headers: [] },
  ])('accepts a response of a response cache: %j', (value) => {
    expect(isStoredResponse(value, options)).toBe(true)
  })

  it.each([
    null,
    undefined,
    'text',
    [],
    {},
    ...[99, 199, 206, 304, 404, 999, '200', Number.NaN, undefined].map((status) => ({ ...stored, status })),
    ...['body', [1], null, new Uint8Array(11)].map((body) => ({ ...stored, body })),
    ...[undefined, 1, 'a\r\nset-cookie: b'].map((etag) => ({ ...stored, etag })),
    ...[1, null, {}].map((route) => ({ ...stored, route })),
    ...[null, {}, 'X-One: 1'].map((headers) => ({ ...stored, headers })),
    ...[
      ['X-One', 'a\r\nset-cookie: b'],
      ['X-One\r\nset-cookie', 'b'],
      ['X One', '1'],
      ['', '1'],
      ['X-One', 1],
      ['X-One', ['a', 'b\n']],
      ['X-One', [1]],
      ['X-One'],
      ['X-One', '1', '2'],
      ['Set-Cookie', 'a=b'],
      ['Transfer-Encoding', 'chunked'],
      ['Content-Length', '1'],
      ['X-Dropped', '1'],
      'X-One: 1',
    ].map((header) => ({ ...stored, headers: [header] })),
  ])('rejects any other value: %j', (value) => {
    expect(isStoredResponse(value, options)).toBe(false)
  })
})
