import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { DerivedValues, Scope } from '@sluice/core/siblings'
import type { ResolvedResponseCacheOptions } from './response-cache-options.ts'

/** What a framework knows of a request that `node:http` does not. */
export interface RequestFacts {
  /**
   * The path and query that the client asked for.
   * @defaultValue `request.url`
   */
  readonly url?: string | undefined
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
  /** What is asked for, but for the headers that the response turns out to vary by. */
  readonly base: string
  /** The whole of it, as far as that is known. */
  readonly key: string
  readonly control: ReadonlyMap<string, string>
}

/** Apps that trust their proxy write these into links: they are a part of the question, or one client could poison the answers of all. */
const FORWARDED = ['x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'x-forwarded-prefix', 'x-original-url', 'x-rewrite-url']

/** What a request asks for, as a text that is equal for equal questions; `undefined`: the app's `key` says that it is not to be kept. */
export function requestKey(request: IncomingMessage, url: string, options: ResolvedResponseCacheOptions): string | undefined {
  if (options.key !== undefined) {
    const key: unknown = options.key(request)
    if (key === undefined) return undefined
    if (typeof key !== 'string') throw new TypeError(`The option "key" of a response cache gave ${typeof key}, and no text.`)
    return `key\n${key}${varyKey(request, options.vary)}`
  }
  const [target = ''] = url.split('#', 1)
  const at = target.indexOf('?')
  const path = at < 0 ? target : target.slice(0, at)
  const query = at < 0 ? '' : sortedQuery(target.slice(at + 1), options.query)
  const host = options.host ? (request.headers.host ?? '').toLowerCase() : ''
  return `url\n${host}${forwardedKey(request)}\n${path}\n${query}${varyKey(request, options.vary)}`
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

function forwardedKey(request: IncomingMessage): string {
  let key = ''
  for (const name of FORWARDED) if (request.headers[name] !== undefined) key += `\n${name}: ${headerOf(request, name)}`
  const { forwarded } = request.headers
  // Its other parts are of the client.
  if (forwarded !== undefined)
    for (const [part] of forwarded.matchAll(/\b(?:host|proto)\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,]+)/gi)) key += `\n${part}`
  return key
}

function sortedQuery(query: string, allowed: ReadonlySet<string> | undefined): string {
  if (query === '') return ''
  const parts = query.split('&').map((part) => ({ part, name: nameOf(part) }))
  const used = parts.filter(({ part, name }) => part !== '' && (allowed === undefined || allowed.has(baseOf(name)) || allowed.has(name)))
  // The order of values of one name may matter.
  return used
    .sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0))
    .map(({ part }) => part)
    .join('&')
}

/** `a[]` and `a[b]` are read as `a`. */
function baseOf(name: string): string {
  return name.split(/[[.]/, 1)[0] ?? name
}

function nameOf(part: string): string {
  const [name = ''] = part.split('=', 1)
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

/** Headers that say who asks. */
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key']
/** Headers that ask for a part, or only if something is so: none of it is kept. */
const CONDITIONS = ['range', 'if-range', 'if-match', 'if-unmodified-since']

/** Why a request is not answered from the cache, and its response not kept; `undefined`: it may be. */
export function requestRefusal(request: IncomingMessage, { key, vary }: ResolvedResponseCacheOptions): string | undefined {
  const { headers } = request
  if (headers.upgrade !== undefined) return 'upgrade'
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0) return 'body'
  if (CONDITIONS.some((name) => headers[name] !== undefined)) return 'range'
  if (key !== undefined) return undefined
  const credential = CREDENTIALS.find((name) => headers[name] !== undefined && !vary.includes(name))
  if (credential !== undefined) return credential
  return (request.socket as Partial<TLSSocket>).authorized === true ? 'client certificate' : undefined
}
