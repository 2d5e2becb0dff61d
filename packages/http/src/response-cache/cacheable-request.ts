import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { canonicalKey } from '@sluice/core/adapter'
import { type DerivedValues, joinedKey, type Scope } from '@sluice/core/siblings'
import { KEYED_HEADERS } from './request-identity.ts'
import type { ResolvedResponseCacheOptions } from './response-cache-options.ts'

/** Facts about a request that a framework knows and `node:http` does not. */
export interface RequestFacts {
  /**
   * The path and query that the client requested.
   * @defaultValue `request.url`
   */
  readonly url?: string | undefined
  /**
   * Returns the query as the framework parsed it for the app.
   * @defaultValue none: Sluice does not know the app's parser
   */
  readonly query?: () => unknown
  /**
   * Returns the pattern of the route, such as `/cities/:id`, when the response was created. Requests that are
   * served from the cache before a route matches have its name.
   * @defaultValue none
   */
  readonly route?: () => string | undefined
  /** Called before a cached response is sent. */
  readonly beforeSend?: () => void
}

export interface CacheableRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: RequestFacts
  readonly scope: Scope
  readonly derived: DerivedValues
  readonly context: string
  /** The key without any header that the response varies by. */
  readonly target: string
  /** The key without the headers that the response turns out to vary by. */
  readonly base: string
  /** The whole key, as far as it is known. */
  readonly key: string
  readonly control: ReadonlyMap<string, string>
}

/**
 * Returns the key of a request, without the headers that the response varies by: equal for requests that
 * receive the same response from the app.
 *
 * @returns The reason why the request must not be cached, if there is no key.
 */
export function requestKey(
  request: IncomingMessage,
  facts: RequestFacts,
  options: ResolvedResponseCacheOptions,
): { readonly key: string } | { readonly key?: undefined; readonly reason: 'key' | 'query' } {
  if (options.key !== undefined) {
    const key: unknown = options.key(request)
    if (key === undefined) return { reason: 'key' }
    if (typeof key !== 'string')
      throw new TypeError(
        `Option "key" of a response cache: expected a function that returns a string or undefined, got ${typeof key}.`,
      )
    return { key: joinedKey('key', key) }
  }
  const target = facts.url ?? request.url ?? '/'
  // Clients send no fragment. Some parsers remove it, and others treat it as part of the query.
  if (target.includes('#')) return { reason: 'query' }
  const at = target.indexOf('?')
  const path = at < 0 ? target : target.slice(0, at)
  const query = queryKey(at < 0 ? '' : target.slice(at + 1), options.query, facts.query)
  if (query === undefined) return { reason: 'query' }
  const host = options.host ? hostOf(request) : ''
  return { key: joinedKey('url', host, keyedHeaders(request), path, query) }
}

/**
 * Returns the target of a request as it was sent: never equal for two requests that differ in anything that
 * `requestKey` reads.
 */
export function rawTarget(request: IncomingMessage): string {
  return joinedKey(request.method, hostOf(request), keyedHeaders(request), request.url)
}

/**
 * The host as the client wrote it: apps may compare names exactly. An HTTP/2 request may have two, and apps
 * read either.
 */
function hostOf({ headers, socket }: IncomingMessage): string {
  const isEncrypted = (socket as Partial<TLSSocket>).encrypted === true
  return joinedKey(
    oneOf(headers[':scheme']),
    isEncrypted ? 'https' : 'http',
    oneOf(headers[':authority']),
    headers.host,
  )
}

/** Returns the values of the request headers that the response depends on. */
export function varyKey(request: IncomingMessage, names: readonly string[]): string {
  let key = ''
  for (const name of names) key += joinedKey(name, headerOf(request, name))
  return key
}

/** Lists in which white space around commas has no meaning. Apps may read any other header exactly. */
const LISTS = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language'])

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const text = oneOf(headers[name])
  // A comma in quotes is part of a value.
  if (text === undefined || !LISTS.has(name) || text.includes('"')) return text
  const plain = text
    .split(',')
    .map((item) => item.trim())
    .join(',')
  return name === 'accept-encoding' ? plain.toLowerCase() : plain
}

function oneOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' || value === undefined ? value : joinedKey(...value)
}

function keyedHeaders(request: IncomingMessage): string {
  let key = ''
  for (const name of KEYED_HEADERS)
    if (request.headers[name] !== undefined) key += joinedKey(name, oneOf(request.headers[name]))
  const { forwarded } = request.headers
  // The other parts of the header describe the client.
  if (forwarded !== undefined)
    for (const [part] of forwarded.matchAll(/\b(?:host|proto)\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,]+)/gi))
      key += joinedKey(part)
  return key
}

/** Headers that request a part, or set a condition. Such responses are not cached. */
const CONDITIONS = ['range', 'if-range', 'if-match', 'if-unmodified-since']

/**
 * Returns why a request is not served from the cache and its response not cached, regardless of its sender;
 * `undefined`: it can be.
 */
export function requestRefusal({ headers }: IncomingMessage): string | undefined {
  if (headers.upgrade !== undefined) return 'upgrade'
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0)
    return 'body'
  return CONDITIONS.some((name) => headers[name] !== undefined) ? 'range' : undefined
}

/** Default limit of the parsers `qs` and Node's `querystring`: they ignore additional parameters. */
const MAX_PARAMETERS = 1_000
/** All parsers split these the same way: no list notation, no second separator, no encoding in the name. */
const PLAIN = /^[\w-]+(?:=[^;]*)?$/
/** An encoded separator. A parser that decodes first treats it as a separator. */
const ENCODED_SEPARATOR = /%(?:26|3b|3d)/i

/**
 * The query's part of a cache key: equal only for queries that the app reads as equal.
 *
 * @param listed - The parameters that the response depends on; `undefined`: every one.
 * @param parsed - Returns the query as the app's parser reads it; `undefined`: the parser is not known, and
 *   must be one of the usual ones.
 * @returns `undefined` if parsers may read different values from it.
 */
export function queryKey(
  query: string,
  listed: ReadonlySet<string> | undefined,
  parsed: (() => unknown) | undefined,
): string | undefined {
  const parts = query.split('&')
  if (parts.length > MAX_PARAMETERS) return undefined
  if (listed !== undefined && parsed !== undefined) return canonicalKey(fieldsOf(parsed(), listed))
  if (query === '') return ''
  const isPlain = areDistinct(parts)
  if (listed === undefined) {
    // A custom parser may depend on the order.
    if (!isPlain || parts.length === 1 || parsed === undefined) return query
    const read = canonicalKey(fieldsOf(parsed(), undefined))
    return read === undefined ? query : joinedKey(sortedByName(parts), read)
  }
  if (!isPlain || parts.some((part) => ENCODED_SEPARATOR.test(part))) return undefined
  const lower = new Set([...listed].map((name) => name.toLowerCase()))
  return sortedByName(parts.filter((part) => lower.has(nameOf(part).toLowerCase())))
}

/** Whether all parts are plain, and no two names differ in case only: a parser may ignore case. */
function areDistinct(parts: readonly string[]): boolean {
  const names = new Map<string, string>()
  return parts.every((part) => {
    if (!PLAIN.test(part)) return false
    const name = nameOf(part)
    const known = names.get(name.toLowerCase())
    names.set(name.toLowerCase(), name)
    return known === undefined || known === name
  })
}

/** Values of one name keep their order. */
function sortedByName(parts: readonly string[]): string {
  return parts.toSorted((left, right) => compare(nameOf(left), nameOf(right))).join('&')
}

/** Returns a plain object of the fields: objects of parsers have different prototypes. */
function fieldsOf(parsed: unknown, listed: ReadonlySet<string> | undefined): unknown {
  if (typeof parsed !== 'object' || parsed === null) return parsed
  // A parser that builds no nested objects leaves `page[x]` as a name.
  const isListed = (name: string) =>
    listed === undefined || listed.has(name) || listed.has(name.split(/[[.]/, 1)[0] ?? name)
  return Object.fromEntries(Object.entries(parsed).filter(([name]) => isListed(name)))
}

function nameOf(part: string): string {
  return part.split('=', 1)[0] ?? part
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
