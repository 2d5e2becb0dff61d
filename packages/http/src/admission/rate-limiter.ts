import { BurstyRateLimiter, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { RateLimitOptions } from './admission-options.ts'

/** Longer than this, a limit in Redis is not worth waiting for. */
const REDIS_TIMEOUT_MS = 250
/** For how long Redis is left alone that did not answer. */
const PAUSE_MS = 1_000
/** The time in which a burst may come, in windows. */
const BURST_WINDOWS = 10

type Limiter = Pick<RateLimiterMemory, 'consume'>

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
    if (this.#shared !== undefined && this.now() >= this.#pausedUntil) {
      try {
        return await secondsOf(within(this.#shared.consume(client), REDIS_TIMEOUT_MS))
      } catch (error) {
        this.#pausedUntil = this.now() + PAUSE_MS
        this.onOutage(error)
      }
    }
    return await secondsOf(this.#memory.consume(client))
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

async function secondsOf(consumed: Promise<unknown>): Promise<number> {
  try {
    await consumed
    return 0
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error
    return Math.max(1, Math.ceil(error.msBeforeNext / 1_000))
  }
}

function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Redis did not answer within ${ms} ms.`)), ms)
    timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
