import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import type { FetchPolicy } from './fetch-request.ts'

/** How values are kept and refreshed. */
export interface TieredOptions {
  /**
   * Seconds that a value is fresh. Greater than `0`.
   * @defaultValue 300
   */
  readonly ttl?: number
  /**
   * The same for `null` and `undefined`; `0`: they are not kept.
   * @defaultValue the ttl
   */
  readonly negativeTtl?: number
  /**
   * Seconds after that in which a value is still handed out while it is refreshed beside. A value that a write made wrong is never
   * handed out.
   * @defaultValue 0
   */
  readonly swr?: number
  /**
   * Seconds after the ttl in which a value is handed out if loading fails, or takes longer than `softTimeoutMs`. A value that a write made
   * wrong is never handed out.
   * @defaultValue 0
   */
  readonly grace?: number
  /**
   * Milliseconds that a load is waited for while there is a value within its `grace`. Greater than `0`.
   * @defaultValue none
   */
  readonly softTimeoutMs?: number
  /**
   * Milliseconds after which a caller is given a value within its `grace`, or else an error. The load goes on. Greater than `0`.
   * @defaultValue none
   */
  readonly hardTimeoutMs?: number
  /**
   * The share of the ttl that is cut off by chance, so that what was made together does not end together. From `0` to `1`.
   * @defaultValue 0
   */
  readonly jitter?: number
  /**
   * How eagerly a value is refreshed before its end, beside a request (XFetch): with `1` about as long before as loading takes. `0`: not.
   * @defaultValue 0
   */
  readonly earlyRefresh?: number
  /**
   * With a shared store: `strict` asks the store with every read whether the value is valid; `bounded` trusts this process's memory for
   * `maxStalenessMs`.
   * @defaultValue that of the Sluice
   */
  readonly consistency?: 'strict' | 'bounded'
  /**
   * With a shared store: milliseconds that one process waits for another that is loading the same key. `0`: each loads for itself.
   * @defaultValue 0
   */
  readonly fleetWaitMs?: number
}

/** The rules of `TieredOptions`. */
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
  fleetWaitMs: option.number(0),
}

/** @throws InvalidOptionError */
export function checkTieredOptions(options: TieredOptions, prefix: string): void {
  checkOptions(options, tieredRules, prefix)
}

/** A policy from options, with what they leave out taken from another. */
export function policyFrom(options: TieredOptions, base: FetchPolicy): FetchPolicy {
  const { ttl, negativeTtl, swr, grace } = options
  return {
    ttlMs: ttl === undefined ? base.ttlMs : ttl * 1_000,
    negativeTtlMs: negativeTtl === undefined ? (ttl === undefined ? base.negativeTtlMs : ttl * 1_000) : negativeTtl * 1_000,
    swrMs: swr === undefined ? base.swrMs : swr * 1_000,
    graceMs: grace === undefined ? base.graceMs : grace * 1_000,
    softTimeoutMs: options.softTimeoutMs ?? base.softTimeoutMs,
    hardTimeoutMs: options.hardTimeoutMs ?? base.hardTimeoutMs,
    jitter: options.jitter ?? base.jitter,
    earlyRefresh: options.earlyRefresh ?? base.earlyRefresh,
    strategy: base.strategy,
    consistency: options.consistency ?? base.consistency,
    fleetWaitMs: options.fleetWaitMs ?? base.fleetWaitMs,
  }
}

/** A policy that only says how long values are kept. */
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
    fleetWaitMs: 0,
  }
}
