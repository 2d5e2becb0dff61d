import { createHash } from 'node:crypto'
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeader,
  ServerResponse,
} from 'node:http'
import { endAtOnce, MAX_AT_ONCE } from '../small-responses.ts'
import type { StoredResponse } from './stored-response.ts'

const { writeHead } = ServerResponse.prototype
/** Headers of a body that is not sent. Source: RFC 9110, section 15.4.5. */
const OF_BODY = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'transfer-encoding',
]

/**
 * Sends a cached response.
 *
 * @param own - Headers that come before those of the response: a flat array of names and values.
 * @param isUnobserved - Whether no code of the app can read the headers of the response.
 * @returns Whether the client already had the response.
 */
export function sendStored(
  request: IncomingMessage,
  response: ServerResponse,
  stored: StoredResponse,
  ageMs: number,
  own: readonly string[],
  isUnobserved: boolean,
): boolean {
  const { status, headers, body, etag } = stored
  const age = String(Math.floor(ageMs / 1_000))
  const conditions = conditionsOf(request.headers)
  const isConditional = conditions.ifNoneMatch !== undefined || conditions.ifModifiedSince !== undefined
  if (isUnobserved && !isConditional && request.method === 'GET' && response.writeHead === writeHead) {
    // As long as no header is set, Node writes the headers passed to `writeHead` without storing each one.
    const all: OutgoingHttpHeader[] = [...own]
    for (const [name, value] of headers) all.push(name, value as string)
    all.push('ETag', etag, 'Age', age, 'Content-Length', String(body.length))
    response.writeHead(status, all)
    endWith(response, body)
    return false
  }
  response.statusCode = status
  for (let at = 0; at < own.length; at += 2) response.setHeader(own[at] as string, own[at + 1] as string)
  for (const [name, value] of headers) response.setHeader(name, value as string)
  response.setHeader('ETag', etag)
  response.setHeader('Age', age)
  const modified =
    conditions.ifModifiedSince && headers.find(([name]) => name.toLowerCase() === 'last-modified')?.[1]
  if (status === 200 && isNotModified(conditions, etag, modified as string | undefined)) {
    becomeNotModified(response)
    response.end()
    return true
  }
  response.setHeader('Content-Length', String(body.length))
  if (request.method === 'HEAD') response.end()
  else endWith(response, body)
  return false
}

function endWith(response: ServerResponse, body: Uint8Array): void {
  if (body.length <= MAX_AT_ONCE) endAtOnce(response, bufferOf(body))
  else response.end(body)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function becomeNotModified(response: ServerResponse): void {
  response.statusCode = 304
  response.statusMessage = 'Not Modified'
  for (const name of OF_BODY) response.removeHeader(name)
}

/**
 * The conditions of a request. They are removed from the request, so that the app creates a whole response.
 */
export interface Conditions {
  readonly ifNoneMatch: string | undefined
  readonly ifModifiedSince: string | undefined
}

/** A strong validator: equal for equal bytes. */
export function entityTag(body: Uint8Array): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
}

export function conditionsOf(headers: IncomingHttpHeaders): Conditions {
  return { ifNoneMatch: headers['if-none-match'], ifModifiedSince: headers['if-modified-since'] }
}

/** Whether the client already has the response. Source: RFC 9110, section 13.2.2. */
export function isNotModified(
  conditions: Conditions,
  etag: string | undefined,
  lastModified: string | undefined,
): boolean {
  const { ifNoneMatch, ifModifiedSince } = conditions
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, etag)
  if (ifModifiedSince === undefined || lastModified === undefined) return false
  return Date.parse(lastModified) <= Date.parse(ifModifiedSince)
}

/** Uses weak comparison. */
function matches(field: string, etag: string | undefined): boolean {
  if (field.trim() === '*') return true
  if (etag === undefined) return false
  const opaque = etag.replace(/^W\//, '')
  for (const [, tag] of field.matchAll(/(?:W\/)?("[^"]*")/g)) if (tag === opaque) return true
  return false
}
