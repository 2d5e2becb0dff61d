import { checkLoadBalancingOptions, type LoadBalancingOptions } from '../balancing/load-balancing-options.ts'
import type { CopyMode } from '../cache/copiers.ts'
import { type EvictionPolicyName, evictionPolicyNames } from '../cache/policies/create-policy.ts'
import type { CacheStore } from '../cache/stores/cache-store.ts'
import { checkTieredOptions, type TieredOptions } from '../cache/tiered-options.ts'
import { checkDatabaseOptions, type DatabaseOptions } from '../database/database-options.ts'
import { checkJobsOptions, type JobsOptions } from '../jobs/job-options.ts'
import { checkMonitoringOptions, type MonitoringOptions } from '../monitoring/monitoring-options.ts'
import { type CacheControl, checkCacheControl } from '../pipeline/cache-control.ts'
import type { Mode } from '../pipeline/scope.ts'
import { type DetectionOptions, detectionRules } from '../query/detect/detection-options.ts'
import { arePrefetchLinks, LINKS, type PrefetchLink } from '../query/prefetch/link.ts'
import type { Clock } from '../shared/clock.ts'
import { InvalidOptionError } from '../shared/errors.ts'
import { type Logger, loggerRule } from '../shared/logger.ts'
import { checkOptions, option } from '../shared/options.ts'
import type { RandomSource } from '../shared/random.ts'

export interface CacheOptions {
  /**
   * Seconds that a query's result is kept at most. Without a `store` it bounds what other processes' writes can leave stale: Sluice drops
   * a result at once when this process writes to what it came from. Raise it where this process is the only writer. With a `store` it bounds
   * what writers that do not use Sluice can leave stale. Greater than `0`.
   * @defaultValue 1; with a `store` 60
   */
  readonly ttl?: number
  /**
   * Seconds after that in which a result is still handed out while it is refreshed beside. One that a write made wrong is never handed out.
   * @defaultValue 0
   */
  readonly swr?: number
  /**
   * Bytes of heap for all entries. Minimum: `1`.
   * @defaultValue 104857600
   */
  readonly maxBytes?: number
  /**
   * Which entry the cache evicts when `maxBytes` is reached: `'s3-fifo'` one that was not read again soon after it was set, which resists
   * scans; `'lru'` the least recently used; `'lfu'` the least frequently used of late; `'ttl'` the one that expires soonest.
   * @defaultValue 's3-fifo'
   */
  readonly policy?: EvictionPolicyName
  /**
   * If given, only reads of these tables alone are kept; a table or model name each.
   * @defaultValue every table
   */
  readonly tables?: readonly string[]
  /**
   * How rows are handed out: a copy for each caller; frozen, and then the app must not change its rows; or as they are kept, and then a
   * change of the app's is a change of what others read.
   * @defaultValue 'clone'
   */
  readonly copy?: CopyMode
  /**
   * Where processes share results, and learn of each other's writes: `redisStore()` of `@sluice/redis`, for example. The Sluice closes it.
   * @defaultValue none: this process is by itself
   */
  readonly store?: CacheStore
  /**
   * With a `store`: `strict` asks it with every read whether the result is valid, so that no read that begins after a write was acknowledged
   * returns what was before it. `bounded` trusts this process's memory for `maxStalenessMs`.
   * @defaultValue 'bounded'
   */
  readonly consistency?: 'strict' | 'bounded'
  /**
   * With a `store`, in `bounded`: milliseconds for which a result may be older than a write that was acknowledged. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly maxStalenessMs?: number
  /**
   * With a `store` that does not answer: whether a write is refused with `SLUICE_WRITE_REJECTED`, or sent all the same; other processes are then
   * told as soon as the store answers, and may read older results until then.
   * @defaultValue 'reject-write' in `strict`, 'proceed' in `bounded`
   */
  readonly onInvalidationFailure?: 'reject-write' | 'proceed'
  /**
   * What never goes to the `store`: results of these models and tables (`Session`), and results that hold these fields (`User.password`,
   * or `*.token` for a field of any model).
   * @defaultValue none
   */
  readonly exclude?: readonly string[]
  /**
   * How `sluice.tiered` keeps the app's own values where a call says nothing.
   * @defaultValue {}
   */
  readonly tiered?: TieredOptions
  /**
   * What holds for reads of a model or table that say nothing themselves; by its name.
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
   * Rows beyond those asked for that a merged query may fetch for each key, where only the first few of each key are asked for
   * (`take`, `limit`, `findFirst`). Where keys turn out to have more, the database cuts, by a query that costs more; on SQLite they are
   * asked for singly then. From `0` to `1000`.
   * @defaultValue 8
   */
  readonly maxExtraRows?: number
  /**
   * Milliseconds that a lookup waits for others of its kind. `0`: until the end of the tick in which it was made, which costs
   * nothing; lookups that come out of different ticks (timers, several sockets) meet only in a longer one. From `0` to `1000`.
   * @defaultValue 0
   */
  readonly windowMs?: number
}

export interface PrefetchOptions {
  /**
   * Milliseconds for which an answer that was asked ahead is given at most. It bounds what writes of other processes can leave
   * unseen within a loop: what this process writes is seen at once. Greater than `0`.
   * @defaultValue 1000
   */
  readonly maxAgeMs?: number
  /**
   * What an earlier process learned, as `sluice.queries.getPrefetchLinks()` gave it: loops that are known are asked ahead at once.
   * @defaultValue nothing
   */
  readonly links?: readonly PrefetchLink[]
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
   * `observe` changes nothing and reports; `shadow` also runs the optimised way beside the bare one and compares;
   * `optimize` merges and caches. The environment variable `SLUICE_MODE` stands in where it is not given.
   * @defaultValue 'observe'
   */
  readonly mode?: Mode
  /**
   * The share of scopes that `mode` applies to, from `0` to `1`; the others are observed.
   * @defaultValue 1
   */
  readonly rollout?: number
  /**
   * What changes results without standing in the statement, such as a session's role or tenant: what differs in it is neither merged nor
   * kept together. Called where a read is made; must not throw. Needed only where one scope serves several, or results are cached.
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
   * Asking ahead in loops that ask for one key after the other; `false` switches it off.
   * @defaultValue {}
   */
  readonly prefetch?: PrefetchOptions | false
  /**
   * Milliseconds between checks whether another process changed the schema, such as a migration job: one short statement each, while the
   * app reads. Such a change is noticed within two intervals, and until then cached
   * results may be outdated. `false`: no checks. Changes that this process makes are noticed at once. From `10` to `60000`.
   * @defaultValue 1000
   */
  readonly schemaCheckMs?: number | false
  /**
   * Models and tables whose reads are sent as they are: neither merged nor asked ahead nor cached. A model's or a table's name each.
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
   * Where Sluice's warnings, errors, findings and alerts are told, without values: a logger of pino's shape, `warn({ … }, 'message')`. A finding is told the first time in a
   * scope of its name, and then the 10th, 100th … Where there is one, nothing is printed on stderr by itself.
   * @defaultValue warnings are process warnings, and findings are printed in development
   */
  readonly logger?: Logger
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

const cacheRules = {
  ttl: option.positive,
  swr: option.number(0),
  maxBytes: option.integer(1),
  policy: option.oneOf(...evictionPolicyNames),
  tables: option.strings,
  copy: option.oneOf('none', 'freeze', 'clone'),
  store: {
    expected: 'a cache store',
    accepts: (value: unknown) =>
      typeof (value as CacheStore | null)?.read === 'function' && typeof (value as CacheStore).open === 'function',
  },
  consistency: option.oneOf('strict', 'bounded'),
  maxStalenessMs: option.number(10),
  onInvalidationFailure: option.oneOf('reject-write', 'proceed'),
  exclude: option.strings,
  tiered: option.object,
  models: option.object,
}

const MODES: readonly Mode[] = ['observe', 'shadow', 'optimize']
const mode = option.oneOf(...MODES)

/**
 * Checks a mode.
 *
 * @throws InvalidOptionError when it is none.
 */
export function checkMode(value: unknown, name = 'mode'): Mode {
  if (!mode.accepts(value)) throw new InvalidOptionError(name, mode.expected, value)
  return value as Mode
}

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
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
    clock: option.object,
    random: option.callback,
  })
  const { cache, batch, prefetch, detection, database, balancer, jobs, monitor, shadow } = options
  if (cache) {
    checkOptions(cache, cacheRules, 'cache.')
    if (cache.tiered) checkTieredOptions(cache.tiered, 'cache.tiered.')
    for (const [name, control] of Object.entries(cache.models ?? {})) checkCacheControl(control, `cache.models.${name}`)
  }
  if (batch)
    checkOptions(
      batch,
      { maxKeys: option.integer(2, 30_000), maxExtraRows: option.integer(0, 1000), windowMs: option.number(0, 1000) },
      'batch.',
    )
  const links = { expected: LINKS, accepts: arePrefetchLinks }
  if (prefetch) checkOptions(prefetch, { maxAgeMs: option.positive, links }, 'prefetch.')
  if (detection) checkOptions(detection, detectionRules, 'detection.')
  if (database) checkDatabaseOptions(database, 'database.')
  if (balancer) checkLoadBalancingOptions(balancer, 'balancer.')
  if (monitor) checkMonitoringOptions(monitor, 'monitor.')
  if (jobs) checkJobsOptions(jobs)
  if (shadow) checkOptions(shadow, { sample: option.number(0, 1) }, 'shadow.')
}
