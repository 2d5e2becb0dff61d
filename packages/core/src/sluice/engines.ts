import { LoadBalancingEngine } from '../balancing/load-balancing-engine.ts'
import type { ReplicaRouters } from '../balancing/replicas/replica-routers.ts'
import type { BalancingStrategy } from '../balancing/strategies/create-picker.ts'
import type { CacheSetUp } from '../cache/cache-set-up.ts'
import { QUERY_RESULTS } from '../cache/namespace-table.ts'
import { DatabaseOptimizationEngine } from '../database/database-optimization-engine.ts'
import { WorkloadRecorder } from '../database/workload-recorder.ts'
import { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import { MonitoringAndAutoScalingEngine } from '../monitoring/monitoring-and-auto-scaling-engine.ts'
import { ScopeMeter } from '../monitoring/scopes/scope-meter.ts'
import type { Detector } from '../query/detect/detector.ts'
import type { Links } from '../query/prefetch/link.ts'
import { QueryLog } from '../query/query-log.ts'
import { QueryOptimizationEngine } from '../query/query-optimization-engine.ts'
import { storeOf } from './caching.ts'
import { addSluiceFeeds } from './feeds.ts'
import type { SluiceOptions } from './options.ts'
import type { RunOptions } from './scopes.ts'
import type { Services } from './services.ts'
import { Tuning } from './tuning/tuning.ts'
import { tuningFacts } from './tuning/tuning-facts.ts'

export interface EnginesParts {
  readonly options: SluiceOptions
  readonly services: Services
  readonly caching: CacheSetUp | undefined
  readonly detector: Detector | undefined
  readonly links: Links | undefined
  readonly replicas: ReplicaRouters
  /** Called when the balancer is created. Default: the strategy of the options. */
  readonly strategy: (() => BalancingStrategy) | undefined
  readonly run: <T>(fn: () => T | Promise<T>, options: RunOptions) => Promise<T>
}

/**
 * The engines of one Sluice. Each is created when it is first used; until then, recorders collect the data
 * that it analyzes. An engine that is created after `close()` is closed from the start.
 */
export class Engines {
  /** `undefined` if the option `database` is `false`. */
  readonly workload: WorkloadRecorder | undefined
  /** `undefined` if the option `monitor` is `false`. */
  readonly scopeMeter: ScopeMeter | undefined
  readonly tuning: Tuning
  #queryLog: QueryLog | undefined
  #queries: QueryOptimizationEngine | undefined
  #database: DatabaseOptimizationEngine | undefined
  #balancer: LoadBalancingEngine | undefined
  #jobs: AsyncBatchProcessingEngine | undefined
  #monitor: MonitoringAndAutoScalingEngine | undefined
  #isClosed = false

  constructor(private readonly parts: EnginesParts) {
    const { clock, random, reportError } = parts.services
    const { database = {}, monitor = {} } = parts.options
    this.workload =
      database === false ? undefined : new WorkloadRecorder(database, { clock, random, onError: reportError })
    this.scopeMeter =
      monitor === false
        ? undefined
        : new ScopeMeter({
            meter: (metric, source) => this.#monitorOf(monitor).meter(metric, source),
            idle: (metric, source) => this.#monitorOf(monitor).idle(metric, source),
            now: () => clock.now(),
            wall: () => clock.wall(),
          })
    const { services, caching } = parts
    this.tuning = new Tuning({
      services,
      cache: caching !== undefined && (() => caching.used?.engine),
      pools: this.workload?.pools,
      jobs: parts.options.jobs !== false && (() => this.#jobs),
      poolLimit: this.#poolLimit,
      cpu: () => this.#monitor?.currentLoad('cpu') ?? 0,
    })
    // These options start work that no call triggers.
    if (database !== false && (database.explainNew || database.inspectEveryMs)) this.#databaseOf(database)
    if (monitor !== false && monitor.collect) this.#monitorOf(monitor)
  }

  /** Created for the first statement or scope: its bounded lists take memory. */
  get queryLog(): QueryLog {
    this.#queryLog ??= new QueryLog(this.parts.services.clock)
    return this.#queryLog
  }

  get queries(): QueryOptimizationEngine {
    if (this.#queries !== undefined) return this.#queries
    const { services, detector, links, caching } = this.parts
    const { clock, stats, loaders, catalogs, scopes } = services
    this.#queries = new QueryOptimizationEngine(
      { clock },
      {
        stats,
        log: this.queryLog,
        detector,
        links,
        loaders,
        results: caching && {
          get: (query) => caching.engine.get<readonly unknown[]>(QUERY_RESULTS, query),
          set: (query, rows, ttl) => void caching.engine.set(QUERY_RESULTS, query, rows, ttl),
        },
        catalog: (dialect) => catalogs.catalog(dialect),
        tableRows: (table) => this.#database?.tableRows(table),
        scope: () => scopes.current(),
      },
    )
    return this.#queries
  }

  get database(): DatabaseOptimizationEngine | undefined {
    const { database = {} } = this.parts.options
    return database === false ? undefined : this.#databaseOf(database)
  }

  get balancer(): LoadBalancingEngine | undefined {
    const { balancer = {} } = this.parts.options
    if (balancer === false || this.#balancer !== undefined) return this.#balancer
    const { clock, random, reportListenerError } = this.parts.services
    const strategy = this.parts.strategy?.()
    const options = strategy === undefined ? balancer : { ...balancer, strategy }
    this.#balancer = this.#opened(
      new LoadBalancingEngine(options, { clock, random, onError: reportListenerError }),
    )
    return this.#balancer
  }

  get jobs(): AsyncBatchProcessingEngine | undefined {
    const { jobs = {} } = this.parts.options
    if (jobs === false || this.#jobs !== undefined) return this.#jobs
    const { clock, random, reportListenerError } = this.parts.services
    this.#jobs = this.#opened(
      new AsyncBatchProcessingEngine(jobs, {
        clock,
        random,
        onError: reportListenerError,
        scoped: (queue, fn) => this.parts.run(fn, { name: `job ${queue}` }),
      }),
    )
    return this.#jobs
  }

  get monitor(): MonitoringAndAutoScalingEngine | undefined {
    const { monitor = {} } = this.parts.options
    return monitor === false ? undefined : this.#monitorOf(monitor)
  }

  /** Closes the engines that were created. The promise is that of the jobs. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.tuning.close()
    const jobsClosed = this.#jobs?.close()
    this.#database?.close()
    this.#balancer?.close()
    this.#monitor?.close()
    await jobsClosed
  }

  #databaseOf(options: NonNullable<Exclude<SluiceOptions['database'], false>>): DatabaseOptimizationEngine {
    const { detector, services } = this.parts
    const { clock, random, reportError, loaders, connections, events } = services
    this.#database ??= this.#opened(
      new DatabaseOptimizationEngine(options, {
        clock,
        random,
        onError: reportError,
        ...(this.workload === undefined ? {} : { recorder: this.workload }),
        ...(detector === undefined ? {} : { limits: detector.limits }),
        cpu: () => this.#monitor?.currentLoad('cpu') ?? 0,
        dialect: () => loaders.first()?.dialect,
        connection: () => connections.first(),
        onFullScan: (analysis) => events.emit('fullScan', analysis),
      }),
    )
    return this.#database
  }

  #monitorOf(options: NonNullable<Exclude<SluiceOptions['monitor'], false>>): MonitoringAndAutoScalingEngine {
    if (this.#monitor !== undefined) return this.#monitor
    const { services, replicas, caching } = this.parts
    const { clock, reportListenerError, log, stats } = services
    const monitor = new MonitoringAndAutoScalingEngine(options, {
      clock,
      onError: reportListenerError,
      facts: () =>
        tuningFacts({
          cache: caching?.used?.engine,
          jobs: this.#jobs,
          tuning: this.tuning.changes,
          pools: this.workload?.pools.pools() ?? [],
          poolLimit: this.#poolLimit,
        }),
      beforeTick: () => this.scopeMeter?.tick(),
    })
    if (log.logger !== undefined) monitor.on('alert', ({ alert, change }) => log.alert(alert, change))
    addSluiceFeeds(monitor, {
      stats,
      replicas,
      scopes: this.scopeMeter,
      workload: this.workload,
      store: storeOf(this.parts.options),
      created: () => ({ caching: caching?.used, balancer: this.#balancer, jobs: this.#jobs }),
    })
    this.#monitor = this.#opened(monitor)
    return this.#monitor
  }

  readonly #poolLimit = (max: number): number | undefined => this.#database?.poolLimit(max)

  #opened<T extends { close(): void | Promise<void> }>(engine: T): T {
    // The engine has no work yet, so that its end needs no wait.
    if (this.#isClosed) void engine.close()
    return engine
  }
}
