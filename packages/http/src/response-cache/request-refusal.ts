import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { ResolvedResponseCacheOptions } from './response-cache-options.ts'

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
