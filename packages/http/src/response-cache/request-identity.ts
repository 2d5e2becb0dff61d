import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { ResolvedResponseCacheOptions } from './response-cache-options.ts'

/** Headers that contain credentials. The statistics count them by name. */
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key']

/**
 * Apps write these into links or choose a response by them: they are part of the key, or one client could
 * poison the responses of all.
 */
export const KEYED_HEADERS: readonly string[] = [
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-scheme',
  'x-forwarded-ssl',
  'x-scheme',
  'x-original-url',
  'x-rewrite-url',
  'origin',
  'x-requested-with',
]

/**
 * Headers that do not identify a user. Each is named: `x-forwarded-user` and `x-forwarded-client-cert` do.
 */
const UNKEYED = new Set([
  ...KEYED_HEADERS,
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'content-length',
  'content-type',
  'upgrade-insecure-requests',
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'user-agent',
  'referer',
  'dnt',
  'sec-gpc',
  'sec-purpose',
  'purpose',
  'cache-control',
  'pragma',
  'priority',
  'save-data',
  'if-none-match',
  'if-modified-since',
  'forwarded',
  'via',
  'cdn-loop',
  'x-forwarded-for',
  'x-real-ip',
  'x-request-id',
  'x-correlation-id',
  'x-request-start',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
  'traceparent',
  'tracestate',
])
/**
 * Scripts of a page cannot set the first two, so apps have no use for them as credentials. Pseudo-headers of
 * HTTP/2 start with a colon.
 */
const UNKEYED_PREFIX = /^(?:sec-fetch-|sec-ch-|:)/

/**
 * A fixed reason for all other headers: counters use it as a label, and clients choose the names of headers.
 */
export const UNLISTED = 'unlisted header'

type IdentityOptions = Pick<ResolvedResponseCacheOptions, 'key' | 'vary' | 'ignoreHeaders'>

/**
 * Finds what may identify the user of a request; `undefined`: it is anonymous, or `key` distinguishes users.
 */
export function identityOf(request: IncomingMessage, options: IdentityOptions): string | undefined {
  if (options.key !== undefined) return undefined
  const name = personalHeader(request, options)
  if (name !== undefined) return CREDENTIALS.includes(name) ? name : UNLISTED
  return hasCertificate(request.socket as TLSSocket) ? 'client certificate' : undefined
}

export function personalHeader(
  { headers }: IncomingMessage,
  { vary, ignoreHeaders }: IdentityOptions,
): string | undefined {
  for (const name in headers) {
    const isUnkeyed =
      UNKEYED.has(name) || UNKEYED_PREFIX.test(name) || vary.includes(name) || ignoreHeaders.has(name)
    if (!isUnkeyed) return name
  }
  return undefined
}

/** The app may verify a certificate that Node did not verify. */
function hasCertificate(socket: TLSSocket): boolean {
  return (
    (socket.encrypted as boolean | undefined) === true && Object.keys(socket.getPeerCertificate()).length > 0
  )
}
