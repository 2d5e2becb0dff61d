import { InvalidOptionError } from '@sluice/core'
import { callSafely, checkOptions, option, randomToken, setLongInterval } from '@sluice/core/siblings'
import { EVERY_TAG } from '@sluice/core/stores'
import type { Cluster, Redis } from 'ioredis'
import { type BusListener, RELAYED, tagsIn } from '../bus.ts'
import { Store } from '../redis-store.ts'
import {
  keyName,
  type RedisStoreOptions,
  type ResolvedRedisStoreOptions,
  resolveRedisStoreOptions,
} from '../redis-store-options.ts'
import { confirm, redisNow, regionError } from './confirmation.ts'
import { RelayedWrites } from './relayed-writes.ts'

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
  namespace: any,
  leaseMs: any,
  quarantineMs: any,
  maxTtlMs: any,
  commandTimeoutMs: any,
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

/** Number of lags that are remembered: some minutes. */
const MAX_LAGS = 1_000

/** Quantiles of the last values. */
export class Lags {
  readonly #last: number[] = []
  #next = 0

  add(ms: number): void {
    this.#last[this.#next] = ms
    this.#next = (this.#next + 1) % MAX_LAGS
  }

  /**
   * @param share - 0 to 1.
   * @returns 0 if there are no values.
   */
  quantile(share: number): number {
    const sorted = [...this.#last].sort((left, right) => left - right)
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  }
}

/** Confirmations per `maxLagMs`. So many are in flight at most: an older one would expire on arrival. */
const PINGS = 5
const RENEW_MS = 1_000

/** Statistics of a relay, since it was created. */
export interface RedisRelayStats {
  readonly region: string
  /**
   * Whether the last confirmation still holds. If not, the receiving region serves nothing from its cache.
   */
  readonly isFresh: boolean
  /** Milliseconds since all writes were last known; `undefined`: never. */
  readonly ageMs: number | undefined
  /** How long recent writes took from one region to the other, in milliseconds; 0 before the first one. */
  readonly lagP50Ms: number
  readonly lagP99Ms: number
  /** Tags that were relayed. */
  readonly relayed: number
  /** Tags whose writes are in flight. */
  readonly held: number
  /** Times that everything was invalidated, because messages may have been missed. Includes the start. */
  readonly resyncs: number
  /** Failed calls to either Redis. */
  readonly errors: number
}

export interface RedisRelay {
  getStats(): RedisRelayStats
  /** Stops the relay and closes its connections. The last confirmation expires within `maxLagMs`. */
  close(): Promise<void>
}

/**
 * Relays the writes of one region to the Redis of another, so that a cache there never serves results that
 * are older than `maxLagMs` after the acknowledgement of a write. Starts immediately and retries all
 * failures. Two relays for the same regions can run at the same time.
 *
 * @throws InvalidOptionError if an option is missing, unknown, of the wrong type, or out of bounds.
 *
 * @example
 * ```ts
 * import { Redis } from 'ioredis'
 * import { redisRelay } from '@sluice/redis'
 *
 * const relay = redisRelay({
 *   region: 'us-east',
 *   from: new Redis('redis://redis.us-east.internal:6379'),
 *   to: new Redis('redis://127.0.0.1:6379'),
 * })
 * ```
 */
export function redisRelay(options: RedisRelayOptions): RedisRelay {
  const resolved = resolveRedisRelayOptions(options)
  const role = { regions: [], isRelay: true }
  return new Relay(
    new Store(options.from, { ...resolved.store, ...role }),
    new Store(options.to, { ...resolved.store, ...role }),
    resolved,
  )
}

class Relay implements RedisRelay, BusListener {
  readonly #lags = new Lags()
  readonly #timer: NodeJS.Timeout
  #token = randomToken()
  #earlierTokens: readonly string[] = []
  /** The writes since the last loss. */
  #writes: RelayedWrites | undefined
  #pings = 0
  #renewedAt = performance.now()
  #freshAt = Number.NEGATIVE_INFINITY
  #relayed = 0
  #resyncs = 0
  #errors = 0
  #isClosed = false

  constructor(
    private readonly from: Store,
    private readonly to: Store,
    private readonly options: ResolvedRedisRelayOptions,
  ) {
    from.listen(this)
    this.#timer = setLongInterval(() => this.#tick(), options.maxLagMs / PINGS)
    this.#timer.unref()
  }

  getStats(): RedisRelayStats {
    const ageMs = performance.now() - this.#freshAt
    return {
      region: this.options.region,
      isFresh: ageMs < this.options.maxLagMs,
      ageMs: Number.isFinite(ageMs) ? ageMs : undefined,
      lagP50Ms: this.#lags.quantile(0.5),
      lagP99Ms: this.#lags.quantile(0.99),
      relayed: this.#relayed,
      held: this.#writes?.held ?? 0,
      resyncs: this.#resyncs,
      errors: this.#errors,
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#writes?.abandon()
    await Promise.all([this.from.close(), this.to.close()])
  }

  receive(message: string): void {
    const tags = tagsIn(message)
    if (tags?.[0] === RELAYED) return
    if (tags === undefined || tags.includes(EVERY_TAG)) this.lost()
    else {
      this.#relayed += tags.length
      this.#writes?.receive(tags)
    }
  }

  /** Everything in the receiving region must go: writes may have been missed, or one modifies everything. */
  lost(): void {
    if (this.#isClosed) return
    this.#resyncs += 1
    const token = this.#token
    this.#writes = new RelayedWrites({
      region: this.options.region,
      from: this.from,
      to: this.to,
      token,
      earlierTokens: this.#earlierTokens,
      known: this.#writes?.abandon() ?? [],
      retryMs: this.options.maxLagMs / PINGS,
      onError: (error) => this.#failed(error),
      onSync: () => {
        this.#earlierTokens = []
      },
      onDoubt: (isEnd) => {
        if (token !== this.#token) return
        if (isEnd) {
          this.#earlierTokens = [...this.#earlierTokens, token]
          this.#token = randomToken()
        }
        this.lost()
      },
    })
  }

  #tick(): void {
    const now = performance.now()
    const sinceMs = now - this.#renewedAt
    if (sinceMs >= RENEW_MS) {
      this.#renewedAt = now
      // This process was suspended or blocked: the intents may have expired.
      if (sinceMs >= this.options.store.leaseMs / 2) this.lost()
      else this.#writes?.renew()
    }
    const writes = this.#writes
    if (writes?.isInSync === false || this.#pings === PINGS) return
    this.#pings += 1
    // Before the first subscription, a ping fails with the reason why there is none.
    const attempt = writes === undefined ? this.#ping() : this.#confirm(writes)
    attempt
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#pings -= 1
      })
  }

  async #confirm(writes: RelayedWrites): Promise<void> {
    const { to, options } = this
    const { region, maxLagMs } = options
    // Read before the ping is sent, so the deadline is right however long anything takes from here on.
    const at = await to.run(redisNow)
    const sentAt = performance.now()
    await this.#ping()
    await writes.applied()
    if (!writes.isInSync) return
    this.#lags.add(performance.now() - sentAt)
    const [lagP50Ms, lagP99Ms] = [this.#lags.quantile(0.5), this.#lags.quantile(0.99)]
    await to.run((client, keys) => confirm(client, keys, region, { at, maxLagMs, lagP50Ms, lagP99Ms }))
    this.#freshAt = Math.max(this.#freshAt, sentAt)
  }

  async #ping(): Promise<void> {
    try {
      await this.from.ping()
    } catch (error) {
      throw regionError(this.options.region, error)
    }
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return
    this.#errors += 1
    this.options.onError(error)
  }
}
