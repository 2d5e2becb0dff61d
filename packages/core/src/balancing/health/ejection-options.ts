import { checkOptions, option } from '../../shared/options.ts'

export interface EjectionOptions {
  /**
   * Failures in a row after which a node is ejected: no answer, or 502 to 504. Minimum: `1`.
   * @defaultValue 5
   */
  readonly consecutiveFailures?: number
  /**
   * The share of failures in ten seconds from which a node is ejected. From `0.001` to `1`; `1`: never by the
   * share.
   * @defaultValue 0.5
   */
  readonly failureRate?: number
  /**
   * Minimum number of requests within 10 seconds for `failureRate` to apply. Minimum: `1`.
   * @defaultValue 50
   */
  readonly minRequests?: number
  /**
   * Milliseconds of the first ejection; of the n-th in a row n times as long. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly baseMs?: number
  /**
   * Milliseconds of any ejection, at most. Minimum: `1`.
   * @defaultValue 300000
   */
  readonly maxMs?: number
  /**
   * The share of the nodes that may be ejected at a time. From `0` to `1`. The last one that is left never
   * is.
   * @defaultValue 1
   */
  readonly maxEjectionShare?: number
  /**
   * The share of the nodes that are up below which ejected ones are used again, because those that are left
   * could not take it all. From `0` to `1`; `0`: only where none is left.
   * @defaultValue 0
   */
  readonly panicThreshold?: number
}

export interface ResolvedEjectionOptions extends Required<EjectionOptions> {}

const rules = {
  consecutiveFailures: option.integer(1),
  failureRate: option.number(0.001, 1),
  minRequests: option.integer(1),
  baseMs: option.number(1),
  maxMs: option.number(1),
  maxEjectionShare: option.number(0, 1),
  panicThreshold: option.number(0, 1),
}

/** @throws InvalidOptionError for an unknown option, or one out of its bounds. */
export function checkEjectionOptions(options: EjectionOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
}

export function resolveEjectionOptions(options: EjectionOptions): ResolvedEjectionOptions {
  return {
    consecutiveFailures: options.consecutiveFailures ?? 5,
    failureRate: options.failureRate ?? 0.5,
    minRequests: options.minRequests ?? 50,
    baseMs: options.baseMs ?? 30_000,
    maxMs: options.maxMs ?? 300_000,
    maxEjectionShare: options.maxEjectionShare ?? 1,
    panicThreshold: options.panicThreshold ?? 0,
  }
}
