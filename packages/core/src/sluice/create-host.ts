import type { ReadYourWritesTracker } from '../balancing/replicas/read-your-writes-tracker.ts'
import type { ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import type { CacheSetUp } from '../cache/cache-set-up.ts'
import type { Executor } from '../pipeline/executor.ts'
import { FirstReads } from '../pipeline/first-reads.ts'
import { GainTerms } from '../pipeline/gain.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import type { Recorder } from '../pipeline/recorder.ts'
import { StatementWatches } from '../pipeline/statement-watch.ts'
import { WaitingLookups } from '../pipeline/waiting-lookups.ts'
import type { Detector } from '../query/detect/detector.ts'
import type { Prefetcher } from '../query/prefetch/prefetcher.ts'
import { extendedTtlOf, storeOf } from './caching.ts'
import { type ChainParts, createChains, type Precautions } from './chains.ts'
import type { Engines } from './engines.ts'
import type { SluiceOptions } from './options.ts'
import { resultTtl } from './result-policies.ts'
import type { ScopeLifecycle } from './scope-lifecycle.ts'
import type { Services } from './services.ts'
import type { SluiceHost } from './sluice-host.ts'
import { createTraces } from './trace/create-traces.ts'

const DEFAULT_MAX_KEYS = 500
const DEFAULT_MAX_EXTRA_ROWS = 8
const DEFAULT_SCHEMA_CHECK_MS = 1_000

export interface HostParts {
  readonly options: SluiceOptions
  readonly services: Services
  readonly engines: Engines
  readonly lifecycle: ScopeLifecycle
  readonly caching: CacheSetUp | undefined
  readonly writes: ReadYourWritesTracker
  readonly replicas: ReplicaRouters
  readonly detector: Detector | undefined
  readonly prefetcher: Prefetcher | undefined
  readonly recorder: Recorder
  readonly executor: Executor
  readonly precautions: Precautions | undefined
  readonly isClosed: () => boolean
}

/** Joins the services that a Sluice offers to adapters. */
export function createHost(parts: HostParts): SluiceHost {
  const {
    options,
    services,
    engines,
    lifecycle,
    caching,
    writes,
    replicas,
    detector,
    prefetcher,
    recorder,
    executor,
  } = parts
  const { stats, scopes, catalogs, connections, loaders, events, log, clock, reportError, warn } = services
  const { workload } = engines
  const firstReads = new FirstReads(catalogs.first)
  const lookups = new WaitingLookups(firstReads.release)
  const batch = options.batch === false ? undefined : options.batch
  const chainParts: ChainParts = {
    options,
    executor,
    writes,
    lookups,
    firstReads,
    prefetcher,
    catalogs,
    scopes,
    stats,
    warn,
    cache: caching,
    precautions: parts.precautions,
    random: services.random,
    onDifference: (difference) => events.emit('shadowDifference', difference),
    onError: reportError,
  }
  const traces = createTraces(chainParts, clock, () => lifecycle.mode)
  const pipeline = new Pipeline({
    scopes,
    executor,
    stats,
    ...createChains(chainParts),
    // If lookups wait for others beyond their tick, any may be merged.
    gainTerms:
      (batch?.windowMs ?? 0) > 0 ? undefined : new GainTerms(() => clock.now(), resultTtl(options.cache)),
    mode: () => lifecycle.mode,
    variant: options.context,
    trace: traces,
    onError: reportError,
  })
  const watches = new StatementWatches(workload?.log, () => clock.now(), reportError)
  const store = storeOf(options)
  const routed = new Set<string>()
  let lastSource = 0
  return {
    scopes,
    recorder,
    stats,
    catalogs,
    connections,
    writes,
    lookups,
    reportError,
    warn,
    logger: log.logger,
    execute: pipeline.execute,
    skips: pipeline.skips,
    seen: (sql, dialect, analyzed) => {
      if (analyzed.statement.isOwn === true) return
      try {
        engines.queryLog.statement(sql, dialect, analyzed)
      } catch (error) {
        reportError(error)
      }
    },
    get watch() {
      return watches.current
    },
    watchStatements: (watch) => watches.add(watch),
    findingListeners: () => events.count('finding'),
    attachPool: (sourceId, read, resize) => {
      workload?.pools.attach(sourceId, read, resize)
      return () => workload?.pools.detach(sourceId)
    },
    poolWaited: (sourceId, ms, wasExhausted, count = 1) => {
      if (parts.isClosed()) return
      workload?.pools.waited(sourceId, ms, wasExhausted, count)
      engines.monitor?.recordRepeated('poolWait', wasExhausted ? ms : 0, sourceId, count)
    },
    attachLoader: (sourceId, loader) => loaders.attach(sourceId, loader),
    get derived() {
      return caching?.derived
    },
    pingStore: store && (() => store.ping()),
    differs: (difference) => events.emit('responseDifference', difference),
    routeReads: (client) => {
      const router = replicas.attach(client)
      if (router !== undefined) routed.add(client.sourceId)
      return router
    },
    isRouted: (sourceId) => routed.has(sourceId),
    extendedTtlMs: extendedTtlOf(options),
    now: () => clock.now(),
    mode: () => lifecycle.mode,
    isUniform: (options.rollout ?? 1) === 1 && options.context === undefined,
    latestWriteMs: store === undefined ? undefined : store.leaseMs / 2,
    schemaCheckMs: options.schemaCheckMs ?? DEFAULT_SCHEMA_CHECK_MS,
    maxKeys: batch?.maxKeys ?? DEFAULT_MAX_KEYS,
    maxExtraRows: batch?.maxExtraRows ?? DEFAULT_MAX_EXTRA_ROWS,
    // A trace contains what would be optimized.
    // Read for each statement.
    isOptimizing: () =>
      lifecycle.mode !== 'observe' || lifecycle.optimizing > 0 || traces.current !== undefined,
    trace: traces,
    transactionEnded: () => prefetcher?.discard(scopes.current()),
    nextSourceId: (orm) => {
      lastSource += 1
      return `${orm}${lastSource}`
    },
    get hasClient() {
      return lastSource > 0 || stats.seen > 0 || stats.statements > 0
    },
    findingsSoFar: (scope) => detector?.peek(scope),
  }
}
