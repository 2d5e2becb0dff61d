import type { IncomingMessage, ServerResponse } from 'node:http'
import { clientNetwork, errorMessage, isInstance, plainAddress, within } from '@sluice/core/siblings'
import type { RateLimiterRes } from 'rate-limiter-flexible'
import { refuse } from '../small-responses.ts'
import { BURST_WINDOWS, checkRateLimit, type RateLimitOptions } from './admission-options.ts'

/** Rejects requests of clients that exceed a rate limit. */
export interface RateLimit {
  /**
   * Counts a request, reports the remaining requests in the response headers, and responds with `429` if the
   * limit is exceeded.
   *
   * @param clientIp - The address that the framework reports: behind a proxy, the connection has a different
   * one. If it is omitted or is not an IP address, the address of the connection is used.
   * @returns Whether the request may continue. Never rejects: if counting fails, the request is admitted.
   */
  admit(request: IncomingMessage, response: ServerResponse, clientIp?: string): Promise<boolean>
}

/**
 * Limits the number of requests of a client. Responses contain `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers-10).
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
  const limiter = new RateLimiter(options, () => performance.now())
  const policy = `"default";q=${options.requests};w=${options.perSeconds ?? 1}`
  return {
    async admit(request, response, clientIp) {
      // A framework passes on any content of a header.
      const address = plainAddress(clientIp) ?? plainAddress(request.socket.remoteAddress) ?? ''
      const counted = await limiter.count(request, address)
      if (counted === undefined) return true
      const { retryAfterSeconds, remaining, resetSeconds } = counted
      if (response.headersSent || response.destroyed) return !response.destroyed
      response.setHeader('RateLimit-Policy', policy)
      response.setHeader('RateLimit', `"default";r=${remaining};t=${resetSeconds}`)
      if (retryAfterSeconds === 0) return true
      refuse(request, response, 429, retryAfterSeconds)
      return false
    },
  }
}

/** Timeout of Redis: a rate limit is not worth a longer wait. */
const REDIS_TIMEOUT_MS = 250
/** How long Redis is not used after it failed to respond. */
const PAUSE_MS = 1_000

/** Loaded with the first rate limit, because it contains limiters for a dozen databases. */
type Library = typeof import('rate-limiter-flexible')
type Limiter = Pick<InstanceType<Library['RateLimiterMemory']>, 'consume'>

interface Limiters {
  readonly memory: Limiter
  readonly shared: Limiter | undefined
  readonly isRefusal: (error: unknown) => error is RateLimiterRes
}

/** Result of counting a request. */
interface Counted {
  /** Seconds until the client may send another request; 0: this one is allowed. */
  readonly retryAfterSeconds: number
  /** Remaining requests in this window. */
  readonly remaining: number
  /** Seconds until the window ends. */
  readonly resetSeconds: number
}

/**
 * Counts the requests of clients, in this process or in Redis for several processes. Warns once if a limit
 * does not work.
 */
export class RateLimiter {
  readonly #limiters: Promise<Limiters>
  #pausedUntil = 0
  #hasWarned = false

  constructor(
    private readonly options: RateLimitOptions,
    private readonly now: () => number,
  ) {
    this.#limiters = loadLimiters(options)
    // Each affected request receives this error when it is counted.
    this.#limiters.catch(() => {})
  }

  /**
   * Counts one request. Never rejects.
   *
   * @returns `undefined` if the request is not limited, or if counting failed: a broken limit rejects no
   * requests.
   */
  async count(request: IncomingMessage, clientIp: string): Promise<Counted | undefined> {
    try {
      const { key } = this.options
      const client = key === undefined ? clientNetwork(clientIp) : key(request, clientIp)
      return client === undefined ? undefined : await this.#countFor(client)
    } catch (error) {
      this.#warn(error)
      return undefined
    }
  }

  async #countFor(client: string): Promise<Counted> {
    const { memory, shared, isRefusal } = await this.#limiters
    if (shared !== undefined && this.now() >= this.#pausedUntil) {
      try {
        return await countedOf(
          within(
            REDIS_TIMEOUT_MS,
            shared.consume(client),
            `Redis did not respond within ${REDIS_TIMEOUT_MS} ms.`,
          ),
          isRefusal,
        )
      } catch (error) {
        // Each process counts its own requests for a while.
        this.#pausedUntil = this.now() + PAUSE_MS
        this.#warn(error)
      }
    }
    return await countedOf(memory.consume(client), isRefusal)
  }

  #warn(error: unknown): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    const reason = errorMessage(error)
    process.emitWarning(
      `A rate limit could not be checked. If Redis fails, each process counts its own requests; if counting fails, the request is allowed. Check Redis and the function \`key\`: ${reason}`,
      { type: 'SluiceWarning', code: 'SLUICE_RATE_LIMIT_FAILED' },
    )
  }
}

async function loadLimiters(options: RateLimitOptions): Promise<Limiters> {
  const library = await import('rate-limiter-flexible')
  return {
    memory: limiterOf(library, options, undefined),
    shared: options.redis && limiterOf(library, options, options.redis),
    isRefusal: (error) => isInstance(error, library.RateLimiterRes),
  }
}

function limiterOf(library: Library, options: RateLimitOptions, redis: unknown): Limiter {
  const { BurstyRateLimiter, RateLimiterMemory, RateLimiterRedis } = library
  const { requests, perSeconds = 1, burst = 0, namespace = 'sluice:rate' } = options
  const one = (points: number, duration: number, keyPrefix: string) => {
    const limits = { points, duration, keyPrefix: `${namespace}:${keyPrefix}` }
    return redis === undefined
      ? new RateLimiterMemory(limits)
      : new RateLimiterRedis({ ...limits, storeClient: redis, rejectIfRedisNotReady: true })
  }
  const steady = one(requests, perSeconds, 's')
  return burst === 0 ? steady : new BurstyRateLimiter(steady, one(burst, perSeconds * BURST_WINDOWS, 'b'))
}

async function countedOf(
  consumed: Promise<RateLimiterRes>,
  isRefusal: Limiters['isRefusal'],
): Promise<Counted> {
  try {
    const { remainingPoints, msBeforeNext } = await consumed
    return {
      retryAfterSeconds: 0,
      remaining: Math.max(0, remainingPoints),
      resetSeconds: secondsIn(msBeforeNext),
    }
  } catch (error) {
    if (!isRefusal(error)) throw error
    const seconds = Math.max(1, secondsIn(error.msBeforeNext))
    return { retryAfterSeconds: seconds, remaining: 0, resetSeconds: seconds }
  }
}

function secondsIn(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000))
}
