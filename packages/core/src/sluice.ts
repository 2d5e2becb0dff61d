import { type AdapterHost, setHost } from './adapter-host.ts'
import { CachingStrategyEngine } from './cache/caching-strategy-engine.ts'
import { StampRegistry } from './cache/coherence/stamp-registry.ts'
import { ResultCache } from './cache/result-cache.ts'
import { Executor } from './pipeline/executor.ts'
import { compose, type Handler, type Interceptor } from './pipeline/interceptor.ts'
import { tablesRead } from './pipeline/operation.ts'
import { writeOutcomeOf } from './pipeline/outcome.ts'
import { Pipeline } from './pipeline/pipeline.ts'
import { QueryStats } from './pipeline/query-stats.ts'
import { Recorder } from './pipeline/recorder.ts'
import { type Mode, Scope, type ScopeCounts, ScopeStorage } from './pipeline/scope.ts'
import { composeTraced, shadow } from './pipeline/shadow.ts'
import type { ShadowDifference } from './pipeline/shadow-difference.ts'
import { trackWrites } from './pipeline/track-writes.ts'
import { Batcher } from './query/batch/batcher.ts'
import { Detector } from './query/detect/detector.ts'
import type { Finding } from './query/detect/finding.ts'
import { NPlusOneError } from './query/detect/n-plus-one-error.ts'
import { RowLoaders } from './query/eager/row-loaders.ts'
import { LookupGroups } from './query/lookup-groups.ts'
import { onOutgoingRequest } from './query/prefetch/outgoing-requests.ts'
import { Prefetcher } from './query/prefetch/prefetcher.ts'
import { QueryOptimizationEngine, showScope, showStatement } from './query/query-optimization-engine.ts'
import { EVERYTHING, type SchemaCatalog } from './schema/catalog.ts'
import type { TableId } from './schema/catalog-data.ts'
import { CatalogRegistry } from './schema/catalog-registry.ts'
import { systemClock } from './shared/clock.ts'
import { Emitter } from './shared/emitter.ts'
import { InvalidArgumentError, SluiceError } from './shared/errors.ts'
import { checkMode, checkSluiceOptions, type SluiceOptions } from './sluice-options.ts'

/** What happened in a scope. */
export interface ScopeReport extends Readonly<ScopeCounts> {
  readonly name: string
  readonly mode: Mode
  readonly durationMs: number
  readonly findings: readonly Finding[]
}

export interface SluiceEvents {
  /** An N+1, a needless repeat, or a budget that was exceeded, in a scope that has ended. */
  finding: Finding
  /** A scope has ended. */
  scope: ScopeReport
  /** Shadow mode found a difference. */
  shadowDifference: ShadowDifference
  /** Sluice's own code failed; the operation went on without it. */
  error: unknown
}

/** An open scope, for those who open and close it in different places; `sluice.run` does both. */
export interface ScopeHandle {
  /** What people call the scope. May be set until it ends. */
  name: string
  readonly counts: Readonly<ScopeCounts>
  /** Runs a function in the scope; what it awaits belongs to the scope too. */
  enter<T>(fn: () => T): T
  /**
   * Ends the scope and reports. A second call reports the same without emitting again.
   *
   * @throws NPlusOneError at the first call, where detection's mode is `throw` and there are findings; they were emitted before.
   */
  end(): ScopeReport
}

export interface RunOptions {
  /** What people call the scope. @defaultValue 'run' */
  readonly name?: string
  /** How the scope's operations are treated. @defaultValue the Sluice's mode, for the share of scopes that `rollout` says */
  readonly mode?: Mode
}

const DEFAULT_MAX_KEYS = 500
const DEFAULT_MAX_EXTRA_ROWS = 8
const DEFAULT_TTL = 1
/** Where the cache keeps what `queries.cacheResult` was given. */
const QUERY_RESULTS = 'query-results'
const DEFAULT_MAX_AGE_MS = 1000

let peek: (sluice: Sluice, scope: Scope) => readonly Finding[] | undefined

/** What a Sluice's detection says of a scope so far; nothing is counted or emitted. `undefined`: detection is off. */
export function findingsSoFar(sluice: Sluice, scope: Scope): readonly Finding[] | undefined {
  return peek(sluice, scope)
}

/** One Sluice: the engines, and what joins them. Made by `createSluice`. */
export class Sluice {
  readonly queries: QueryOptimizationEngine
  /** The in-process cache; `undefined` when it is switched off. */
  readonly cache: CachingStrategyEngine | undefined

  readonly #options: SluiceOptions
  readonly #clock
  readonly #random
  readonly #events: Emitter<SluiceEvents>
  readonly #scopes = new ScopeStorage()
  readonly #stats = new QueryStats()
  readonly #catalogs = new CatalogRegistry()
  readonly #stamps: StampRegistry
  readonly #detector: Detector | undefined
  readonly #closing = new Set<() => void>()
  readonly #loaders = new RowLoaders()
  readonly #groups: LookupGroups
  readonly #prefetcher: Prefetcher | undefined
  static {
    peek = (sluice, scope) => sluice.#detector?.peek(scope)
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
    this.#stamps = new StampRegistry(this.#clock)
    this.#detector = options.detection === false ? undefined : new Detector(options.detection)
    const recorder = new Recorder(this.#clock, this.#stats)
    const executor = new Executor(recorder, (error) => this.#reportError(error))
    this.#groups = new LookupGroups(options.context)
    this.#prefetcher = this.#createPrefetcher(executor)
    const { cache } = options
    this.cache =
      cache === false
        ? undefined
        : new CachingStrategyEngine({ clock: this.#clock, ...(cache?.maxBytes === undefined ? {} : { maxBytes: cache.maxBytes }) })
    this.queries = this.#createQueries()
    setHost(this, this.#createHost(recorder, executor))
  }

  /** How operations are treated now. Scopes keep the mode that they began with. */
  get mode(): Mode {
    return this.#mode
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
      // Prisma's promises are lazy: they must be awaited inside.
      result = await scope.enter(async () => await fn())
    } catch (error) {
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
    const mode = options.mode === undefined || this.#closed ? this.#modeOfNextScope() : checkMode(options.mode)
    const scope = new Scope(name, mode, this.#clock.now())
    this.#scopes.opened(scope)
    if (mode !== 'observe') this.#optimizingScopes += 1
    const report = this.#once(() => this.#endScope(scope))
    return {
      get name() {
        return scope.name
      },
      set name(value: string) {
        scope.name = value
      },
      counts: scope.counts,
      enter: (fn) => this.#scopes.enter(scope, fn),
      end: () => {
        const isFirst = !scope.ended
        const made = report()
        if (isFirst && this.#throwsFindings && made.findings.length > 0) throw new NPlusOneError(made.findings)
        return made
      },
    }
  }

  /**
   * Runs a function whose reads are sent to the database as they are: neither merged nor asked ahead nor answered from the cache.
   * They count to the scope that is open, if there is one.
   */
  bypass<T>(fn: () => T | Promise<T>): Promise<T> {
    return this.#scopes.bypass(fn)
  }

  /**
   * Says that somebody else wrote to a table: a script, a migration, another program. What came from the table is asked anew.
   *
   * @param table - A model's or a table's name, or `schema.table`.
   * @param ids - The primary keys written. Kept for finer tags; today the whole table counts as written.
   * @throws InvalidArgumentError when a catalogue is known and has no such table.
   */
  invalidate(table: string, ids?: readonly unknown[]): void {
    if (typeof table !== 'string' || table === '') throw new InvalidArgumentError('table', 'the name of a model or table', table)
    if (ids !== undefined && !Array.isArray(ids)) throw new InvalidArgumentError('ids', 'an array of primary keys', ids)
    // What the catalogue that is being read knows is not found.
    const tables = this.#catalogs.isReading() ? new Set<TableId>() : this.#catalogs.resolve(table)
    if (tables.size === 0 && this.#catalogs.isKnown() && !this.#catalogs.isReading()) {
      throw new InvalidArgumentError('table', 'the name of a model or table that a catalogue knows', table)
    }
    this.#stamps.invalidate(tables.size === 0 ? EVERYTHING : { tables, everything: false })
  }

  /** Listens to an event; returns the function that stops it. */
  on<K extends keyof SluiceEvents>(event: K, listener: (payload: SluiceEvents[K]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /** Stops everything. Instrumented clients go on as if bare. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#mode = 'observe'
    for (const callback of this.#closing) callback()
    this.#closing.clear()
    this.#catalogs.clear()
    this.cache?.close()
    this.#loaders.clear()
    this.#events.clear()
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
    this.#prefetcher?.end(scope)
    if (scope.mode !== 'observe') this.#optimizingScopes -= 1
    showScope(this.queries, scope)
    const findings = this.#inspect(scope)
    const report: ScopeReport = {
      ...scope.counts,
      name: scope.name,
      mode: scope.mode,
      durationMs: this.#clock.now() - scope.startedAt,
      findings,
    }
    for (const finding of findings) this.#events.emit('finding', finding)
    this.#events.emit('scope', report)
    return report
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

  #createHost(recorder: Recorder, executor: Executor): AdapterHost {
    const pipeline = new Pipeline({
      scopes: this.#scopes,
      executor,
      stats: this.#stats,
      chains: this.#createChains(executor),
      mode: () => this.#mode,
      onError: (error) => this.#reportError(error),
    })
    const { batch } = this.#options
    let lastSource = 0
    const warned = new Set<string>()
    return {
      execute: (operation) => pipeline.execute(operation),
      scopes: this.#scopes,
      recorder,
      stats: this.#stats,
      catalogs: this.#catalogs,
      seen: (sql, dialect, analyzed) => {
        try {
          showStatement(this.queries, sql, dialect, analyzed)
        } catch (error) {
          this.#reportError(error)
        }
      },
      attachLoader: (sourceId, loader) => this.#loaders.attach(sourceId, loader),
      writes: this.#stamps,
      maxKeys: (batch === false ? undefined : batch?.maxKeys) ?? DEFAULT_MAX_KEYS,
      maxExtraRows: (batch === false ? undefined : batch?.maxExtraRows) ?? DEFAULT_MAX_EXTRA_ROWS,
      isOptimizing: () => this.#mode !== 'observe' || this.#optimizingScopes > 0,
      transactionEnded: () => this.#prefetcher?.discard(this.#scopes.current()),
      nextSourceId: (orm) => {
        lastSource += 1
        return `${orm}${lastSource}`
      },
      reportError: (error) => this.#reportError(error),
      warn: (message) => {
        if (warned.has(message)) return
        warned.add(message)
        process.emitWarning(message, { type: 'SluiceWarning' })
      },
    }
  }

  #createPrefetcher(executor: Executor): Prefetcher | undefined {
    const { prefetch } = this.#options
    if (prefetch === false) return undefined
    const prefetcher: Prefetcher = new Prefetcher({
      executor,
      stats: this.#stats,
      clock: this.#clock,
      writes: this.#stamps,
      catalogs: this.#catalogs,
      maxAgeMs: prefetch?.maxAgeMs ?? DEFAULT_MAX_AGE_MS,
      groups: this.#groups,
      // Another service may write in the name of the scope that asks it.
      onFirstUse: () => void this.#closing.add(onOutgoingRequest(() => prefetcher.discard(this.#scopes.current()))),
    })
    if (prefetch?.links !== undefined) prefetcher.links.restore(prefetch.links)
    return prefetcher
  }

  #createChains(executor: Executor) {
    const { cache, batch, exclude } = this.#options
    const prefetcher = this.#prefetcher
    const onAnswer = prefetcher?.observe
    const writes = trackWrites(this.#stamps, writeOutcomeOf)
    const steps: [name: string, interceptor: Interceptor][] = []
    if (this.cache !== undefined) {
      const { ttl, tables } = cache === false || cache === undefined ? {} : cache
      const allows = tables === undefined ? undefined : (read: readonly TableId[]) => this.#areListed(tables, read)
      const settings = {
        ttl: ttl ?? DEFAULT_TTL,
        allows,
        context: this.#options.context,
        clock: this.#clock,
        onAnswer: prefetcher?.observeCached,
      }
      steps.push(['cache', new ResultCache(this.cache, this.#stamps, this.#stats, settings).interceptor])
    }
    if (prefetcher !== undefined) steps.push(['prefetch', prefetcher.interceptor])
    if (batch !== false)
      steps.push(['batch', new Batcher(executor, this.#stats, { windowMs: batch?.windowMs, groups: this.#groups, onAnswer }).interceptor])
    const ask = onAnswer === undefined ? executor.run : executor.telling(onAnswer)
    if (exclude !== undefined) steps.unshift(['database', this.#createExclusion(exclude, executor.run)])
    const optimize = compose([writes, ...steps.map(([, interceptor]) => interceptor)], ask)
    const compare = shadow(composeTraced(steps, ask), {
      sample: this.#options.shadow?.sample ?? 1,
      random: this.#random,
      tracker: this.#stamps,
      stats: this.#stats,
      report: (difference) => this.#events.emit('shadowDifference', difference),
      onError: (error) => this.#reportError(error),
    })
    return { observe: compose([writes], executor.run), shadow: compose([writes, compare], executor.run), optimize }
  }

  /** Reads of tables that are excluded go to the database as they are. */
  #createExclusion(names: readonly string[], bare: Handler): Interceptor {
    const excluded = new WeakMap<SchemaCatalog, ReadonlySet<TableId>>()
    const excludedIn = (catalog: SchemaCatalog) => {
      let known = excluded.get(catalog)
      if (known === undefined) {
        known = new Set(names.flatMap((name) => [...this.#catalogs.resolve(name)]))
        excluded.set(catalog, known)
      }
      return known
    }
    return (next) => (operation, scope) => {
      if (operation.kind !== 'read') return next(operation, scope)
      const catalog = this.#catalogs.catalog(operation.source.dialect)
      // Before the tables are known, each may be one of them.
      const tables = catalog === undefined ? undefined : excludedIn(catalog)
      if (tables !== undefined && !tablesRead(operation).some((table) => tables.has(table))) return next(operation, scope)
      this.#stats.passThrough('excluded')
      return bare(operation, scope)
    }
  }

  #areListed(names: readonly string[], read: readonly TableId[]): boolean {
    return read.every((table) => names.some((name) => this.#catalogs.resolve(name).has(table)))
  }

  #reportError(error: unknown): void {
    this.#stats.errors += 1
    this.#events.emit('error', error)
  }

  #reportListenerError(error: unknown): void {
    this.#stats.errors += 1
    process.emitWarning(`A listener of a Sluice event threw: ${error instanceof Error ? error.message : String(error)}`, {
      type: 'SluiceWarning',
    })
  }
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
