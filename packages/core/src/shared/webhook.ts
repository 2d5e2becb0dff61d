import type { ClientRequest, IncomingMessage } from 'node:http'
import type { RequestOptions } from 'node:https'
import { InvalidArgumentError } from './errors.ts'
import { PrivateAddressError } from './public-address.ts'
import { redactUrl } from './redact.ts'
import { checkSecrets, hmacOf, isSignedBy } from './signature.ts'

const EXPECTED = 'an http or https URL without credentials'
const SECRET_PREFIX = 'whsec_'
const SIGNATURE = /^v1,([A-Za-z\d+/]{43}=)$/

/**
 * Whether a webhook can be sent to an address. Credentials belong in a header: an address is stored and
 * shown.
 */
export function isWebhookUrl(url: unknown): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false
  const { protocol, username, password } = new URL(url)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

/** @throws InvalidArgumentError, whose message contains no password and no token. */
export function webhookUrl(url: string | URL): URL {
  if (!isWebhookUrl(String(url))) throw new InvalidArgumentError('url', EXPECTED, redactUrl(String(url)))
  return new URL(url)
}

export interface WebhookPost {
  readonly url: URL
  readonly body: string
  /** The same when it is sent again. */
  readonly id: string
  /** Omitted: not signed. */
  readonly secret: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly allowPrivateAddresses: boolean
  readonly signal: AbortSignal
}

/**
 * Posts a webhook, signed by the scheme of Standard Webhooks (https://www.standardwebhooks.com). Follows no
 * redirect.
 *
 * @returns The status of the response.
 * @throws PrivateAddressError; the error of the connection; the reason of the signal.
 */
export async function postWebhook(post: WebhookPost): Promise<number> {
  const { url, signal } = post
  const [{ request }, { isReserved, lookup }] = await Promise.all([
    url.protocol === 'https:' ? import('node:https') : import('node:http'),
    import('./public-address.ts').then(({ addressGuard }) => addressGuard()),
  ])
  signal.throwIfAborted()
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // No lookup is made for an address.
  if (!post.allowPrivateAddresses && isReserved(host)) throw new PrivateAddressError(host)
  const options: RequestOptions = { method: 'POST', headers: headersOf(post), agent: false, signal }
  if (!post.allowPrivateAddresses) options.lookup = lookup
  try {
    return await statusOf(request(url, options), post.body)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function statusOf(request: ClientRequest, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response: IncomingMessage) => {
      // The rest of it is not read, and holds no connection.
      response.on('error', () => {})
      response.destroy()
      resolve(response.statusCode ?? 0)
    })
    request.end(body)
  })
}

function headersOf({ body, id, secret, headers }: WebhookPost): Record<string, string | number> {
  // The time of this attempt: a retry can be hours later.
  const timestamp = Math.floor(Date.now() / 1000)
  const own = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'idempotency-key': id,
  }
  const signature =
    secret === undefined
      ? {}
      : { 'webhook-signature': `v1,${macOf(secret, id, timestamp, body).toString('base64')}` }
  return {
    ...withLowerCaseNames(headers),
    ...own,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...signature,
  }
}

function withLowerCaseNames(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function macOf(secret: string, id: string, timestamp: string | number, body: string): Buffer {
  const key = secret.startsWith(SECRET_PREFIX)
    ? Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
    : secret
  return hmacOf(key, `${id}.${timestamp}.${body}`)
}

/**
 * Verifies webhooks of alerts and batch jobs: returns whether one of the secrets signed this body, at most
 * `maxAgeSeconds` ago or ahead.
 *
 * @param headers - Headers of the request, with lowercase names.
 * @param body - The raw body, before it is parsed.
 * @throws InvalidOptionError for a secret of fewer than 16 characters.
 */
export function isSignedWebhook(
  secrets: string | readonly string[],
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: string,
  nowSeconds: number = Math.floor(Date.now() / 1000),
  maxAgeSeconds = 300,
): boolean {
  const keys = checkSecrets('secrets', secrets)
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => headers[name],
  )
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') return false
  if (!/^\d{1,12}$/.test(timestamp) || !(Math.abs(nowSeconds - Number(timestamp)) <= maxAgeSeconds))
    return false
  // A sender whose secret changes signs with both.
  const received = signature.split(' ').flatMap((each) => SIGNATURE.exec(each)?.[1] ?? [])
  return received.some((mac) =>
    isSignedBy(keys, Buffer.from(mac, 'base64'), (key) => macOf(key, id, timestamp, body)),
  )
}
