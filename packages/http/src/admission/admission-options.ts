import type { IncomingMessage } from 'node:http'
import { InvalidOptionError } from '@sluice/core'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'

/** What is used of a Redis client: one of ioredis, single or cluster. */
export interface RateLimitRedis {
  readonly status: string
  defineCommand(name: string, definition: { readonly lua: string; readonly numberOfKeys?: number }): void
}

/** How many requests a client may send. */
export interface RateLimitOptions {
  /** Requests within `perSeconds`. Minimum: `1`. */
  readonly requests: number
  /**
   * Seconds; they begin with a client's first request. Whole ones. Minimum: `1`.
   * @defaultValue 1
   */
  readonly perSeconds?: number
  /**
   * Requests on top of that within ten times `perSeconds`. Minimum: `0`.
   * @defaultValue 0
   */
  readonly burst?: number
  /**
   * Whom requests are counted for. `undefined` from it: nobody, the request is not limited. A text that clients choose freely lets each be as many as it likes.
   * @defaultValue the client's IPv4 address, or the first 64 bits of its IPv6 address
   */
  readonly key?: (request: IncomingMessage, clientIp: string) => string | undefined
  /**
   * Counts for all processes that are given the same Redis: a client of ioredis, which stays the app's. While Redis does not answer, each process counts by itself.
   * @defaultValue none: each process counts by itself
   */
  readonly redis?: RateLimitRedis
  /**
   * What keys in Redis begin with.
   * @defaultValue 'sluice:rate'
   */
  readonly namespace?: string
}

export interface ShedOptions {
  /**
   * Milliseconds that timers may be late. From there on a growing part of the requests is refused, all of them at twice as much. Minimum: `1`.
   * @defaultValue 100
   */
  readonly maxEventLoopDelayMs?: number
}

const text: OptionRule = { expected: 'a text', accepts: (value) => typeof value === 'string' && value !== '' }
const redis: OptionRule = {
  expected: 'a client of ioredis',
  accepts: (value) => typeof (value as RateLimitRedis | null)?.defineCommand === 'function',
}

/** @throws InvalidOptionError. */
export function checkRateLimit(options: RateLimitOptions): void {
  const { callback, integer } = option
  const rules = { requests: integer(1), perSeconds: integer(1), burst: integer(0), key: callback, redis, namespace: text }
  checkOptions(options, rules, 'rateLimit.')
  if (options.requests === undefined) throw new InvalidOptionError('rateLimit.requests', 'an integer of at least 1', undefined)
}

/** @throws InvalidOptionError. */
export function checkShed(options: ShedOptions): void {
  checkOptions(options, { maxEventLoopDelayMs: option.number(1) }, 'shed.')
}
