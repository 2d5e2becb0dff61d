import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { DerivedValues, Scope } from '@sluice/core/siblings'
import { KEYED_HEADERS } from './request-identity.ts'
import { queryKey } from './request-query.ts'
import type { ResolvedResponseCacheOptions } from './response-cache-options.ts'

/** What a framework knows of a request that `node:http` does not. */
export interface RequestFacts {
  /**
   * The path and query that the client asked for.
   * @defaultValue `request.url`
   */
  readonly url?: string | undefined
  /**
   * Returns the query as the framework parsed it for the app.
   * @defaultValue none: Sluice does not know the app's parser
   */
  readonly query?: () => unknown
  /** Called before a response is sent that was kept. */
  readonly beforeSend?: () => void
}

/** One request at the cache. */
export interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: RequestFacts
  readonly scope: Scope
  readonly derived: DerivedValues
  readonly context: string
  /** What is asked for, without any header that the response varies by. */
  readonly target: string
  /** What is asked for, but for the headers that the response turns out to vary by. */
  readonly base: string
  /** The whole of it, as far as that is known. */
  readonly key: string
  readonly control: ReadonlyMap<string, string>
}

/**
 * The key of a request, without the headers that the response varies by: equal for requests that the app answers alike.
 *
 * @returns What must not be cached, by reason, if there is no key.
 */
export function requestKey(
  request: IncomingMessage,
  facts: RequestFacts,
  options: ResolvedResponseCacheOptions,
): { readonly key: string } | { readonly key?: undefined; readonly reason: 'key' | 'query' } {
  if (options.key !== undefined) {
    const key: unknown = options.key(request)
    if (key === undefined) return { reason: 'key' }
    if (typeof key !== 'string') throw new TypeError(`The option "key" of a response cache gave ${typeof key}, and no text.`)
    return { key: `key\n${key}` }
  }
  const target = facts.url ?? request.url ?? '/'
  // Clients send no fragment. Some parsers drop it, and for others it is a part of the query.
  if (target.includes('#')) return { reason: 'query' }
  const at = target.indexOf('?')
  const path = at < 0 ? target : target.slice(0, at)
  const query = queryKey(at < 0 ? '' : target.slice(at + 1), options.query, facts.query)
  if (query === undefined) return { reason: 'query' }
  const host = options.host ? hostOf(request) : ''
  return { key: `url\n${host}${keyedHeaders(request)}\n${path}\n${query}` }
}

/** What a request asks for, as it was sent: equal for no two requests that differ in what `requestKey` reads. */
export function rawTarget(request: IncomingMessage): string {
  return `${request.method} ${hostOf(request)}${keyedHeaders(request)}\n${request.url}`
}

/** As the client wrote it: apps may compare names exactly. A request of HTTP/2 may have two, and apps read either. */
function hostOf({ headers, socket }: IncomingMessage): string {
  const isEncrypted = (socket as Partial<TLSSocket>).encrypted === true
  return `${headers[':scheme'] ?? ''} ${isEncrypted ? 'https' : 'http'} ${headers[':authority'] ?? ''} ${headers.host ?? ''}`
}

/** What a request says in headers that the response depends on. */
export function varyKey(request: IncomingMessage, names: readonly string[]): string {
  let key = ''
  for (const name of names) key += `\n${name}: ${headerOf(request, name)}`
  return key
}

function headerOf({ headers }: IncomingMessage, name: string): string {
  const value = headers[name]
  const text = Array.isArray(value) ? value.join(', ') : (value ?? '')
  const plain = text.trim().replace(/\s*,\s*/g, ',')
  return name === 'accept-encoding' ? plain.toLowerCase() : plain
}

function keyedHeaders(request: IncomingMessage): string {
  let key = ''
  for (const name of KEYED_HEADERS) if (request.headers[name] !== undefined) key += `\n${name}: ${request.headers[name]}`
  const { forwarded } = request.headers
  // Its other parts are of the client.
  if (forwarded !== undefined)
    for (const [part] of forwarded.matchAll(/\b(?:host|proto)\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,]+)/gi)) key += `\n${part}`
  return key
}

/** Headers that ask for a part, or only if something is so: none of it is kept. */
const CONDITIONS = ['range', 'if-range', 'if-match', 'if-unmodified-since']

/** Why a request is not answered from the cache, and its response not kept, whoever sends it; `undefined`: it may be. */
export function requestRefusal({ headers }: IncomingMessage): string | undefined {
  if (headers.upgrade !== undefined) return 'upgrade'
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) return 'body'
  return CONDITIONS.some((name) => headers[name] !== undefined) ? 'range' : undefined
}
