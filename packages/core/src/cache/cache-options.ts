import { type Clock, systemClock } from '../shared/clock.ts'
import { InvalidArgumentError, InvalidOptionError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import { MAX_TIMER_MS } from '../shared/timers.ts'
import type { CacheKey } from './cache-entry.ts'
import { type EvictionPolicyName, evictionPolicyNames } from './policies/create-policy.ts'

const DEFAULT_MAX_BYTES = 100 * 1024 * 1024

export interface CachingStrategyEngineOptions {
  /**
   * Memory budget for all entries, in bytes of heap. Minimum: `1`.
   * @defaultValue 104857600 (100 MB)
   */
  readonly maxBytes?: number
  /**
   * Eviction policy: which entry the cache evicts when it exceeds `maxBytes`. `'s3-fifo'`: one that was not
   * read again soon after it was set, which resists scans; `'lru'`: the least recently used; `'lfu'`: the
   * least frequently used, with aging; `'ttl'`: the one that expires soonest.
   * @defaultValue 's3-fifo'
   */
  readonly policy?: EvictionPolicyName
  /**
   * Maximum share of the budget for one entry, above 0 and up to 1. Larger values are rejected.
   * @defaultValue 0.1
   */
  readonly maxEntryShare?: number
  /**
   * Milliseconds between sweeps for expired entries. Each sweep examines up to 10,000 entries. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly sweepIntervalMs?: number
  /**
   * Time source.
   * @defaultValue the process's clocks
   */
  readonly clock?: Clock
}

export type ResolvedEngineOptions = Required<CachingStrategyEngineOptions>

const rules = {
  maxBytes: option.integer(1),
  policy: option.oneOf(...evictionPolicyNames),
  maxEntryShare: {
    expected: 'a number above 0 and up to 1',
    accepts: (value: unknown) => typeof value === 'number' && value > 0 && value <= 1,
  },
  sweepIntervalMs: option.integer(1, MAX_TIMER_MS),
  clock: option.clock,
}

/** @throws InvalidOptionError with the name of the option and the expected value. */
export function resolveEngineOptions(input: number | CachingStrategyEngineOptions): ResolvedEngineOptions {
  const options = typeof input === 'number' ? { maxBytes: input } : input
  if (!option.object.accepts(options))
    throw new InvalidOptionError('options', 'a number of bytes or an object', input)
  checkOptions(options, rules)
  return {
    maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
    policy: options.policy ?? 's3-fifo',
    maxEntryShare: options.maxEntryShare ?? 0.1,
    sweepIntervalMs: options.sweepIntervalMs ?? 1_000,
    clock: options.clock ?? systemClock,
  }
}

const DEFAULT_TTL = 3_600
export const NO_KEYS: readonly CacheKey[] = []

export interface CacheSetOptions {
  /**
   * Time to live in seconds, above 0.
   * @defaultValue 3600
   */
  readonly ttl?: number
  /**
   * Entries from which the value was computed: `invalidateDependencies` for any of them deletes it. The next
   * `set` of the entry replaces these dependencies; they are removed with the entry.
   */
  readonly dependsOn?: readonly CacheKey[]
}

interface ResolvedSetOptions {
  readonly ttl: number
  readonly dependsOn: readonly CacheKey[]
}

const accepted = { expected: 'any value', accepts: () => true }
const names = {
  ttl: accepted,
  dependsOn: { expected: 'an array of { namespace, key }', accepts: Array.isArray },
}

/** @throws InvalidArgumentError for an invalid lifetime or key; InvalidOptionError for an unknown option. */
export function resolveSetOptions(ttlOrOptions: number | CacheSetOptions | undefined): ResolvedSetOptions {
  if (ttlOrOptions === undefined) return { ttl: DEFAULT_TTL, dependsOn: NO_KEYS }
  if (typeof ttlOrOptions === 'number') return { ttl: checkTtl(ttlOrOptions), dependsOn: NO_KEYS }
  if (!option.object.accepts(ttlOrOptions))
    throw new InvalidArgumentError('ttl', 'a number of seconds greater than 0 or an object', ttlOrOptions)
  checkOptions(ttlOrOptions, names)
  const dependsOn = ttlOrOptions.dependsOn ?? NO_KEYS
  for (const parent of dependsOn) checkCacheKey(parent, 'dependsOn')
  return { ttl: ttlOrOptions.ttl === undefined ? DEFAULT_TTL : checkTtl(ttlOrOptions.ttl), dependsOn }
}

function checkTtl(ttl: unknown): number {
  if (!option.positive.accepts(ttl))
    throw new InvalidArgumentError('ttl', 'a number of seconds greater than 0', ttl)
  return ttl as number
}

/** @throws InvalidArgumentError if the value is not an object with a valid namespace and key. */
export function checkCacheKey(value: CacheKey, argument: string): void {
  if (!option.object.accepts(value))
    throw new InvalidArgumentError(argument, 'an object { namespace, key }', value)
  checkNamespace(value.namespace)
  checkKey(value.key)
}

/**
 * A colon separates the namespace from the key where both are one string. A namespace therefore cannot
 * contain one; a key can.
 */
export function checkNamespace(namespace: unknown): void {
  if (typeof namespace !== 'string' || namespace === '' || namespace.includes(':')) {
    throw new InvalidArgumentError('namespace', 'a non-empty string without ":"', namespace)
  }
}

export function checkKey(key: unknown): void {
  if (typeof key !== 'string') throw new InvalidArgumentError('key', 'a string', key)
}
