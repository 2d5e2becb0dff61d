import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { EventStreamParser } from '../../packages/cli/src/dashboard/event-stream.ts'
import { withoutComments } from '../../packages/cli/src/project/project-folder.ts'
import { parseCallSite } from '../../packages/core/src/pipeline/call-site.ts'
import { canonicalKey } from '../../packages/core/src/shared/canonical.ts'
import { forwardedAddresses } from '../../packages/core/src/shared/client-address.ts'
import { closest } from '../../packages/core/src/shared/closest.ts'
import { errorForLog, errorMessage } from '../../packages/core/src/shared/error-message.ts'
import { plainLine } from '../../packages/core/src/shared/plain-line.ts'
import { redact, redactUrl } from '../../packages/core/src/shared/redact.ts'
import { masked } from '../../packages/dashboard/src/pages/queries-page.ts'
import { cookieValues } from '../../packages/http/src/headers/cookies.ts'
import { requestTarget } from '../../packages/http/src/headers/request-target.ts'
import { metricsFormat } from '../../packages/http/src/operations/create-metrics-handler.ts'
import { pathPattern } from '../../packages/http/src/request-names.ts'
import { queryKey, requestKey, varyKey } from '../../packages/http/src/response-cache/cacheable-request.ts'
import { isNotModified } from '../../packages/http/src/response-cache/send-stored.ts'
import { cacheControl } from '../../packages/http/src/response-cache/stored-response.ts'
import { ReplyFormatError, ReplyParser } from '../../packages/memcached/src/reply-parser.ts'
import { readBlocks } from '../../packages/prisma/src/project/schema-text.ts'
import { tagsIn } from '../../packages/redis/src/bus.ts'
import { hashTagOf } from '../../packages/redis/src/server/server-of.ts'
import { superlinear } from '../support/growth.ts'
import { Random } from '../support/random.ts'

const SEED = 20_261_201
/** Strings per reader. */
const STRINGS = 60
/** Repetitions in the shorter string of a pair. */
const COUNT = 3_000

type Reader = (text: string) => unknown

const requestWith = (headers: Readonly<Record<string, string>>) =>
  ({ headers, url: '/', method: 'GET', socket: {} }) as unknown as IncomingMessage

const inHeader = (name: string, read: (request: IncomingMessage) => unknown): Reader => {
  return (text) => read(requestWith({ host: 'a', [name]: text }))
}

/** In chunks of a size that depends on the length, so that each string has about as many. */
const inChunks = (text: string, feed: (chunk: string) => void): void => {
  const size = 16
  for (let at = 0; at < text.length; at += size) feed(text.slice(at, at + size))
}

const readReplies: Reader = (text) => {
  const parser = new ReplyParser(() => {})
  try {
    inChunks(text, (chunk) => parser.read(Buffer.from(chunk, 'latin1')))
  } catch (error) {
    if (!(error instanceof ReplyFormatError)) throw error
  }
}

const thrown: Reader = (text) => {
  const error = Object.assign(new Error(text, { cause: text }), {
    code: text,
    stack: `Error: ${text}\n at ${text}`,
  })
  return [
    errorMessage(error),
    errorForLog(error),
    errorMessage(text),
    errorForLog({ text }),
    parseCallSite(error.stack),
  ]
}

const HEADER = [
  ' ',
  '\t',
  ',',
  ';',
  '=',
  '"',
  '\\',
  'a',
  'q=1',
  'gzip',
  'W/"x"',
  '*',
  'for=1.1.1.1',
  'host="a"',
  '%3b',
  '&',
  '[',
  ':',
]
const SECRETS = [
  'a',
  ' ',
  ':',
  '//',
  '://',
  '@',
  '/',
  '.',
  '-',
  ',',
  ';',
  "'",
  '"',
  '{',
  '}',
  '=',
  '&',
  '\\',
  '%3A%2F%2F',
  '%3A',
  '%40',
  '\n',
  'password=',
  'token',
  'key: ',
  ';pwd=',
  'authorization: basic ',
  'http://',
  'a:b@c',
  "password='",
]
const REPLIES = [
  'VA 3 f2',
  'VA 99',
  'HD c1',
  'EN',
  'STAT a b',
  'END',
  '\r\n',
  '\n',
  '\r',
  ' ',
  'x',
  '0',
  'SERVER_ERROR',
  'MN\r\n',
]
const CODE = [
  '"',
  "'",
  '`',
  '\\',
  '//',
  '/*',
  '*/',
  '\n',
  '{',
  '}',
  ' ',
  'a',
  'model A {',
  'at x (y:1:2)',
  'at ',
  ' (',
  ':1',
  '(eval at ',
  ')',
]
const EVENTS = ['data: x', 'data:', 'event: a', 'id: 1', '\n', '\r', '\r\n', ':', 'x', '\ufeff']
const LINES = [
  '\u001b[',
  '\u001b]',
  '\u009b',
  '\u0090',
  '\u0007',
  '\u001b\\',
  ';',
  '1',
  'm',
  '\n',
  'a',
  '\u202e',
  '$$',
  '$a$',
  "'",
  "''",
  '\\',
  '"',
]

const readers: readonly (readonly [name: string, parts: readonly string[], read: Reader])[] = [
  ['Vary', HEADER, inHeader('accept-language', (request) => varyKey(request, ['accept-language']))],
  [
    'Forwarded in a key',
    HEADER,
    inHeader('forwarded', (request) => requestKey(request, {} as never, { host: true } as never)),
  ],
  ['Forwarded', HEADER, (text) => forwardedAddresses('forwarded', text)],
  ['X-Forwarded-For', HEADER, (text) => forwardedAddresses('x-forwarded', text)],
  ['Cache-Control', HEADER, cacheControl],
  [
    'If-None-Match',
    HEADER,
    (text) => isNotModified({ ifNoneMatch: text, ifModifiedSince: undefined }, '"x"', undefined),
  ],
  ['Accept', HEADER, metricsFormat],
  ['Cookie', HEADER, (text) => cookieValues(text, 'a')],
  [
    'an absolute URL',
    HEADER,
    (text) => requestTarget({ ...requestWith({ host: 'a' }), url: `http://a${text}` } as IncomingMessage),
  ],
  ['a path', HEADER, pathPattern],
  ['a query', HEADER, (text) => queryKey(text, new Set(['a']), undefined)],
  ['a key', HEADER, (text) => canonicalKey([text, { [text]: text }])],
  ['a hash tag', ['{', '}', 'a'], hashTagOf],
  ['an option', HEADER, (text) => closest(text, ['vary', 'ignoreHeaders', 'maxBytes'])],
  ['redaction', SECRETS, redact],
  ['a webhook', SECRETS, redactUrl],
  ['a thrown value', [...SECRETS, ...CODE], thrown],
  ['masking', LINES, masked],
  ['a line', LINES, plainLine],
  ['replies of Memcached', REPLIES, readReplies],
  ['messages of Redis', ['[', ']', '"', 'a', ',', '1', '{', '\\'], tagsIn],
  [
    'an event stream',
    EVENTS,
    (text) => {
      const parser = new EventStreamParser()
      inChunks(text, (chunk) => parser.push(chunk))
    },
  ],
  ['source code', CODE, withoutComments],
  ['a Prisma schema', CODE, readBlocks],
]

/** Start, repeated part and end: what a search for the longest time would find, too. */
function randomForm(random: Random, parts: readonly string[]): (count: number) => string {
  const some = (most: number) =>
    Array.from({ length: random.below(most + 1) }, () => random.pick(parts)).join('')
  const [start, repeated, end] = [some(2), random.pick(parts) + some(2), some(2)]
  return (count) => start + repeated.repeat(count) + end
}

describe.each(readers)('%s', (_name, parts, read) => {
  const random = new Random(SEED)
  const forms = [
    ...parts.flatMap((part) =>
      ['', 'x'].map((around) => (count: number) => around + part.repeat(count) + around),
    ),
    ...Array.from({ length: STRINGS }, () => randomForm(random, parts)),
  ]

  it('is read without an error, in linear time', () => {
    for (const form of forms) expect(superlinear(read, form, COUNT), JSON.stringify(form(2))).toBeUndefined()
  })
})

describe('redaction of lines', () => {
  // A bound on a repetition hides quadratic time in longer strings.
  it('takes time proportional to the length of each', () => {
    const lines = (text: string) => redact(`${text}\n`.repeat(400))
    for (const part of ['https://x/', 'http://a.b/c?d=e,', 'a:b', '%3A%2F%2Fa%3A', 'a://b:c d '])
      expect(
        superlinear(lines, (count) => part.repeat(count), 60),
        part,
      ).toBeUndefined()
  })
})

describe('values that are no errors', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const values: readonly (readonly [name: string, value: unknown])[] = [
    ['undefined', undefined],
    ['null', null],
    ['-0', -0],
    ['a bigint', 1n],
    ['an empty string', ''],
    ['a symbol', Symbol('a')],
    ['an object', {}],
    ['a cycle', cycle],
    ['a function', () => {}],
    ['an invalid date', new Date(Number.NaN)],
  ]

  it.each(values)('become text without an error: %s', (_name, value) => {
    expect(typeof errorMessage(value)).toBe('string')
    expect(() => errorForLog(value)).not.toThrow()
  })
})
