import { checkLoadBalancingOptions, type LoadBalancingOptions } from '../balancing/load-balancing-options.ts'
import type { CopyMode } from '../cache/fetch-request.ts'
import { type EvictionPolicyName, evictionPolicyNames } from '../cache/policies/create-policy.ts'
import type { CacheStore } from '../cache/stores/cache-store.ts'
import { checkTieredOptions, type TieredOptions } from '../cache/tiered-options.ts'
import { checkDatabaseOptions, type DatabaseOptions } from '../database/database-options.ts'
import { checkJobsOptions, type JobsOptions } from '../jobs/job-options.ts'
import { checkMonitoringOptions, type MonitoringOptions } from '../monitoring/monitoring-options.ts'
import { type CacheControl, checkCacheControl } from '../pipeline/cache-control.ts'
import type { Mode } from '../pipeline/scope.ts'
import { type DetectionOptions, detectionRules } from '../query/detect/detection-options.ts'
import type { Clock } from '../shared/clock.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import { type Logger, loggerRule } from '../shared/logger.ts'
import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import type { RandomSource } from '../shared/random.ts'
import type { RunOptions } from './scopes.ts'

export interface CacheOptions {
  /**
   * Maximum age of a cached result in seconds. Without a `store`, writes of other processes become visible
   * within this time; raise it if only this process writes. With a `store`, this applies to writers that do
   * not use Sluice. Greater than `0`.
   * @defaultValue 1; with a `store` 60
   */
  readonly ttl?: number
  /**
   * Seconds after `ttl` in which Sluice still serves a result while it revalidates it in the background. It
   * never serves a result that a write has invalidated.
   * @defaultValue 0
   */
  readonly swr?: number
  /**
   * Bytes of heap for all entries. Minimum: `1`.
   * @defaultValue 104857600
   */
  readonly maxBytes?: number
  /**
   * Eviction policy: which entry the cache evicts when it exceeds `maxBytes`. `'s3-fifo'`: one that was not
   * read again soon after it was set, which resists scans; `'lru'`: the least recently used; `'lfu'`: the
   * least frequently used of late; `'ttl'`: the one that expires soonest.
   * @defaultValue 's3-fifo'
   */
  readonly policy?: EvictionPolicyName
  /**
   * Limits caching to reads that use only these tables: model or table names.
   * @defaultValue every table
   */
  readonly tables?: readonly string[]
  /**
   * How rows are returned. `'clone'`: a copy for each caller. `'freeze'`: frozen rows, which the app cannot
   * modify. `'none'`: the cached rows; if the app modifies them, other readers see the change.
   * @defaultValue 'clone'
   */
  readonly copy?: CopyMode
  /**
   * Shared cache. Processes share results, and invalidate them when one of them writes: `redisStore()` of
   * `@sluice/redis`, for example, or `memcachedStore()` of `@sluice/memcached`. The Sluice closes the store.
   * @defaultValue none
   */
  readonly store?: CacheStore
  /**
   * With a `store`: `strict` asks it with every read whether the result is valid, so that no read that begins
   * after a write was acknowledged returns what was before it. `bounded` trusts this process's memory for
   * `maxStalenessMs`.
   * @defaultValue 'bounded'
   */
  readonly consistency?: 'strict' | 'bounded'
  /**
   * With a `store`, in `bounded`: milliseconds for which a result may be older than a write that was
   * acknowledged. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly maxStalenessMs?: number
  /**
   * If the `store` does not respond: `'reject-write'` rejects a write with `SLUICE_WRITE_REJECTED`;
   * `'proceed'` sends it, and Sluice notifies the other processes when the store responds again. Until then,
   * they can serve older results.
   * @defaultValue 'reject-write' in `strict`, 'proceed' in `bounded`
   */
  readonly onInvalidationFailure?: 'reject-write' | 'proceed'
  /**
   * Results that Sluice never sends to the `store`: those of these models and tables (`Session`), and those
   * that contain these fields (`User.password`, or `*.token` for a field of any model).
   * @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * Defaults for `sluice.tiered`.
   * @defaultValue {}
   */
  readonly tiered?: TieredOptions
  /**
   * Default options for reads of a model or table, by its name.
   * @defaultValue {}
   */
  readonly models?: Readonly<Record<string, CacheControl>>
}

export interface BatchOptions {
  /**
   * Keys in one merged query. From `2` to `30000`; each database's bind limit holds besides.
   * @defaultValue 500
   */
  readonly maxKeys?: number
  /**
   * Maximum number of additional rows per key that a batched query reads if the app requests only the first
   * rows of each key (`take`, `limit`, `findFirst`). If keys have more rows, the database limits them, in a
   * more expensive query; on SQLite, these lookups run individually instead. From `0` to `1000`; `0`: the
   * database limits them from the start.
   * @defaultValue 8
   */
  readonly maxExtraRows?: number
  /**
   * Milliseconds that a lookup waits for other lookups of its kind. `0`: until the end of its event-loop
   * tick, without additional delay. Lookups of different ticks (timers, several sockets) are batched only
   * with a longer window. From `0` to `1000`.
   * @defaultValue 0
   */
  readonly windowMs?: number
}

export interface PrefetchOptions {
  /**
   * Maximum age of prefetched rows in milliseconds. Within a loop, writes of other processes become visible
   * within this time. Writes of this process are visible immediately. Greater than `0`.
   * @defaultValue 1000
   */
  readonly maxAgeMs?: number
}

export interface ShadowModeOptions {
  /**
   * The share of reads that run both ways in `shadow` mode, from `0` to `1`.
   * @defaultValue 1
   */
  readonly sample?: number
}

export interface SluiceOptions {
  /**
   * How Sluice handles operations. `observe` changes nothing and reports; `shadow` also runs reads the
   * optimized way and compares the results; `optimize` batches, prefetches and caches. If you omit it, the
   * environment variable `SLUICE_MODE` applies.
   * @defaultValue 'observe'
   */
  readonly mode?: Mode
  /**
   * The share of scopes that `mode` applies to, from `0` to `1`; the others are observed.
   * @defaultValue 1
   */
  readonly rollout?: number
  /**
   * Returns everything that changes results without being part of the statement, such as the session's role
   * or tenant. Sluice never batches, prefetches or caches across different contexts. Called for each read;
   * must not throw. Required only if one scope serves several contexts, or results are cached.
   * @defaultValue nothing
   */
  readonly context?: () => string
  /**
   * Caching of query results; `false` switches it off.
   * @defaultValue {}
   */
  readonly cache?: CacheOptions | false
  /**
   * Merging of lookups; `false` switches it off.
   * @defaultValue {}
   */
  readonly batch?: BatchOptions | false
  /**
   * Prefetching for loops that await one lookup after the other. `false`: off.
   * @defaultValue {}
   */
  readonly prefetch?: PrefetchOptions | false
  /**
   * Interval in milliseconds of the checks whether another process, such as a migration job, changed the
   * schema: one short statement each, while the app reads. A change is detected within 2 intervals, and until
   * then cached results can be outdated. Changes by this process are detected immediately. `false`: off. From
   * `10` to `60000`.
   * @defaultValue 1000
   */
  readonly schemaCheckMs?: number | false
  /**
   * Models and tables whose reads Sluice passes through: it neither batches, prefetches nor caches them.
   * Model or table names.
   * @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * N+1 detection; `false` switches it off.
   * @defaultValue {}
   */
  readonly detection?: DetectionOptions | false
  /**
   * The database engine: what it remembers of the app's statements; `false` switches it off.
   * @defaultValue {}
   */
  readonly database?: DatabaseOptions | false
  /**
   * Chooses nodes: HTTP upstreams, database servers; `false` switches it off.
   * @defaultValue {}
   */
  readonly balancer?: LoadBalancingOptions | false
  /**
   * Background jobs; `false` switches them off.
   * @defaultValue {}
   */
  readonly jobs?: JobsOptions | false
  /**
   * Metrics, alerts and forecasts; `false` switches them off.
   * @defaultValue {}
   */
  readonly monitor?: MonitoringOptions | false
  /**
   * How `shadow` mode samples.
   * @defaultValue {}
   */
  readonly shadow?: ShadowModeOptions
  /**
   * Receives warnings, errors, findings and alerts, without values: a logger with the methods of pino,
   * `warn({ … }, 'message')`. A finding is logged the first time in scopes of one name, and then the 10th,
   * 100th … With a logger, nothing is printed on stderr.
   * @defaultValue warnings are process warnings, and findings are printed in development
   */
  readonly logger?: Logger
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

const cacheRules = {
  ttl: option.positive,
  swr: option.number(0),
  maxBytes: option.integer(1),
  policy: option.oneOf(...evictionPolicyNames),
  tables: option.strings,
  copy: option.oneOf('none', 'freeze', 'clone'),
  store: {
    expected: 'a cache store, such as redisStore() or memcachedStore() returns',
    accepts: (value: unknown) =>
      typeof (value as CacheStore | null)?.read === 'function' &&
      typeof (value as CacheStore).open === 'function',
  },
  consistency: option.oneOf('strict', 'bounded'),
  maxStalenessMs: option.number(10),
  onInvalidationFailure: option.oneOf('reject-write', 'proceed'),
  exclude: option.strings,
  tiered: option.object,
  models: {
    expected: 'an object with options by model',
    accepts: (value: unknown) => option.object.accepts(value) && Object.values(value as object) !== undefined,
  },
}

const GROUPS: ReadonlySet<string> = new Set<keyof SluiceOptions>([
  'cache',
  'batch',
  'prefetch',
  'detection',
  'database',
  'balancer',
  'jobs',
  'monitor',
  'shadow',
])

const MODES: readonly Mode[] = ['observe', 'shadow', 'optimize']
const mode = option.oneOf(...MODES)

/** The rules of `RunOptions`. */
export const runRules: Readonly<Record<keyof RunOptions, OptionRule>> = { name: option.string, mode }

/**
 * Validates a mode.
 *
 * @throws InvalidOptionError for any other value.
 */
export function checkMode(value: unknown, name = 'mode'): Mode {
  if (!mode.accepts(value)) throw new InvalidOptionError(name, mode.expected, value)
  return value as Mode
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function checkSluiceOptions(options: SluiceOptions): void {
  const group = option.either(option.false, option.object)
  checkOptions(options, {
    mode,
    rollout: option.number(0, 1),
    context: option.callback,
    cache: group,
    batch: group,
    prefetch: group,
    schemaCheckMs: option.either(option.false, option.number(10, 60_000)),
    exclude: option.strings,
    detection: group,
    database: group,
    balancer: group,
    jobs: group,
    monitor: group,
    shadow: option.object,
    logger: loggerRule,
    clock: option.clock,
    random: option.callback,
  })
  const { cache, batch, prefetch, detection, database, balancer, jobs, monitor, shadow } = options
  if (cache) {
    checkOptions(cache, cacheRules, 'cache.')
    if (cache.tiered) checkTieredOptions(cache.tiered, 'cache.tiered.')
    for (const [name, control] of Object.entries(cache.models ?? {}))
      checkCacheControl(control, `cache.models.${name}`)
  }
  if (batch)
    checkOptions(
      batch,
      {
        maxKeys: option.integer(2, 30_000),
        maxExtraRows: option.integer(0, 1000),
        windowMs: option.number(0, 1000),
      },
      'batch.',
    )
  if (prefetch) checkOptions(prefetch, { maxAgeMs: option.positive }, 'prefetch.')
  if (detection) checkOptions(detection, detectionRules, 'detection.')
  if (database) checkDatabaseOptions(database, 'database.')
  if (balancer) checkLoadBalancingOptions(balancer, 'balancer.')
  if (monitor) checkMonitoringOptions(monitor, 'monitor.')
  if (jobs) checkJobsOptions(jobs)
  if (shadow) checkOptions(shadow, { sample: option.number(0, 1) }, 'shadow.')
}

/** Later changes to the app's object have no effect: engines read their options when they are created. */
export function copyOptions(options: SluiceOptions): SluiceOptions {
  const groups = Object.entries(options).map(([name, value]) => [
    name,
    GROUPS.has(name) && value ? { ...(value as object) } : value,
  ])
  return Object.fromEntries(groups) as SluiceOptions
}
