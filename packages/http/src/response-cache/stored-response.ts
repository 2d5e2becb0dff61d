import {
  type ClientRequest,
  type OutgoingHttpHeaders,
  type ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from 'node:http'
import { defineReasons } from '@sluice/core/siblings'
import type { ResolvedResponseCacheOptions } from './response-cache-options.ts'

/** The reasons why a response is not cached, apart from those of its reads. */
const RESPONSE_REASONS = {
  CACHE_CONTROL: 'Its Cache-Control or Expires header does not allow it',
  CONNECTION_CLOSED: 'The connection closed before the response ended',
  CONTENT_RANGE: 'It is a part of a response',
  ERROR: 'Caching it failed',
  EVENT_STREAM: 'It is an event stream',
  SET_COOKIE: 'It sets a cookie',
  STATUS: 'Its status is not cached',
  TOO_LARGE: 'Its body is too large',
  VARY: 'Its Vary header does not allow it',
} as const

defineReasons(RESPONSE_REASONS)

export type ResponseReason = keyof typeof RESPONSE_REASONS

/** Reasons that may not apply to the next request. */
export const PASSING_REASONS: ReadonlySet<string> = new Set([
  'DISCARDED_BY_WRITE',
  'REJECTED_BY_STORE',
  'QUERY_CHANGED',
  'READ_IN_FLIGHT',
  'READ_OUTSIDE_SCOPE',
  'COALESCING_FAILED',
  'CONNECTION_CLOSED',
  'ABANDONED',
  'EXPIRED',
])

/** A cached response. */
export interface StoredResponse {
  readonly status: number
  /** Names in the app's spelling. */
  readonly headers: readonly (readonly [name: string, value: string | readonly string[]])[]
  readonly body: Uint8Array
  readonly etag: string
  /** Pattern of the route that created it, if a request can be served before its route matches. */
  readonly route?: string
}

/** Headers that apply to one connection, one request or one moment. */
const NEVER_STORED = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'set-cookie',
  'server-timing',
  'x-request-id',
  'x-correlation-id',
  'date',
  'age',
  'cache-status',
  'content-length',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'traceparent',
  'tracestate',
  'x-response-time',
])

/** Returns why a response is not cached; `undefined`: its status and headers allow it. */
export function responseRefusal(
  response: ServerResponse,
  { statuses }: ResolvedResponseCacheOptions,
  status: number = response.statusCode,
): ResponseReason | undefined {
  if (!statuses.has(status)) return 'STATUS'
  if (response.hasHeader('set-cookie')) return 'SET_COOKIE'
  if (response.hasHeader('content-range')) return 'CONTENT_RANGE'
  if (/^text\/event-stream\b/i.test(headerText(response, 'content-type') ?? '')) return 'EVENT_STREAM'
  if (varyOf(response).includes('*')) return 'VARY'
  const control = cacheControl(headerText(response, 'cache-control'))
  return control.has('no-store') || control.has('private') || control.has('no-cache')
    ? 'CACHE_CONTROL'
    : undefined
}

/** How long a response is fresh in a shared cache, in milliseconds. Source: RFC 9111, section 4.2.1. */
export function freshForMs(response: ServerResponse, defaultMs: number, now: number): number {
  const control = cacheControl(headerText(response, 'cache-control'))
  const expires = headerText(response, 'expires')
  const statement =
    secondsOf(control, 's-maxage') ??
    secondsOf(control, 'max-age') ??
    (expires === undefined ? undefined : untilMs(expires, now))
  if (statement === undefined) return defaultMs
  const age = headerText(response, 'age')
  return statement - (age !== undefined && /^\d{1,10}$/.test(age) ? Number(age) * 1_000 : 0)
}

/** Returns the request headers that a response depends on, in lowercase. */
export function varyOf(response: ServerResponse): readonly string[] {
  const names = (headerText(response, 'vary') ?? '').split(',').map((name) => name.trim().toLowerCase())
  return names.filter((name) => name !== '')
}

/** @param requestId - Excluded, because any header may contain it, and it belongs to one request. */
export function storedResponse(
  response: ServerResponse,
  body: Uint8Array,
  etag: string,
  { dropHeaders }: ResolvedResponseCacheOptions,
  requestId: string | undefined,
  route?: string,
): StoredResponse {
  const named = new Set(
    (headerText(response, 'connection') ?? '').split(',').map((name) => name.trim().toLowerCase()),
  )
  const headers: [string, string | readonly string[]][] = []
  const all: OutgoingHttpHeaders = response.getHeaders()
  for (const name of rawNamesOf(response)) {
    const lower = name.toLowerCase()
    if (NEVER_STORED.has(lower) || named.has(lower) || dropHeaders.has(lower) || lower === 'etag') continue
    const value = all[lower]
    if (value !== undefined && value !== requestId)
      headers.push([name, Array.isArray(value) ? [...value] : String(value)])
  }
  const stored = { status: response.statusCode, headers, body, etag }
  return route === undefined ? stored : { ...stored, route }
}

/** Whether a value from a shared store can be a response that a cache with these options stored. */
export function isStoredResponse(
  value: unknown,
  { statuses, dropHeaders, maxBodyBytes }: ResolvedResponseCacheOptions,
): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { status, headers, body, etag, route } = value as Readonly<Record<string, unknown>>
  if (!statuses.has(status as number) || !(body instanceof Uint8Array) || body.length > maxBodyBytes)
    return false
  if (route !== undefined && typeof route !== 'string') return false
  return (
    typeof etag === 'string' &&
    isValidHeader('etag', etag) &&
    Array.isArray(headers) &&
    headers.every((header) => isStoredHeader(header, dropHeaders))
  )
}

function isStoredHeader(header: unknown, dropHeaders: ReadonlySet<string>): boolean {
  if (!Array.isArray(header) || header.length !== 2) return false
  const [name, value] = header as readonly unknown[]
  if (typeof name !== 'string') return false
  const lower = name.toLowerCase()
  if (NEVER_STORED.has(lower) || dropHeaders.has(lower) || lower === 'etag') return false
  return Array.isArray(value) ? value.every((one) => isValidHeader(name, one)) : isValidHeader(name, value)
}

function isValidHeader(name: string, value: unknown): boolean {
  if (typeof value !== 'string') return false
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

export function headerText(response: ServerResponse, name: string): string | undefined {
  const value = response.getHeader(name)
  if (value === undefined) return undefined
  return Array.isArray(value) ? value.join(', ') : String(value)
}

function rawNamesOf(response: ServerResponse): readonly string[] {
  // Every outgoing message of Node has this method. Its types declare it for requests only.
  return (response as unknown as Pick<ClientRequest, 'getRawHeaderNames'>).getRawHeaderNames()
}

/** An invalid date counts as past. */
function untilMs(date: string, now: number): number {
  const at = Date.parse(date)
  return Number.isNaN(at) ? 0 : at - now
}

const NO_DIRECTIVES: ReadonlyMap<string, string> = new Map()

/**
 * Returns the directives of a `Cache-Control` field: names in lowercase, with their arguments. Source: RFC
 * 9111, section 5.2.
 */
export function cacheControl(field: string | undefined): ReadonlyMap<string, string> {
  if (field === undefined) return NO_DIRECTIVES
  const directives = new Map<string, string>()
  for (const [, name = '', quoted, token] of field.matchAll(
    /([\w!#$%&'*.^`|~+-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g,
  )) {
    const key = name.toLowerCase()
    // If a directive is repeated, the first value is used, as in most implementations.
    if (!directives.has(key)) directives.set(key, quoted ?? token ?? '')
  }
  return directives
}

/** Returns seconds as milliseconds. An invalid value means stale. `undefined`: the directive is missing. */
export function secondsOf(directives: ReadonlyMap<string, string>, name: string): number | undefined {
  const value = directives.get(name)
  if (value === undefined) return undefined
  return /^\d{1,10}$/.test(value) ? Number(value) * 1_000 : 0
}
