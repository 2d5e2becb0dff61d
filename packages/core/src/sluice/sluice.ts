import type { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { ReadYourWritesTracker } from '../balancing/replicas/read-your-writes-tracker.ts'
import { ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import type { BalancingStrategy } from '../balancing/strategies/create-picker.ts'
import type { CacheSetUp } from '../cache/cache-set-up.ts'
import { newCounters, type TieredStats } from '../cache/cache-stats.ts'
import type { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import { LocalWrites } from '../cache/coherence/local-writes.ts'
import { TagTable } from '../cache/coherence/tag-table.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import type { DatabaseOptimizationEngine } from '../database/database-optimization-engine.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import type { TuningChange } from '../monitoring/report/advice.ts'
import { Executor } from '../pipeline/executor.ts'
import { Recorder } from '../pipeline/recorder.ts'
import type { Mode } from '../pipeline/scope.ts'
import { Detector } from '../query/detect/detector.ts'
import { onOutgoingRequest } from '../query/prefetch/outgoing-requests.ts'
import { Prefetcher } from '../query/prefetch/prefetcher.ts'
import type { QueryOptimizationEngine } from '../query/query-optimization-engine.ts'
import { SluiceError } from '../shared/errors.ts'
import { createCaching, maxStalenessOf, storeOf } from './caching.ts'
import type { Precautions } from './chains.ts'
import { createHost } from './create-host.ts'
import { Engines } from './engines.ts'
import type { SluiceEvents } from './events.ts'
import { invalidateTable, suspendCaching } from './external-writes.ts'
import { OpenInstances } from './open-instances.ts'
import { checkMode, checkSluiceOptions, copyOptions, type SluiceOptions } from './options.ts'
import { prepareCatalogs, type Readiness, type ReadyOptions } from './readiness.ts'
import { ScopeLifecycle } from './scope-lifecycle.ts'
import { checkFunction, type Explained, type RunOptions, type ScopeHandle } from './scopes.ts'
import { Services } from './services.ts'
import { setHost } from './sluice-host.ts'
import type { TuningOptions } from './tuning/tuning-options.ts'

const DEFAULT_MAX_AGE_MS = 1000
/** Options that are read when an engine is created. */
export interface LateSettings {
  maxBytes(): number
  strategy(): BalancingStrategy
  readonly precautions?: Precautions | undefined
}

/** One Sluice: the engines, and what joins them. Made by `createSluice`. */
export class Sluice {
  /** The routers of reads to replicas. */
  readonly replicas: ReplicaRouters

  readonly #options: SluiceOptions
  readonly #services: Services
  readonly #caching: CacheSetUp | undefined
  readonly #writes: ReadYourWritesTracker
  readonly #detector: Detector | undefined
  readonly #engines: Engines
  readonly #lifecycle: ScopeLifecycle
  readonly #closing = new Set<() => void>()
  #closed = false

  /** @throws InvalidOptionError that names the option, the expected value, and the given one. */
  constructor(options?: SluiceOptions)
  /**
   * @param late - For the process-wide Sluice; apps omit it.
   * @internal
   */
  constructor(options?: SluiceOptions, late?: LateSettings)
  constructor(initial: SluiceOptions = {}, late?: LateSettings) {
    checkSluiceOptions(initial)
    const options = copyOptions(initial)
    this.#options = options
    const services = new Services(options)
    this.#services = services
    const { scopes, stats, clock, random, warn, reportError } = services
    const detector = options.detection === false ? undefined : new Detector(options.detection, clock)
    const caching = createCaching(options, services, late?.maxBytes, (load) => this.replicas.loading(load))
    const sharesCached = storeOf(options) !== undefined
    const replicas = new ReplicaRouters({ scopes, clock, random, sharesCached, warn, onError: reportError })
    const writes = replicas.follow(caching?.writes ?? new LocalWrites(new TagTable(clock)))
    const recorder = new Recorder(clock, stats, detector?.traces, reportError)
    const executor = new Executor(recorder, reportError)
    this.replicas = replicas
    this.#detector = detector
    this.#caching = caching
    this.#writes = writes
    const prefetcher = this.#createPrefetcher(executor)
    const engines = new Engines({
      options,
      services,
      caching,
      detector,
      replicas,
      links: prefetcher?.links,
      strategy: late?.strategy,
      run: (fn, options) => this.run(fn, options),
    })
    this.#engines = engines
    const lifecycle = new ScopeLifecycle({ options, services, detector, prefetcher, engines })
    this.#lifecycle = lifecycle
    const host = createHost({
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
      precautions: late?.precautions,
      isClosed: () => this.#closed,
    })
    setHost(this, host)
    this.#closing.add(openSluices.add(this))
    this.#closing.add(() => host.trace.close())
    if (process.env.SLUICE_TRACE) void host.trace.writeTo(process.env.SLUICE_TRACE)
  }

  /** Observes queries, and advises on them. */
  get queries(): QueryOptimizationEngine {
    return this.#engines.queries
  }

  /** The in-process cache; `undefined` if caching is off. */
  get cache(): CachingStrategyEngine | undefined {
    return this.#caching?.engine
  }

  /** Caches values of the app with the same guarantees as query results; `undefined` if caching is off. */
  get tiered(): TieredCache | undefined {
    return this.#caching?.tiered
  }

  /**
   * Counters of requests for cached query results; `undefined` if caching is off. `tiered.getStats()` counts
   * the app's values.
   */
  getResultStats(): TieredStats | undefined {
    return this.#caching && { ...(this.#caching.used?.results ?? newCounters()) }
  }

  /** Records the query workload, and advises on the database; `undefined` if it is off. */
  get database(): DatabaseOptimizationEngine | undefined {
    return this.#engines.database
  }

  /** Selects one of the registered nodes; `undefined` if it is off. */
  get balancer(): LoadBalancingEngine | undefined {
    return this.#engines.balancer
  }

  /** Runs background tasks, each in a separate scope; `undefined` if it is off. */
  get jobs(): AsyncBatchProcessingEngine | undefined {
    return this.#engines.jobs
  }

  /** Metrics, alerts and forecasts; `undefined` if they are off. */
  get monitor(): MonitoringAndAutoScalingEngine | undefined {
    return this.#engines.monitor
  }

  /** Whether `close()` was called. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** How operations are treated now. Scopes keep the mode that they began with. */
  get mode(): Mode {
    return this.#lifecycle.mode
  }

  /** Whether detection is on. */
  get isDetecting(): boolean {
    return this.#detector !== undefined
  }

  /**
   * Changes the mode, for scopes that begin from now on and for what runs outside any scope.
   *
   * @throws InvalidOptionError for an unknown mode; SluiceError `SLUICE_CLOSED` after `close()`.
   */
  setMode(mode: Mode): void {
    this.#assertOpen()
    this.#lifecycle.mode = checkMode(mode)
  }

  /**
   * Runs `fn` in a new scope. Use it for work outside HTTP requests: jobs, scripts, tests. Queries are
   * batched within a scope and never across scopes.
   *
   * @throws The error of `fn`; NPlusOneError if it succeeded, `detection.mode` is `throw`, and there are
   *   findings; InvalidArgumentError, InvalidOptionError.
   */
  run<T>(fn: () => T | Promise<T>, options: RunOptions = {}): Promise<T> {
    return this.#lifecycle.run(fn, options, this.#closed)
  }

  /**
   * Opens a scope. The caller must end it.
   *
   * @param name - A function is called when the name is first needed, unless the handle's `name` was set
   * before.
   * @param options - `mode` as in `run`.
   * @throws InvalidOptionError for an unknown mode.
   */
  openScope(name: string | (() => string), options: Pick<RunOptions, 'mode'> = {}): ScopeHandle {
    return this.#lifecycle.open(name, options, this.#closed)
  }

  /**
   * Runs a function whose reads Sluice passes through: they are neither batched, prefetched nor served from
   * the cache. They count for the open scope, if there is one.
   */
  bypass<T>(fn: () => T | Promise<T>): Promise<T> {
    return this.#services.scopes.bypass(() => checkFunction(fn)())
  }

  /**
   * Runs a function. Its reads, and those of everything that it awaits, go to the primary instead of a
   * replica if they reach the database.
   */
  onPrimary<T>(fn: () => T | Promise<T>): Promise<T> {
    return this.replicas.onPrimary(() => checkFunction(fn)())
  }

  /**
   * Runs a function and explains each of its reads: how it was served, whether its result is cached, and why
   * not. For debugging: explained reads cost more, and belong to a separate scope named `explain`. In shadow
   * mode, it explains the optimized way.
   *
   * @param options - `mode` as in `run`.
   * @throws The error of the function.
   * @example
   * ```ts
   * const { reads } = await sluice.explain(() => db('cities').where({ id: 7 }).first())
   * ```
   */
  async explain<T>(fn: () => T | Promise<T>, options: Pick<RunOptions, 'mode'> = {}): Promise<Explained<T>> {
    return await this.#lifecycle.explain(fn, options, this.#closed)
  }

  /**
   * Reports an external write to a table, such as by a script, a migration or another program. Invalidates
   * the results of the table: in this process immediately, and with a shared store in all processes when the
   * promise resolves.
   *
   * @param table - Name of a model or table, or `schema.table`.
   * @param ids - Primary keys of the modified rows; omitted: any row. Each is a value, or an array of values
   *   for a composite key. Integers
   * and lowercase UUIDs identify rows; for any other value, all rows count as modified.
   * @returns Rejects with the error of the shared store; the other processes are then notified when it
   *   responds again.
   * @throws InvalidArgumentError, synchronously, if a catalog is known and does not contain the table.
   */
  invalidate(table: string, ids?: readonly unknown[]): Promise<void> {
    return invalidateTable(this.#writes, this.#services.catalogs, table, ids)
  }

  /**
   * Declares that external writes are not detected from now on. Until you call the returned function, nothing
   * is served from memory and nothing is cached; then all results are invalidated.
   */
  suspend(): () => void {
    return suspendCaching(this.#writes)
  }

  /**
   * Applies the report's advice automatically: only to settings with a range, within it, and one change at a
   * time. The effect of each change is measured after `checkMs`. A change that did not help is undone, and
   * its setting is left unchanged for `retryMs`. `tune({})` stops: a change that is not checked yet is
   * undone. A second call replaces the options of the first one; history and checks in progress continue.
   *
   * @throws InvalidOptionError; SluiceError `SLUICE_ENGINE_DISABLED` for a setting of an engine that is off;
   * `SLUICE_CLOSED` after `close()`.
   * @example
   * ```ts
   * const MB = 1_048_576
   * await sluice.tune({ cacheBytes: { min: 64 * MB, max: 512 * MB } })
   * ```
   */
  async tune(options: TuningOptions): Promise<void> {
    await this.#engines.tuning.tune(options)
  }

  /**
   * The last 100 changes that `tune` has made, with their expected and measured effects, the newest first.
   */
  getTuning(): readonly TuningChange[] {
    return this.#engines.tuning.changes
  }

  /**
   * Connects the instrumented clients and reads their schemas, so that the first requests are optimized, too.
   * Resolves immediately in mode `observe` and after `close()`; the result contains clients that failed.
   * @throws InvalidOptionError
   */
  ready(options: ReadyOptions = {}): Promise<Readiness> {
    return prepareCatalogs(this.#services.catalogs, options, this.#closing)
  }

  /**
   * Listens to an event; returns the function that stops it.
   *
   * @throws InvalidArgumentError.
   */
  on<K extends keyof SluiceEvents>(event: K, listener: (payload: SluiceEvents[K]) => void): () => void {
    return this.#services.events.on(event, listener)
  }

  /**
   * Stops all engines, releases running tasks, and writes the pending entries of write-behinds. Instrumented
   * clients continue without Sluice. A second call has no effect.
   *
   * @throws UnwrittenError if an entry could not be written; everything is stopped anyway.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#lifecycle.mode = 'observe'
    const enginesClosed = this.#engines.close()
    for (const callback of this.#closing) callback()
    this.#closing.clear()
    const { scopes, catalogs, loaders, connections, events } = this.#services
    scopes.close()
    const forgotten = catalogs.forgetAll()
    catalogs.clear()
    loaders.clear()
    connections.clear()
    this.replicas.close()
    try {
      await forgotten
      await enginesClosed
    } finally {
      try {
        await this.#caching?.close()
      } finally {
        events.clear()
      }
    }
  }

  #createPrefetcher(executor: Executor): Prefetcher | undefined {
    const { prefetch } = this.#options
    if (prefetch === false) return undefined
    const { stats, clock, catalogs, scopes } = this.#services
    const prefetcher: Prefetcher = new Prefetcher({
      executor,
      stats,
      clock,
      catalogs,
      writes: this.#writes,
      maxAgeMs: Math.min(prefetch?.maxAgeMs ?? DEFAULT_MAX_AGE_MS, maxStalenessOf(this.#options)),
      // Another service may write on behalf of the scope that calls it.
      onFirstUse: () => void this.#closing.add(onOutgoingRequest(() => prefetcher.discard(scopes.current()))),
    })
    return prefetcher
  }

  #assertOpen(): void {
    if (this.#closed)
      throw new SluiceError(
        'SLUICE_CLOSED',
        'This Sluice is closed. Create a new one, or close it after everything that uses it.',
      )
  }
}

/** Those that were created with this copy of the package. */
export const openSluices: OpenInstances<Sluice> = new OpenInstances()

/** A Sluice with all engines. */
export type CompleteSluice = Sluice & {
  readonly [Name in 'cache' | 'tiered' | 'database' | 'balancer' | 'jobs' | 'monitor']: NonNullable<
    Sluice[Name]
  >
}

/**
 * Creates a Sluice.
 *
 * @throws InvalidOptionError with the option, the expected and the received value.
 * @example
 * ```ts
 * import { createSluice } from '@sluice/core'
 *
 * const sluice = createSluice({ mode: 'observe' })
 * sluice.on('finding', (finding) => console.error(finding.scope, finding.label, finding.count))
 * ```
 */
export function createSluice(
  options?: SluiceOptions & {
    readonly [Name in 'cache' | 'database' | 'balancer' | 'jobs' | 'monitor']?: Exclude<
      SluiceOptions[Name],
      false
    >
  },
): CompleteSluice
export function createSluice(options: SluiceOptions): Sluice
export function createSluice(options: SluiceOptions = {}): Sluice {
  return new Sluice(options)
}
