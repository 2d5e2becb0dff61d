import type { IncomingMessage } from 'node:http'
import { InvalidOptionError } from '@sluice/core'
import { checkOptions, MAX_TIMER_MS, type OptionRule, option } from '@sluice/core/siblings'

/** The members of a Redis client that are used. Pass a client of ioredis, single node or cluster. */
export interface RateLimitRedis {
  readonly status: string
  defineCommand(name: string, definition: { readonly lua: string; readonly numberOfKeys?: number }): void
}

/** Limits the requests of a client. */
export interface RateLimitOptions {
  /** Number of requests within `perSeconds`. Minimum: `1`. */
  readonly requests: number
  /**
   * Length of the window in whole seconds. The window begins with a client's first request. From `1` to
   * `2147483`; with a `burst`, to `214748`.
   * @defaultValue 1
   */
  readonly perSeconds?: number
  /**
   * Additional requests within 10 times `perSeconds`. Minimum: `0`.
   * @defaultValue 0
   */
  readonly burst?: number
  /**
   * Returns the client that a request counts for. If it returns `undefined`, the request is not limited. If
   * clients can choose the string freely, each of them can appear as any number of clients.
   * @defaultValue the client's IPv4 address, or the first 64 bits of its IPv6 address
   */
  readonly key?: (request: IncomingMessage, clientIp: string) => string | undefined
  /**
   * Counts for all processes that use the same Redis: a client of ioredis, which Sluice does not close. While
   * Redis does not respond, each process counts separately.
   * @defaultValue none: each process counts its own requests
   */
  readonly redis?: RateLimitRedis
  /**
   * Prefix of the keys in Redis.
   * @defaultValue 'sluice:rate'
   */
  readonly namespace?: string
}

export interface ShedOptions {
  /**
   * Delay of timers, in milliseconds, from which an increasing percentage of requests is rejected. At twice
   * this delay, all are rejected. Minimum: `1`.
   * @defaultValue 100
   */
  readonly maxEventLoopDelayMs?: number
}

const text: OptionRule = {
  expected: 'a string',
  accepts: (value) => typeof value === 'string' && value !== '',
}
const redis: OptionRule = {
  expected: 'a client of ioredis',
  accepts: (value) => typeof (value as RateLimitRedis | null)?.defineCommand === 'function',
}

/** Length of the burst window, in windows. */
export const BURST_WINDOWS = 10
/** The library forgets the requests of a window with a timer of Node. */
const MAX_WINDOW_SECONDS = Math.floor(MAX_TIMER_MS / 1_000)

/** @throws InvalidOptionError. */
export function checkRateLimit(options: RateLimitOptions): void {
  const { callback, integer } = option
  const rules = {
    requests: integer(1),
    perSeconds: integer(1, MAX_WINDOW_SECONDS),
    burst: integer(0),
    key: callback,
    redis,
    namespace: text,
  }
  checkOptions(options, rules, 'rateLimit.')
  if (options.requests === undefined)
    throw new InvalidOptionError('rateLimit.requests', 'an integer of at least 1', undefined)
  const { perSeconds = 1, burst = 0 } = options
  const longest = Math.floor(MAX_WINDOW_SECONDS / BURST_WINDOWS)
  if (burst > 0 && perSeconds > longest)
    throw new InvalidOptionError(
      'rateLimit.perSeconds',
      `an integer from 1 to ${longest} with a burst`,
      perSeconds,
    )
}

/** @throws InvalidOptionError. */
export function checkShed(options: ShedOptions): void {
  checkOptions(options, { maxEventLoopDelayMs: option.number(1) }, 'shed.')
}
