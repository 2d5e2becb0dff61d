import type { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { FloorWrites } from '../balancing/replicas/floor-writes.ts'
import { ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import type { BalancingStrategy } from '../balancing/strategies/create-picker.ts'
import type { CacheSetUp } from '../cache/cache-set-up.ts'
import type { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import { LocalWrites } from '../cache/coherence/local-writes.ts'
import { TagTable } from '../cache/coherence/tag-table.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import type { DatabaseOptimizationEngine } from '../database/database-optimization-engine.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import type { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import { Executor } from '../pipeline/executor.ts'
import type { ReadNote } from '../pipeline/explanation.ts'
import { Recorder } from '../pipeline/recorder.ts'
import type { Mode } from '../pipeline/scope.ts'
import { Detector } from '../query/detect/detector.ts'
import { onOutgoingRequest } from '../query/prefetch/outgoing-requests.ts'
import { Prefetcher } from '../query/prefetch/prefetcher.ts'
import type { QueryOptimizationEngine } from '../query/query-optimization-engine.ts'
import { EVERYTHING } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { setHost } from './adapter-host.ts'
import { createCaching, maxStalenessOf, storeOf } from './caching.ts'
import { createHost } from './create-host.ts'
import { Engines } from './engines.ts'
import type { SluiceEvents } from './events.ts'
import { checkMode, checkSluiceOptions, type SluiceOptions } from './options.ts'
import { ScopeLifecycle } from './scope-lifecycle.ts'
import type { Explained, RunOptions, ScopeHandle } from './scopes.ts'
import { Services } from './services.ts'

const DEFAULT_MAX_AGE_MS = 1000
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

/** Options that are read when an engine is created. */
export interface LateOptions {
  maxBytes(): number
  strategy(): BalancingStrategy
}

/** One Sluice: the engines, and what joins them. Made by `createSluice`. */
export class Sluice {
  /** The routers of reads to replicas. */
  readonly replicas: ReplicaRouters

  readonly #options: SluiceOptions
  readonly #services: Services
  readonly #caching: CacheSetUp | undefined
  readonly #writes: FloorWrites
  readonly #detector: Detector | undefined
  readonly #engines: Engines
  readonly #lifecycle: ScopeLifecycle
  readonly #closing = new Set<() => void>()
  #closed = false

  /** @throws InvalidOptionError that names the option, the expected value, and the given one. */
  constructor(options?: SluiceOptions)
  /**
   * @param late - For the process-wide Sluice; apps leave it out.
   * @internal
   */
  constructor(options?: SluiceOptions, late?: LateOptions)
  constructor(given: SluiceOptions = {}, late?: LateOptions) {
    checkSluiceOptions(given)
    const options = copied(given)
    this.#options = options
    const services = new Services(options)
    this.#services = services
    const { scopes, stats, clock, random, warn, reportError } = services
    const detector = options.detection === false ? undefined : new Detector(options.detection, clock)
    const caching = createCaching(options, services, late?.maxBytes, (load) => this.replicas.loading(load))
    const sharesKept = storeOf(options) !== undefined
    const replicas = new ReplicaRouters({ scopes, clock, random, sharesKept, warn, onError: reportError })
    const writes = replicas.follow(caching?.writes ?? new LocalWrites(new TagTable(clock)))
    const recorder = new Recorder(clock, stats, detector?.traces)
    const executor = new Executor(recorder, reportError)
    this.replicas = replicas
    this.#detector = detector
    this.#caching = caching
    this.#writes = writes
    const prefetcher = this.#createPrefetcher(executor)
    const engines = new Engines({
      ...{ options, services, caching, detector, replicas },
      links: prefetcher?.links,
      strategy: late?.strategy,
      run: (fn, options) => this.run(fn, options),
    })
    this.#engines = engines
    const lifecycle = new ScopeLifecycle({ options, services, detector, prefetcher, engines })
    this.#lifecycle = lifecycle
    const host = createHost({
      ...{ options, services, engines, lifecycle, caching, writes, replicas, detector, prefetcher, recorder, executor },
      isClosed: () => this.#closed,
    })
    setHost(this, host)
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

  /** Whether it looks for N+1s and the like. */
  get detects(): boolean {
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
   * Runs a function in a scope of its own: a job, a script, a test; whatever is no HTTP request.
   * Queries are merged within a scope and never across.
   *
   * @throws Whatever the function throws; NPlusOneError where it succeeded, detection's mode is `throw`, and there are findings.
   */
  async run<T>(fn: () => T | Promise<T>, options: RunOptions = {}): Promise<T> {
    const scope = this.openScope(options.name ?? 'run', options)
    let result: T
    try {
      result = await scope.enter(() => begun(fn()))
    } catch (error) {
      scope.failed = true
      try {
        scope.end()
      } catch {
        // What the function failed with says more.
      }
      throw error
    }
    scope.end()
    return result
  }

  /**
   * Opens a scope whose end somebody else will tell.
   *
   * @param options - `mode` as in `run`.
   * @throws InvalidOptionError for an unknown mode.
   */
  openScope(name: string, options: Pick<RunOptions, 'mode'> = {}): ScopeHandle {
    return this.#lifecycle.open(name, options, this.#closed)
  }

  /**
   * Runs a function whose reads are sent to the database as they are: neither merged nor asked ahead nor answered from the cache.
   * They count to the scope that is open, if there is one.
   */
  bypass<T>(fn: () => T | Promise<T>): Promise<T> {
    return this.#services.scopes.bypass(fn)
  }

  /** Runs a function whose reads, where they are sent to the database, are sent to the primary and to no replica, and what it awaits. */
  onPrimary<T>(fn: () => T | Promise<T>): Promise<T> {
    return this.replicas.onPrimary(fn)
  }

  /**
   * Runs a function and tells what became of each read in it: what it was answered by, whether its result is kept, and why not.
   * For people: what is explained costs more, and belongs to a scope of its own, named `explain`. In shadow mode it tells of the optimised way.
   *
   * @param options - `mode` as in `run`.
   * @throws Whatever the function throws.
   * @example
   * ```ts
   * const { reads } = await sluice.explain(() => db('cities').where({ id: 7 }).first())
   * ```
   */
  async explain<T>(fn: () => T | Promise<T>, options: Pick<RunOptions, 'mode'> = {}): Promise<Explained<T>> {
    const notes: ReadNote[] = []
    const scope = this.#lifecycle.open('explain', options, this.#closed, notes)
    try {
      // An ORM's promises may be lazy: they must be awaited inside.
      const result = await scope.enter(async () => await fn())
      return { result, reads: notes.map((note) => note.explanation()) }
    } finally {
      try {
        scope.end()
      } catch {
        // What was found is no matter of an explanation.
      }
    }
  }

  /**
   * Says that somebody else wrote to a table: a script, a migration, another program. What came from the table is asked anew, by this
   * process at once, and with a shared store by all when the promise is fulfilled.
   *
   * @param table - A model's or a table's name, or `schema.table`.
   * @param ids - The primary keys of the rows that were written; left out, any. A value each, or an array of values for a key of several
   * columns. Integers and UUIDs in lower case tell rows apart; with others any row counts as written.
   * @returns Rejects with what the shared store failed with; other processes are then told as soon as it answers.
   * @throws InvalidArgumentError, at once, when a catalogue is known and has no such table.
   */
  invalidate(table: string, ids?: readonly unknown[]): Promise<void> {
    if (typeof table !== 'string' || table === '') throw new InvalidArgumentError('table', 'the name of a model or table', table)
    if (ids !== undefined && !Array.isArray(ids)) throw new InvalidArgumentError('ids', 'an array of primary keys', ids)
    const { catalogs } = this.#services
    // What the catalogue that is being read knows is not found.
    const tables = catalogs.isReading() ? new Set<TableId>() : catalogs.resolve(table)
    if (tables.size === 0 && catalogs.isKnown() && !catalogs.isReading()) {
      throw new InvalidArgumentError('table', 'the name of a model or table that a catalogue knows', table)
    }
    const effect = ids === undefined ? { tables, everything: false } : catalogs.effectOnRows(tables, ids)
    const told = this.#writes.invalidate(tables.size === 0 ? EVERYTHING : effect)
    // Who does not wait for it does not want to fail by it; it is tried again until it succeeds.
    told.catch(() => {})
    return told
  }

  /**
   * Says that others' writes are not seen from now on. Until the returned function is called, nothing is answered from memory and nothing is
   * kept; then everything is asked anew.
   */
  suspend(): () => void {
    const intent = this.#writes.begin(EVERYTHING)
    return once(() => {
      intent.end('committed')
      // What others keep may be from meanwhile, too; it is tried again until they are told.
      this.#writes.invalidate(EVERYTHING).catch(() => {})
    })
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof SluiceEvents>(event: K, listener: (payload: SluiceEvents[K]) => void): () => void {
    return this.#services.events.on(event, listener)
  }

  /**
   * Stops everything, gives tasks back that run, and writes what a write-behind has not written yet. Instrumented clients go on as if bare. A second call does nothing.
   *
   * @throws UnwrittenError when something could not be written; everything is stopped all the same.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#lifecycle.mode = 'observe'
    const enginesClosed = this.#engines.close()
    for (const callback of this.#closing) callback()
    this.#closing.clear()
    const { catalogs, loaders, connections, events } = this.#services
    catalogs.clear()
    loaders.clear()
    connections.clear()
    this.replicas.close()
    try {
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
      ...{ executor, stats, clock, catalogs, writes: this.#writes },
      maxAgeMs: Math.min(prefetch?.maxAgeMs ?? DEFAULT_MAX_AGE_MS, maxStalenessOf(this.#options)),
      // Another service may write on behalf of the scope that calls it.
      onFirstUse: () => void this.#closing.add(onOutgoingRequest(() => prefetcher.discard(scopes.current()))),
    })
    if (prefetch?.links !== undefined) prefetcher.links.restore(prefetch.links)
    return prefetcher
  }

  #assertOpen(): void {
    if (this.#closed) throw new SluiceError('SLUICE_CLOSED', 'This Sluice was closed.')
  }
}

/** Later changes to the app's object have no effect: engines read their options when they are created. */
function copied(options: SluiceOptions): SluiceOptions {
  const groups = Object.entries(options).map(([name, value]) => [name, GROUPS.has(name) && value ? { ...(value as object) } : value])
  return Object.fromEntries(groups) as SluiceOptions
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** An ORM's promises may be lazy: they must be awaited inside. A plain promise is already running. */
function begun<T>(made: T | Promise<T>): T | Promise<T> {
  const isPlain = typeof made !== 'object' || made === null || (made instanceof Promise && made.constructor === Promise)
  return isPlain ? made : Promise.resolve(made)
}

/**
 * Makes a Sluice.
 *
 * @throws InvalidOptionError that names the option, what was expected, and what came.
 * @example
 * ```ts
 * import { createSluice } from '@sluice/core'
 *
 * const sluice = createSluice({ mode: 'observe' })
 * sluice.on('finding', (finding) => console.error(finding.scope, finding.label, finding.count))
 * ```
 */
export function createSluice(options: SluiceOptions = {}): Sluice {
  return new Sluice(options)
}
