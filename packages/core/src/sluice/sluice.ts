import { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { FloorWrites } from '../balancing/replicas/floor-writes.ts'
import { onPrimary, ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import { CacheSetUp } from '../cache/cache-set-up.ts'
import type { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import { LocalWrites } from '../cache/coherence/local-writes.ts'
import { TagTable } from '../cache/coherence/tag-table.ts'
import { setTag } from '../cache/coherence/tags.ts'
import { ReadBasis } from '../cache/derived/read-basis.ts'
import { QUERY_RESULTS } from '../cache/own-namespaces.ts'
import type { CacheStore } from '../cache/stores/cache-store.ts'
import type { TieredCache } from '../cache/tiered-cache.ts'
import { DatabaseOptimizationEngine, poolsOf, watchOf } from '../database/database-optimization-engine.ts'
import { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import { ScopeMeter } from '../monitoring/scopes/scope-meter.ts'
import { Executor } from '../pipeline/executor.ts'
import type { ReadNote } from '../pipeline/explanation.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { QueryStats } from '../pipeline/query-stats.ts'
import { Recorder } from '../pipeline/recorder.ts'
import { type Mode, Scope, ScopeStorage } from '../pipeline/scope.ts'
import { StatementWatches } from '../pipeline/statement-watches.ts'
import { Detector } from '../query/detect/detector.ts'
import type { Finding } from '../query/detect/finding.ts'
import { RowLoaders } from '../query/eager/row-loaders.ts'
import { LookupGroups } from '../query/lookup-groups.ts'
import { onOutgoingRequest } from '../query/prefetch/outgoing-requests.ts'
import { Prefetcher } from '../query/prefetch/prefetcher.ts'
import { QueryOptimizationEngine, showScope, showStatement } from '../query/query-optimization-engine.ts'
import { EVERYTHING } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import { CatalogRegistry } from '../schema/catalog-registry.ts'
import { ConnectionRegistry } from '../schema/connection-registry.ts'
import { systemClock } from '../shared/clock.ts'
import { Emitter } from '../shared/emitter.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { type AdapterHost, setHost } from './adapter-host.ts'
import { createChains } from './chains.ts'
import type { SluiceEvents } from './events.ts'
import { tuningFacts } from './facts.ts'
import { addSluiceFeeds } from './feeds.ts'
import { SluiceLog } from './log.ts'
import { checkMode, checkSluiceOptions, type SluiceOptions } from './options.ts'
import { resultTtl } from './result-policies.ts'
import { type Explained, OpenScope, type OpenScopeParts, type RunOptions, type ScopeHandle, type ScopeReport } from './scopes.ts'

const DEFAULT_MAX_KEYS = 500
const DEFAULT_MAX_EXTRA_ROWS = 8
const DEFAULT_MAX_STALENESS_MS = 1_000
const DEFAULT_MAX_AGE_MS = 1000

let closedIn: (sluice: Sluice) => boolean
let connectionsIn: (sluice: Sluice) => ConnectionRegistry

/** Whether a Sluice was closed. It is to be one of this copy of the package. */
export function isClosed(sluice: Sluice): boolean {
  return closedIn(sluice)
}

/** The connections of the clients that are attached to a Sluice. */
export function connectionsOf(sluice: Sluice): ConnectionRegistry {
  return connectionsIn(sluice)
}

/** One Sluice: the engines, and what joins them. Made by `createSluice`. */
export class Sluice {
  readonly queries: QueryOptimizationEngine
  /** The in-process cache; `undefined` when it is switched off. */
  readonly cache: CachingStrategyEngine | undefined
  /** The app's own values, kept by the same promise as query results; `undefined` when caching is switched off. */
  readonly tiered: TieredCache | undefined
  /** What the app asks its database, and what to change there; `undefined` when it is switched off. */
  readonly database: DatabaseOptimizationEngine | undefined
  /** Chooses among the nodes that are registered with it; `undefined` when it is switched off. */
  readonly balancer: LoadBalancingEngine | undefined
  /** Work that is done beside requests; each task in a scope of its own. `undefined` when it is switched off. */
  readonly jobs: AsyncBatchProcessingEngine | undefined
  /** Metrics, alerts and forecasts; `undefined` when they are switched off. */
  readonly monitor: MonitoringAndAutoScalingEngine | undefined
  /** Where the reads of clients with replicas go. */
  readonly replicas: ReplicaRouters

  readonly #options: SluiceOptions
  readonly #clock
  readonly #random
  readonly #events: Emitter<SluiceEvents>
  readonly #scopes = new ScopeStorage()
  readonly #scopeParts: OpenScopeParts = {
    enter: (scope, fn) => this.#scopes.enter(scope, fn),
    end: (scope) => this.#endScope(scope),
    throwsFindings: () => this.#throwsFindings,
  }
  readonly #stats = new QueryStats()
  readonly #catalogs = new CatalogRegistry()
  readonly #caching: CacheSetUp | undefined
  readonly #writes: FloorWrites
  readonly #detector: Detector | undefined
  readonly #scopeMeter: ScopeMeter | undefined
  readonly #closing = new Set<() => void>()
  readonly #log: SluiceLog
  readonly #loaders = new RowLoaders()
  readonly #connections = new ConnectionRegistry()
  readonly #groups: LookupGroups
  readonly #prefetcher: Prefetcher | undefined
  static {
    closedIn = (sluice) => sluice.#closed
    connectionsIn = (sluice) => sluice.#connections
  }

  #mode: Mode
  #optimizingScopes = 0
  #closed = false

  constructor(options: SluiceOptions = {}) {
    checkSluiceOptions(options)
    this.#options = options
    const fromEnvironment = process.env.SLUICE_MODE
    this.#mode = options.mode ?? (fromEnvironment ? checkMode(fromEnvironment, 'SLUICE_MODE') : 'observe')
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
    this.#events = new Emitter((error) => this.#reportListenerError(error))
    this.#log = new SluiceLog(options.logger, () => {
      this.#stats.errors += 1
    })
    if (options.logger !== undefined) this.#events.on('finding', (finding) => this.#log.finding(finding))
    this.#detector = options.detection === false ? undefined : new Detector(options.detection)
    this.#caching = this.#createCaching()
    this.replicas = this.#createReplicas()
    this.#writes = this.replicas.follow(this.#caching?.writes ?? new LocalWrites(new TagTable(this.#clock)))
    this.cache = this.#caching?.engine
    this.tiered = this.#caching?.tiered
    const recorder = new Recorder(this.#clock, this.#stats)
    const executor = new Executor(recorder, (error) => this.#reportError(error))
    this.#groups = new LookupGroups(options.context)
    this.#prefetcher = this.#createPrefetcher(executor)
    this.queries = this.#createQueries()
    this.database = this.#createDatabase()
    this.balancer = this.#createBalancer()
    this.jobs = this.#createJobs()
    this.monitor = this.#createMonitor()
    this.#scopeMeter = this.monitor && this.#meterScopes(this.monitor)
    setHost(this, this.#createHost(recorder, executor))
  }

  /** How operations are treated now. Scopes keep the mode that they began with. */
  get mode(): Mode {
    return this.#mode
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
    this.#mode = checkMode(mode)
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
    return this.#openScope(name, options, undefined)
  }

  #openScope(name: string, options: Pick<RunOptions, 'mode'>, notes: ReadNote[] | undefined): ScopeHandle {
    const mode = options.mode === undefined || this.#closed ? this.#modeOfNextScope() : checkMode(options.mode)
    const scope = new Scope(name, mode, this.#clock.now())
    scope.notes = notes
    const parent = this.#scopes.current()
    scope.basis = parent?.basis
    // What outlives a request is not a part of it.
    if (parent?.ended === false) scope.requestId = parent.requestId
    this.#scopes.opened(scope)
    if (mode !== 'observe') this.#optimizingScopes += 1
    return new OpenScope(scope, this.#scopeParts)
  }

  /**
   * Runs a function whose reads are sent to the database as they are: neither merged nor asked ahead nor answered from the cache.
   * They count to the scope that is open, if there is one.
   */
  bypass<T>(fn: () => T | Promise<T>): Promise<T> {
    return this.#scopes.bypass(fn)
  }

  /** Runs a function whose reads, where they are sent to the database, are sent to the primary and to no replica, and what it awaits. */
  onPrimary<T>(fn: () => T | Promise<T>): Promise<T> {
    return onPrimary(fn)
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
    const scope = this.#openScope('explain', options, notes)
    try {
      // Prisma's promises are lazy: they must be awaited inside.
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
    // What the catalogue that is being read knows is not found.
    const tables = this.#catalogs.isReading() ? new Set<TableId>() : this.#catalogs.resolve(table)
    if (tables.size === 0 && this.#catalogs.isKnown() && !this.#catalogs.isReading()) {
      throw new InvalidArgumentError('table', 'the name of a model or table that a catalogue knows', table)
    }
    const effect = ids === undefined ? { tables, everything: false } : this.#catalogs.effectOnRows(tables, ids)
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
    return this.#once(() => {
      intent.end('committed')
      // What others keep may be from meanwhile, too; it is tried again until they are told.
      this.#writes.invalidate(EVERYTHING).catch(() => {})
    })
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof SluiceEvents>(event: K, listener: (payload: SluiceEvents[K]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /**
   * Stops everything, gives tasks back that run, and writes what a write-behind has not written yet. Instrumented clients go on as if bare. A second call does nothing.
   *
   * @throws UnwrittenError when something could not be written; everything is stopped all the same.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const jobsClosed = this.jobs?.close()
    this.#mode = 'observe'
    for (const callback of this.#closing) callback()
    this.#closing.clear()
    this.#catalogs.clear()
    this.#loaders.clear()
    this.#connections.clear()
    this.database?.close()
    this.balancer?.close()
    this.monitor?.close()
    this.replicas.close()
    try {
      await jobsClosed
    } finally {
      try {
        await this.#caching?.close()
      } finally {
        this.#events.clear()
      }
    }
  }

  get #throwsFindings(): boolean {
    const { detection } = this.#options
    return detection !== undefined && detection !== false && detection.mode === 'throw'
  }

  #modeOfNextScope(): Mode {
    const { rollout } = this.#options
    return this.#mode === 'observe' || rollout === undefined || this.#random() < rollout ? this.#mode : 'observe'
  }

  #assertOpen(): void {
    if (this.#closed) throw new SluiceError('SLUICE_CLOSED', 'This Sluice was closed.')
  }

  #endScope(scope: Scope): ScopeReport {
    scope.ended = true
    scope.basis = undefined
    this.#prefetcher?.end(scope)
    if (scope.mode !== 'observe') this.#optimizingScopes -= 1
    if (!scope.isOwn) showScope(this.queries, scope)
    const findings = scope.isOwn ? [] : this.#inspect(scope)
    const { name, mode, counts, startedAt, statusCode, failed, requestId } = scope
    const { operations, queries, merged, prefetched, answered, databaseMs } = counts
    const durationMs = this.#clock.now() - startedAt
    // No spread: an object that grows after it was made costs several times as much, and each request makes one.
    const report: ScopeReport = {
      operations,
      queries,
      merged,
      prefetched,
      answered,
      databaseMs,
      name,
      mode,
      durationMs,
      statusCode,
      failed,
      requestId,
      findings,
    }
    if (!scope.isOwn) {
      this.#scopeMeter?.ended(name, durationMs, queries, databaseMs, statusCode, failed, requestId)
      for (const finding of findings) this.#events.emit('finding', finding)
      this.#events.emit('scope', report)
    }
    this.#tellEnd(scope)
    return report
  }

  #tellEnd(scope: Scope): void {
    try {
      this.#scopes.closed(scope)
    } catch (error) {
      this.#reportError(error)
    }
  }

  #inspect(scope: Scope): readonly Finding[] {
    try {
      return this.#detector?.inspect(scope) ?? []
    } catch (error) {
      this.#reportError(error)
      return []
    }
  }

  #once<T>(make: () => T): () => T {
    let made: { readonly value: T } | undefined
    return () => {
      made ??= { value: make() }
      return made.value
    }
  }

  #createMonitor(): MonitoringAndAutoScalingEngine | undefined {
    const { monitor } = this.#options
    if (monitor === false) return undefined
    const engine = new MonitoringAndAutoScalingEngine(monitor, {
      clock: this.#clock,
      onError: (error) => this.#reportListenerError(error),
      facts: () => tuningFacts(this.cache, this.jobs),
      beforeTurn: () => this.#scopeMeter?.tick(),
    })
    if (this.#options.logger !== undefined) engine.on('alert', ({ alert, change }) => this.#log.alert(alert, change))
    return engine
  }

  #meterScopes(monitor: MonitoringAndAutoScalingEngine): ScopeMeter {
    const scopes = new ScopeMeter({
      meter: (metric, source) => monitor.meter(metric, source),
      now: () => this.#clock.now(),
      wall: () => this.#clock.wall(),
    })
    const { replicas, database, cache, tiered, balancer, jobs } = this
    addSluiceFeeds(monitor, { stats: this.#stats, scopes, replicas, database, cache, tiered, balancer, jobs })
    return scopes
  }

  #createQueries(): QueryOptimizationEngine {
    const { detection } = this.#options
    const { cache } = this
    const threshold = detection === false ? undefined : detection?.threshold
    return new QueryOptimizationEngine(
      { clock: this.#clock, ...(threshold === undefined ? {} : { threshold }) },
      {
        stats: this.#stats,
        detector: this.#detector,
        links: this.#prefetcher?.links,
        loaders: this.#loaders,
        results: cache && {
          get: (query) => cache.get<readonly unknown[]>(QUERY_RESULTS, query),
          set: (query, rows, ttl) => void cache.set(QUERY_RESULTS, query, rows, ttl),
        },
        catalog: (dialect) => this.#catalogs.catalog(dialect),
        scope: () => this.#scopes.current(),
      },
    )
  }

  #createDatabase(): DatabaseOptimizationEngine | undefined {
    const { database } = this.#options
    if (database === false) return undefined
    return new DatabaseOptimizationEngine(database, {
      clock: this.#clock,
      random: this.#random,
      onError: (error) => this.#reportError(error),
      dialect: () => this.#loaders.first()?.dialect,
      connection: () => this.#connections.first(),
      onFullScan: (analysis) => this.#events.emit('fullScan', analysis),
    })
  }

  #createBalancer(): LoadBalancingEngine | undefined {
    const { balancer } = this.#options
    if (balancer === false) return undefined
    return new LoadBalancingEngine(balancer, {
      clock: this.#clock,
      random: this.#random,
      onError: (error) => this.#reportListenerError(error),
    })
  }

  #createJobs(): AsyncBatchProcessingEngine | undefined {
    const { jobs } = this.#options
    if (jobs === false) return undefined
    return new AsyncBatchProcessingEngine(jobs, {
      clock: this.#clock,
      random: this.#random,
      onError: (error) => this.#reportListenerError(error),
      scoped: (queue, fn) => this.run(fn, { name: `job ${queue}` }),
    })
  }

  #createReplicas(): ReplicaRouters {
    return new ReplicaRouters({
      scopes: this.#scopes,
      clock: this.#clock,
      random: this.#random,
      sharesKept: this.#store !== undefined,
      warn: (message) => this.#log.warn(message),
      onError: (error) => this.#reportError(error),
    })
  }

  #createHost(recorder: Recorder, executor: Executor): AdapterHost {
    const pipeline = new Pipeline({
      scopes: this.#scopes,
      executor,
      stats: this.#stats,
      chains: createChains({
        options: this.#options,
        executor,
        cache: this.#caching,
        writes: this.#writes,
        prefetcher: this.#prefetcher,
        groups: this.#groups,
        catalogs: this.#catalogs,
        scopes: this.#scopes,
        stats: this.#stats,
        random: this.#random,
        warn: (message) => this.#log.warn(message),
        onDifference: (difference) => this.#events.emit('shadowDifference', difference),
        onError: (error) => this.#reportError(error),
      }),
      mode: () => this.#mode,
      onError: (error) => this.#reportError(error),
    })
    const { batch } = this.#options
    const store = this.#store
    let lastSource = 0
    const watches = new StatementWatches(
      this.database && watchOf(this.database),
      () => this.#clock.now(),
      (error) => this.#reportError(error),
    )
    return {
      execute: (operation) => pipeline.execute(operation),
      scopes: this.#scopes,
      recorder,
      stats: this.#stats,
      catalogs: this.#catalogs,
      seen: (sql, dialect, analyzed) => {
        if (analyzed.statement.isOwn === true) return
        try {
          showStatement(this.queries, sql, dialect, analyzed)
        } catch (error) {
          this.#reportError(error)
        }
      },
      get watch() {
        return watches.current
      },
      watchStatements: (watch) => watches.add(watch),
      connections: this.#connections,
      attachPool: (sourceId, read) => this.database?.attachPool(sourceId, read) ?? (() => {}),
      poolWaited: (sourceId, ms, wasExhausted) => {
        if (this.#closed) return
        if (this.database !== undefined) poolsOf(this.database).waited(sourceId, ms)
        this.monitor?.recordMetric('poolWait', wasExhausted ? ms : 0, sourceId)
      },
      attachLoader: (sourceId, loader) => this.#loaders.attach(sourceId, loader),
      writes: this.#writes,
      derived: this.#caching?.derived,
      pingStore: store && (() => store.ping()),
      differs: (difference) => this.#events.emit('responseDifference', difference),
      routeReads: (client) => this.replicas.attach(client),
      now: () => this.#clock.now(),
      mode: () => this.#mode,
      latestWriteMs: this.#store === undefined ? undefined : this.#store.leaseMs / 2,
      maxKeys: (batch === false ? undefined : batch?.maxKeys) ?? DEFAULT_MAX_KEYS,
      maxExtraRows: (batch === false ? undefined : batch?.maxExtraRows) ?? DEFAULT_MAX_EXTRA_ROWS,
      isOptimizing: () => this.#mode !== 'observe' || this.#optimizingScopes > 0,
      transactionEnded: () => this.#prefetcher?.discard(this.#scopes.current()),
      nextSourceId: (orm) => {
        lastSource += 1
        return `${orm}${lastSource}`
      },
      findingsSoFar: (scope) => this.#detector?.peek(scope),
      reportError: (error) => this.#reportError(error),
      warn: (message) => this.#log.warn(message),
      logger: this.#options.logger,
    }
  }

  /** How old an answer may be by what other processes write. */
  get #maxStalenessMs(): number {
    const { cache } = this.#options
    return cache === false || cache?.store === undefined ? Number.POSITIVE_INFINITY : (cache.maxStalenessMs ?? DEFAULT_MAX_STALENESS_MS)
  }

  get #store(): CacheStore | undefined {
    const { cache } = this.#options
    return cache === false ? undefined : cache?.store
  }

  #createCaching(): CacheSetUp | undefined {
    const { cache = {} } = this.#options
    if (cache === false) return undefined
    const consistency = cache.consistency ?? 'bounded'
    return new CacheSetUp({
      maxBytes: cache.maxBytes,
      policy: cache.policy,
      store: cache.store,
      consistency,
      maxStalenessMs: cache.maxStalenessMs ?? DEFAULT_MAX_STALENESS_MS,
      onInvalidationFailure: cache.onInvalidationFailure ?? (consistency === 'strict' ? 'reject-write' : 'proceed'),
      tiered: cache.tiered ?? {},
      ttl: resultTtl(cache),
      context: this.#options.context ?? noContext,
      basis: () => {
        const basis = this.#scopes.current()?.basis
        return basis instanceof ReadBasis ? basis : undefined
      },
      clock: this.#clock,
      random: this.#random,
      tagsOf: (names) => {
        const isKnown = this.#catalogs.isKnown() && !this.#catalogs.isReading()
        return isKnown ? names.flatMap((name) => this.#tagsOf(name)) : undefined
      },
      onError: (error) => this.#reportError(error),
    })
  }

  /** The tags of a model or table. */
  #tagsOf(name: string): readonly string[] {
    const tables = this.#catalogs.resolve(name)
    if (tables.size === 0) throw new InvalidArgumentError('tables', 'names of models or tables that a catalogue knows', name)
    return [...tables].map(setTag)
  }

  #createPrefetcher(executor: Executor): Prefetcher | undefined {
    const { prefetch } = this.#options
    if (prefetch === false) return undefined
    const prefetcher: Prefetcher = new Prefetcher({
      executor,
      stats: this.#stats,
      clock: this.#clock,
      writes: this.#writes,
      catalogs: this.#catalogs,
      maxAgeMs: Math.min(prefetch?.maxAgeMs ?? DEFAULT_MAX_AGE_MS, this.#maxStalenessMs),
      groups: this.#groups,
      // Another service may write in the name of the scope that asks it.
      onFirstUse: () => void this.#closing.add(onOutgoingRequest(() => prefetcher.discard(this.#scopes.current()))),
    })
    if (prefetch?.links !== undefined) prefetcher.links.restore(prefetch.links)
    return prefetcher
  }

  #reportError(error: unknown): void {
    this.#stats.errors += 1
    this.#log.error(error)
    this.#events.emit('error', error)
  }

  #reportListenerError(error: unknown): void {
    this.#stats.errors += 1
    this.#log.warnAgain(`A listener of a Sluice event threw: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function noContext(): string {
  return ''
}

/** Prisma's promises are lazy: they must be awaited inside. A plain one is under way. */
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
