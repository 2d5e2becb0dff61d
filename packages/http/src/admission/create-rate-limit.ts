import type { IncomingMessage, ServerResponse } from 'node:http'
import { plainAddress } from '../headers/plain-address.ts'
import { refuse } from '../refuse.ts'
import { checkRateLimit, type RateLimitOptions } from './admission-options.ts'
import { clientKey } from './client-key.ts'
import { RateLimiter } from './rate-limiter.ts'

/** Refuses the requests of clients that send too many. */
export interface RateLimit {
  /**
   * Counts a request, says in the response what is left, and answers it with `429` if it is one too many.
   *
   * @param clientIp - As the framework knows it: behind a proxy it is not the address of the connection. @defaultValue that of the connection
   * @returns Whether it may go on. Never rejects: a limit that cannot be worked out keeps nobody out.
   */
  admit(request: IncomingMessage, response: ServerResponse, clientIp?: string): Promise<boolean>
}

/**
 * Limits how many requests a client may send. Responses carry `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * const limit = createRateLimit({ requests: 100, perSeconds: 60 })
 * createServer(async (request, response) => {
 *   if (await limit.admit(request, response)) handle(request, response)
 * })
 * ```
 */
export function createRateLimit(options: RateLimitOptions): RateLimit {
  checkRateLimit(options)
  let isTold = false
  const outage = (error: unknown) => {
    if (isTold) return
    isTold = true
    const reason = error instanceof Error ? error.message : String(error)
    process.emitWarning(`A rate limit could not be asked for, and is not kept as it should be: ${reason}`, { type: 'SluiceWarning' })
  }
  const limiter = new RateLimiter(options, () => performance.now(), outage)
  const policy = `"default";q=${options.requests};w=${options.perSeconds ?? 1}`
  return {
    async admit(request, response, clientIp = plainAddress(request.socket.remoteAddress)) {
      try {
        const client = options.key === undefined ? clientKey(clientIp) : options.key(request, clientIp)
        if (client === undefined) return true
        const { retryAfterSeconds, remaining, resetSeconds } = await limiter.count(client)
        if (response.headersSent || response.destroyed) return !response.destroyed
        response.setHeader('RateLimit-Policy', policy)
        response.setHeader('RateLimit', `"default";r=${remaining};t=${resetSeconds}`)
        if (retryAfterSeconds === 0) return true
        refuse(request, response, 429, retryAfterSeconds)
        return false
      } catch (error) {
        outage(error)
        return true
      }
    },
  }
}
