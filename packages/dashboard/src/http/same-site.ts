import type { IncomingMessage } from 'node:http'
import { actionHeader } from '../protocol/action.ts'
import { Refusal } from './refusal.ts'

/**
 * Rejects reads by pages of other sites. A page cannot forge the header that a browser sends for this.
 * @throws Refusal
 */
export function checkReader(request: IncomingMessage): void {
  if (!isFromElsewhere(request)) return
  throw new Refusal('CROSS_SITE', 'Requests from pages of other sites are not allowed.')
}

/** Whether the browser reports that a page of another site sent the request or linked here. */
export function isFromElsewhere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/**
 * Checks that a page of the same origin sent the action: `Sec-Fetch-Site` is `same-origin`, or without that
 * header, `Origin` equals `Host`. The action must also have a header that forms and links cannot set.
 *
 * @throws Refusal
 */
export function checkActor({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site']
  const isSame = site === undefined ? isOwnOrigin(headers.origin, headers.host) : site === 'same-origin'
  if (!isSame)
    throw new Refusal(
      'CROSS_SITE',
      'An action must come from the page itself: `Sec-Fetch-Site: same-origin`, or an `Origin` that equals the `Host`.',
    )
  if (headers[actionHeader] === undefined)
    throw new Refusal('CROSS_SITE', `Missing header ${actionHeader}. An action requires it, with any value.`)
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json')
    throw new Refusal('MEDIA_TYPE', 'Actions require the content type application/json.')
}

function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  const url = new URL(origin)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  // The default port can be present on one side only.
  const expected = URL.canParse(`${url.protocol}//${host}`)
    ? new URL(`${url.protocol}//${host}`).host
    : undefined
  return url.host === expected
}
