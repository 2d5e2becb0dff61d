import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** What a request asked to be told only if it has changed; taken off it, so that the app makes a whole response. */
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

/** Whether the client has what is to be sent. Source: RFC 9110, section 13.2.2. */
export function isNotModified(conditions: Conditions, etag: string | undefined, lastModified: string | undefined): boolean {
  const { ifNoneMatch, ifModifiedSince } = conditions
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, etag)
  if (ifModifiedSince === undefined || lastModified === undefined) return false
  return Date.parse(lastModified) <= Date.parse(ifModifiedSince)
}

/** By weak comparison. */
function matches(field: string, etag: string | undefined): boolean {
  if (field.trim() === '*') return true
  if (etag === undefined) return false
  const opaque = etag.replace(/^W\//, '')
  for (const [, tag] of field.matchAll(/(?:W\/)?("[^"]*")/g)) if (tag === opaque) return true
  return false
}
