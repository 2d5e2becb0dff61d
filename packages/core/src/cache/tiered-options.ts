import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import { type Copier, type CopyMode, copiers, type FetchPolicy } from './fetch-request.ts'

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
const tieredRules: Readonly<Record<keyof TieredOptions, OptionRule>> = {
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

/** Options of one call. */
export interface GetOrLoadOptions extends TieredOptions {
  /** Custom tags, for `invalidateTags`. */
  readonly tags?: readonly string[]
  /**
   * Models and tables that the value depends on. A write to one of them invalidates it. Until a catalog is
   * known, the value is not cached.
   */
  readonly tables?: readonly string[]
  /**
   * How the value is returned. `clone` and `freeze` require plain data; a value that cannot be copied exactly
   * is then not cached.
   * @defaultValue 'none'
   */
  readonly copy?: CopyMode
}

const callRules = {
  ...tieredRules,
  tags: option.strings,
  tables: option.strings,
  copy: option.oneOf('none', 'freeze', 'clone'),
}
/** A power of 2. */
const SLOTS = 16

/** The resolved options of a call, without its tags and tables. */
export interface CallPlan {
  readonly policy: FetchPolicy
  readonly copier: Copier<unknown>
}

interface Slot extends CallPlan {
  /** The enumerable options, in their order. */
  readonly names: readonly string[]
  readonly values: readonly unknown[]
}

/**
 * Resolves the options of calls. Most calls of an app use a few sets of options, so each set is resolved
 * once.
 */
export class CallPlans {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS).fill(undefined)

  constructor(private readonly base: FetchPolicy) {}

  /** @throws InvalidOptionError */
  of(options: GetOrLoadOptions): CallPlan {
    // An instance of a class can have options that are not enumerable.
    if (!option.object.accepts(options) || Object.getPrototypeOf(options) !== Object.prototype)
      return this.#resolve(options)
    const { ttl } = options
    const at = typeof ttl === 'number' ? ttl & (SLOTS - 1) : 0
    const slot = this.#slots[at]
    if (slot !== undefined && matches(slot, options)) return slot
    const copy = { ...options }
    const plan = this.#resolve(copy)
    this.#slots[at] = { ...plan, names: Object.keys(copy), values: Object.values(copy) }
    return plan
  }

  #resolve(options: GetOrLoadOptions): CallPlan {
    checkCallOptions(options)
    return { policy: policyFrom(options, this.base), copier: copiers[options.copy ?? 'none'] }
  }
}

/** @throws InvalidOptionError */
export function checkCallOptions(options: GetOrLoadOptions): void {
  checkOptions(options, callRules, 'options.')
}

function matches({ names, values }: Slot, options: object): boolean {
  let at = 0
  for (const name in options) {
    if (name !== names[at]) return false
    const value = (options as Record<string, unknown>)[name]
    // Tags and tables differ between calls, and are not part of a plan: they are only validated.
    const isList = name === 'tags' || name === 'tables'
    if (isList ? value !== undefined && !option.strings.accepts(value) : value !== values[at]) return false
    at += 1
  }
  return at === names.length
}
