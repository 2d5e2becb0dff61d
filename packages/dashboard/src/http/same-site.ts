import type { IncomingMessage } from 'node:http'
import { actionHeader } from '../protocol/action.ts'
import { Refusal } from './refusal.ts'

/** A page of another site may not read, either: what a browser says of where a request comes from cannot be made up by a page. @throws Refusal */
export function checkReader(request: IncomingMessage): void {
  if (!isFromElsewhere(request)) return
  throw new Refusal('CROSS_SITE', 'A page of another site asks.')
}

/** Whether a browser says that a page of another site asks, or led here. */
export function isFromElsewhere({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

/**
 * An action must come from a page of this very origin: the browser says so, or the origin that it names is the host that it asks; and it has a header that neither a
 * form nor a link can set.
 *
 * @throws Refusal
 */
export function checkActor({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site']
  const isSame = site === undefined ? isOwnOrigin(headers.origin, headers.host) : site === 'same-origin'
  if (!isSame)
    throw new Refusal(
      'CROSS_SITE',
      'An action must come from the page itself: `Sec-Fetch-Site: same-origin`, or an `Origin` that is the `Host`.',
    )
  if (headers[actionHeader] === undefined) throw new Refusal('CROSS_SITE', `An action must have the header ${actionHeader}.`)
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json') throw new Refusal('MEDIA_TYPE', 'An action is sent as application/json.')
}

function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false
  const url = new URL(origin)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
  // The default port may be written on one side only.
  const expected = URL.canParse(`${url.protocol}//${host}`) ? new URL(`${url.protocol}//${host}`).host : undefined
  return url.host === expected
}
