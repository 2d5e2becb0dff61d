import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import type { FetchPolicy } from './fetch-request.ts'

/** How values are cached and revalidated. */
export interface TieredOptions {
  /**
   * Time to live of a value, in seconds. Greater than `0`.
   * @defaultValue 300
   */
  readonly ttl?: number
  /**
   * Time to live of `null` and `undefined`, in seconds. `0`: they are not cached.
   * @defaultValue the value of `ttl`
   */
  readonly negativeTtl?: number
  /**
   * Seconds after `ttl` in which a value is still returned while it is revalidated in the background. A value
   * that a write has invalidated is never returned.
   * @defaultValue 0
   */
  readonly swr?: number
  /**
   * Seconds after `ttl` in which a value is returned if loading fails, or takes longer than `softTimeoutMs`
   * (stale-if-error). A value that a write has invalidated is never returned.
   * @defaultValue 0
   */
  readonly grace?: number
  /**
   * Maximum wait for a load, in milliseconds, while there is a value within its `grace`. Greater than `0`.
   * @defaultValue none
   */
  readonly softTimeoutMs?: number
  /**
   * Maximum wait for a load, in milliseconds. After that, the caller receives a value within its `grace`,
   * otherwise an error. The load continues. Greater than `0`.
   * @defaultValue none
   */
  readonly hardTimeoutMs?: number
  /**
   * Share of the `ttl` that is randomly subtracted, so that values that were cached together do not expire
   * together. From `0` to `1`.
   * @defaultValue 0
   */
  readonly jitter?: number
  /**
   * Revalidation before expiry, in the background of a request (XFetch). With `1`, about as long before
   * expiry as loading takes. `0`: off.
   * @defaultValue 0
   */
  readonly earlyRefresh?: number
  /**
   * With a shared store: `strict` verifies in the store, for each read, that the value is valid. `bounded`
   * trusts the memory of this process for `maxStalenessMs`.
   * @defaultValue the consistency of the Sluice
   */
  readonly consistency?: 'strict' | 'bounded'
  /**
   * With a shared store: how long a process waits for another process that is loading the same key, in
   * milliseconds. `0`: each process loads separately.
   * @defaultValue 0
   */
  readonly loadLockWaitMs?: number
}

/** Validation rules of `TieredOptions`. */
export const tieredRules: Readonly<Record<keyof TieredOptions, OptionRule>> = {
  ttl: option.positive,
  negativeTtl: option.number(0),
  swr: option.number(0),
  grace: option.number(0),
  softTimeoutMs: option.positive,
  hardTimeoutMs: option.positive,
  jitter: option.number(0, 1),
  earlyRefresh: option.number(0),
  consistency: option.oneOf('strict', 'bounded'),
  loadLockWaitMs: option.number(0),
}

/** @throws InvalidOptionError */
export function checkTieredOptions(options: TieredOptions, prefix: string): void {
  checkOptions(options, tieredRules, prefix)
}

/** Creates a policy from options. Omitted options have the values of `base`. */
export function policyFrom(options: TieredOptions, base: FetchPolicy): FetchPolicy {
  const { ttl, negativeTtl, swr, grace } = options
  return {
    ttlMs: ttl === undefined ? base.ttlMs : ttl * 1_000,
    negativeTtlMs:
      negativeTtl === undefined
        ? ttl === undefined
          ? base.negativeTtlMs
          : ttl * 1_000
        : negativeTtl * 1_000,
    swrMs: swr === undefined ? base.swrMs : swr * 1_000,
    graceMs: grace === undefined ? base.graceMs : grace * 1_000,
    softTimeoutMs: options.softTimeoutMs ?? base.softTimeoutMs,
    hardTimeoutMs: options.hardTimeoutMs ?? base.hardTimeoutMs,
    jitter: options.jitter ?? base.jitter,
    earlyRefresh: options.earlyRefresh ?? base.earlyRefresh,
    strategy: base.strategy,
    consistency: options.consistency ?? base.consistency,
    loadLockWaitMs: options.loadLockWaitMs ?? base.loadLockWaitMs,
  }
}

/** A policy that sets only the time to live and the consistency. */
export function plainPolicy(ttl: number, consistency: 'strict' | 'bounded'): FetchPolicy {
  return {
    ttlMs: ttl * 1_000,
    negativeTtlMs: ttl * 1_000,
    swrMs: 0,
    graceMs: 0,
    softTimeoutMs: undefined,
    hardTimeoutMs: undefined,
    jitter: 0,
    earlyRefresh: 0,
    strategy: 'cache-first',
    consistency,
    loadLockWaitMs: 0,
  }
}
