import type { Clock } from '../../shared/clock.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import type { RandomSource } from '../../shared/random.ts'

/** A value to write. */
export interface WriteBehindEntry<T> {
  readonly key: string
  readonly value: T
}

/** Entries that failed `retry.maxAttempts` times. */
interface WriteBehindFailure<T> {
  readonly entries: readonly WriteBehindEntry<T>[]
  /** Error of the last attempt. */
  readonly error: unknown
}

interface WriteBehindRetryOptions {
  /**
   * Delay before the first retry of a failed batch, in milliseconds. Doubles with each further failure; up to
   * 50% of it is jitter. Minimum: `1`.
   * @defaultValue 100
   */
  readonly baseMs?: number
  /**
   * Maximum delay between attempts, in milliseconds. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly maxMs?: number
  /**
   * Number of attempts before `onError` is called. Minimum: `1`.
   * @defaultValue Infinity
   */
  readonly maxAttempts?: number
}

export interface WriteBehindOptions<T = unknown> {
  /**
   * How long a value waits for others before it is written, in milliseconds. Minimum: `0`.
   * @defaultValue 100
   */
  readonly flushMs?: number
  /**
   * Maximum number of entries in one batch. Minimum: `1`.
   * @defaultValue 100
   */
  readonly maxBatch?: number
  /**
   * Maximum number of entries that are not written. If it is reached, `set` of a new key waits. Minimum: `1`.
   * @defaultValue 10000
   */
  readonly maxBacklog?: number
  /**
   * Backoff after a failed batch.
   * @defaultValue {}
   */
  readonly retry?: WriteBehindRetryOptions
  /**
   * Called for entries that failed `retry.maxAttempts` times. `'drop'` discards them, `'retry'` starts over.
   * If it throws, this counts as `'retry'`.
   * @defaultValue retry
   */
  readonly onError?: (failure: WriteBehindFailure<T>) => 'retry' | 'drop' | Promise<'retry' | 'drop'>
  /**
   * Maximum duration of `close`, in milliseconds. Minimum: `0`.
   * @defaultValue 30000
   */
  readonly closeTimeoutMs?: number
  /**
   * Time source. For tests.
   * @defaultValue the process's clocks
   */
  readonly clock?: Clock
  /**
   * Source of random numbers. For tests.
   * @defaultValue Math.random
   */
  readonly random?: RandomSource
}

const infinity: OptionRule = { expected: 'Infinity', accepts: (value) => value === Number.POSITIVE_INFINITY }

/** @throws InvalidOptionError */
export function checkWriteBehindOptions(options: WriteBehindOptions<never>): void {
  checkOptions(options, {
    flushMs: option.number(0),
    maxBatch: option.integer(1),
    maxBacklog: option.integer(1),
    retry: option.object,
    onError: option.callback,
    closeTimeoutMs: option.number(0),
    clock: option.object,
    random: option.callback,
  })
  const rules = {
    baseMs: option.number(1),
    maxMs: option.number(1),
    maxAttempts: option.either(option.integer(1), infinity),
  }
  if (options.retry !== undefined) checkOptions(options.retry, rules, 'retry.')
}
