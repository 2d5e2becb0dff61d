import type { Clock } from '../../shared/clock.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import type { RandomSource } from '../../shared/random.ts'

/** One value to write. */
export interface WriteBehindEntry<T> {
  readonly key: string
  readonly value: T
}

/** Entries that could not be written, as often as `retry.maxAttempts` says. */
export interface WriteBehindFailure<T> {
  readonly entries: readonly WriteBehindEntry<T>[]
  /** What the last attempt failed with. */
  readonly error: unknown
}

export interface WriteBehindRetryOptions {
  /**
   * Milliseconds before a batch that failed is tried again; doubled with each further failure, and up to half of it left to chance. Minimum: `1`.
   * @defaultValue 100
   */
  readonly baseMs?: number
  /**
   * Milliseconds between attempts at most. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly maxMs?: number
  /**
   * Attempts at a value before `onError` decides about it. Minimum: `1`.
   * @defaultValue Infinity
   */
  readonly maxAttempts?: number
}

export interface WriteBehindOptions<T = unknown> {
  /**
   * Milliseconds that a value waits for others to be written with. Minimum: `0`.
   * @defaultValue 100
   */
  readonly flushMs?: number
  /**
   * Entries in one batch. Minimum: `1`.
   * @defaultValue 100
   */
  readonly maxBatch?: number
  /**
   * Entries that are not written yet; where there are as many, `set` of another key waits. Minimum: `1`.
   * @defaultValue 10000
   */
  readonly maxBacklog?: number
  /**
   * How a batch that failed is tried again.
   * @defaultValue {}
   */
  readonly retry?: WriteBehindRetryOptions
  /**
   * Decides about entries that failed `retry.maxAttempts` times: `'drop'` gives them up, `'retry'` begins again. What it throws counts
   * as `'retry'`.
   * @defaultValue retry
   */
  readonly onError?: (failure: WriteBehindFailure<T>) => 'retry' | 'drop' | Promise<'retry' | 'drop'>
  /**
   * Milliseconds that `close` takes at most. Minimum: `0`.
   * @defaultValue 30000
   */
  readonly closeTimeoutMs?: number
  /**
   * Where time comes from. For tests.
   * @defaultValue the process's clocks
   */
  readonly clock?: Clock
  /**
   * Where chance comes from. For tests.
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
  const rules = { baseMs: option.number(1), maxMs: option.number(1), maxAttempts: option.either(option.integer(1), infinity) }
  if (options.retry !== undefined) checkOptions(options.retry, rules, 'retry.')
}
