import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'
import {
  type EncryptionKey,
  type ResolvedStoreOptions,
  resolveStoreOptions,
  storeRules,
  timerRule,
} from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'

export interface RedisStoreOptions {
  /**
   * Prefix of all keys. Stores with the same namespace share their state; stores with different namespaces
   * are independent. 1 to 64 letters, digits, `.`, `_` and `-`.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
  /**
   * Lease of a writer's intent: how long it is valid after the last renewal, in milliseconds of Redis's
   * clock. Use the same value in all processes. Minimum: `1`.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * How long nothing is cached after Redis lost its state, in milliseconds. Live writers announce their
   * writes again in this time, so it must be at least twice their interval (1 second) plus
   * `commandTimeoutMs`. Minimum: `0`.
   * @defaultValue 3000
   */
  readonly quarantineMs?: number
  /**
   * Maximum lifetime of an entry, in milliseconds. Tag versions live twice as long. Minimum: `1`.
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
  /**
   * Timeout of Redis calls, in milliseconds. Time in which the process itself is blocked does not count.
   * Minimum: `1`.
   * @defaultValue 500
   */
  readonly commandTimeoutMs?: number
  /**
   * Consecutive failures after which the circuit breaker opens. Minimum: `1`.
   * @defaultValue 5
   */
  readonly maxFailures?: number
  /**
   * How long the circuit breaker stays open, in milliseconds. Then one call is tried. A new connection closes
   * it, too. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly retryAfterMs?: number
  /**
   * Compresses values with more bytes. `false`: no compression. Minimum: `0`.
   * @defaultValue false
   */
  readonly compressAboveBytes?: number | false
  /**
   * Encrypts values with AES-256-GCM and the first key, and decrypts them with any key. To rotate the key,
   * add a new one at the front, and remove the old one when its entries have expired. Rotate it before 2^32
   * entries were written. Tags, which name tables, and times stay readable. Entries that are not encrypted
   * count as missing.
   */
  readonly encryption?: { readonly keys: readonly EncryptionKey[] }
  /**
   * Other regions with a separate Redis, by name: instances of ioredis, of which only the connection options
   * are used. Writes of this process are also announced there. Their writes arrive here through a relay
   * (`redisRelay`, `sluice relay`): while it does not confirm that all of them are known, nothing is served
   * from the cache, and nothing is cached. Names: 1 to 64 letters, digits, `.`, `_` and `-`.
   * @defaultValue \{\}
   */
  readonly remoteRegions?: Readonly<Record<string, Redis | Cluster>>
}

export interface ResolvedRedisStoreOptions extends ResolvedStoreOptions {
  readonly maxFailures: number
  readonly retryAfterMs: number
  readonly remoteRegions: Readonly<Record<string, Redis | Cluster>>
}

/** A name that is a part of keys. */
export const keyName: OptionRule = storeRules.namespace
const remoteRegions: OptionRule = {
  expected: `an object of ioredis instances by region, whose name has ${keyName.expected}`,
  accepts: (value) =>
    option.object.accepts(value) &&
    Object.entries(value as object).every(
      ([region, redis]) => keyName.accepts(region) && typeof redis?.duplicate === 'function',
    ),
}
const rules = { ...storeRules, maxFailures: option.integer(1), retryAfterMs: timerRule, remoteRegions }

/** @throws InvalidOptionError that names the option and the expected value. */
export function resolveRedisStoreOptions(options: RedisStoreOptions): ResolvedRedisStoreOptions {
  checkOptions(options, rules)
  return {
    ...resolveStoreOptions(options),
    maxFailures: options.maxFailures ?? 5,
    retryAfterMs: options.retryAfterMs ?? 1_000,
    remoteRegions: options.remoteRegions ?? {},
  }
}
