import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { RateLimitOptions } from './admission-options.ts'

/** Longer than this, a limit in Redis is not worth waiting for. */
const REDIS_TIMEOUT_MS = 250
/** For how long Redis is left alone that did not answer. */
const PAUSE_MS = 1_000
/** The time in which a burst may come, in windows. */
const BURST_WINDOWS = 10

type Limiter = Pick<RateLimiterMemory, 'consume'>

/** What became of a request that was counted. */
export interface Counted {
  /** After which the client may ask again; 0: this one may pass. */
  readonly retryAfterSeconds: number
  /** Requests that are left in this window. */
  readonly remaining: number
  /** Until the window ends. */
  readonly resetSeconds: number
}

/** Counts the requests of clients, in the process, or in Redis for several. */
export class RateLimiter {
  readonly #memory: Limiter
  readonly #shared: Limiter | undefined
  #pausedUntil = 0

  /** @param onOutage - Redis does not answer: each process counts by itself for a while. */
  constructor(
    options: RateLimitOptions,
    private readonly now: () => number,
    private readonly onOutage: (error: unknown) => void,
  ) {
    this.#memory = limiterOf(options, undefined)
    this.#shared = options.redis && limiterOf(options, options.redis)
  }

  /**
   * Counts one request.
   *
   * @returns Seconds after which the client may ask again; 0: this one may pass.
   */
  async take(client: string): Promise<number> {
    return (await this.count(client)).retryAfterSeconds
  }

  /** The same, with what is left to the client. */
  async count(client: string): Promise<Counted> {
    if (this.#shared !== undefined && this.now() >= this.#pausedUntil) {
      try {
        return await countedOf(within(this.#shared.consume(client), REDIS_TIMEOUT_MS))
      } catch (error) {
        this.#pausedUntil = this.now() + PAUSE_MS
        this.onOutage(error)
      }
    }
    return await countedOf(this.#memory.consume(client))
  }
}

function limiterOf({ requests, perSeconds = 1, burst = 0, namespace = 'sluice:rate' }: RateLimitOptions, redis: unknown): Limiter {
  const one = (points: number, duration: number, keyPrefix: string) => {
    const limits = { points, duration, keyPrefix: `${namespace}:${keyPrefix}` }
    return redis === undefined
      ? new RateLimiterMemory(limits)
      : new RateLimiterRedis({ ...limits, storeClient: redis, rejectIfRedisNotReady: true })
  }
  const steady = one(requests, perSeconds, 's')
  return burst === 0 ? steady : new BurstyRateLimiter(steady, one(burst, perSeconds * BURST_WINDOWS, 'b'))
}

async function countedOf(consumed: Promise<RateLimiterRes>): Promise<Counted> {
  try {
    const { remainingPoints, msBeforeNext } = await consumed
    return { retryAfterSeconds: 0, remaining: Math.max(0, remainingPoints), resetSeconds: secondsIn(msBeforeNext) }
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error
    const seconds = Math.max(1, secondsIn(error.msBeforeNext))
    return { retryAfterSeconds: seconds, remaining: 0, resetSeconds: seconds }
  }
}

function secondsIn(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000))
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Redis did not answer within ${ms} ms.`)), ms)
    timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
