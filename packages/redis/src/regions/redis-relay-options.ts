import { InvalidOptionError } from '@sluice/core'
import { callSafely, checkOptions, option } from '@sluice/core/siblings'
import type { Cluster, Redis } from 'ioredis'
import {
  keyName,
  type RedisStoreOptions,
  type ResolvedRedisStoreOptions,
  resolveRedisStoreOptions,
} from '../redis-store-options.ts'

const LEAST_LAG_MS = 50
const MAX_LAG_MS = 60_000

export interface RedisRelayOptions
  extends Pick<
    RedisStoreOptions,
    'namespace' | 'leaseMs' | 'quarantineMs' | 'maxTtlMs' | 'commandTimeoutMs'
  > {
  /**
   * Name of the region whose writes are relayed, as in `remoteRegions` of the stores that receive them. 1 to
   * 64 letters, digits, `.`, `_` and `-`.
   */
  readonly region: string
  /** The Redis of that region: an instance of ioredis, of which only the connection options are used. */
  readonly from: Redis | Cluster
  /** The Redis of the region that receives the writes. Run the relay near this one. */
  readonly to: Redis | Cluster
  /**
   * Bound of the promise, in milliseconds: a result in the receiving region is never older than this after
   * the acknowledgement of a write in `region`. Set it to at least five round trips between the regions.
   * From `50` to `60000`, and at most half of `leaseMs`.
   * @defaultValue 1000
   */
  readonly maxLagMs?: number
  /** Called with each failure. The relay retries automatically. Must not throw. */
  readonly onError?: (error: unknown) => void
}

export interface ResolvedRedisRelayOptions {
  readonly region: string
  readonly maxLagMs: number
  readonly store: ResolvedRedisStoreOptions
  readonly onError: (error: unknown) => void
}

const client = {
  expected: 'an instance of ioredis',
  accepts: (value: unknown) => typeof (value as Partial<Redis> | null)?.duplicate === 'function',
}
const any = { expected: 'any value', accepts: () => true }
const rules = {
  ...{ namespace: any, leaseMs: any, quarantineMs: any, maxTtlMs: any, commandTimeoutMs: any },
  region: keyName,
  from: client,
  to: client,
  maxLagMs: option.integer(LEAST_LAG_MS, MAX_LAG_MS),
  onError: option.callback,
}

/** @throws InvalidOptionError that names the option and the expected value. */
export function resolveRedisRelayOptions(options: RedisRelayOptions): ResolvedRedisRelayOptions {
  checkOptions(options, rules)
  const { region, from, to, maxLagMs = 1_000, onError, ...ofStore } = options
  for (const [name, value] of Object.entries({ region, from, to }))
    if (value === undefined) throw new InvalidOptionError(name, rules[name as 'region'].expected, value)
  const store = resolveRedisStoreOptions(ofStore)
  // A write's intent must outlast the last confirmation that was given while it was held.
  if (maxLagMs > store.leaseMs / 2)
    throw new InvalidOptionError('maxLagMs', `at most half of leaseMs (${store.leaseMs / 2})`, maxLagMs)
  return { region, maxLagMs, store, onError: (error) => callSafely(() => onError?.(error)) }
}
