import type { ReadNote } from '../pipeline/explanation.ts'
import { type Mode, Scope } from '../pipeline/scope.ts'
import type { Detector } from '../query/detect/detector.ts'
import type { Finding } from '../query/detect/finding.ts'
import type { Prefetcher } from '../query/prefetch/prefetcher.ts'
import { checkOptions } from '../shared/options.ts'
import type { Engines } from './engines.ts'
import { checkMode, runRules, type SluiceOptions } from './options.ts'
import {
  checkFunction,
  type Explained,
  OpenScope,
  type OpenScopeParts,
  type RunOptions,
  type ScopeHandle,
  type ScopeReport,
} from './scopes.ts'
import type { Services } from './services.ts'

export interface ScopeLifecycleParts {
  readonly options: SluiceOptions
  readonly services: Services
  readonly detector: Detector | undefined
  readonly prefetcher: Prefetcher | undefined
  readonly engines: Engines
}

/** Opens the scopes of a Sluice in its mode, and reports them when they end. */
export class ScopeLifecycle {
  /** The mode of scopes that begin from now on. */
  mode: Mode
  #optimizing = 0
  readonly #openScopeParts: OpenScopeParts

  constructor(private readonly parts: ScopeLifecycleParts) {
    const { mode, detection } = parts.options
    const fromEnvironment = process.env.SLUICE_MODE
    this.mode = mode ?? (fromEnvironment ? checkMode(fromEnvironment, 'SLUICE_MODE') : 'observe')
    const throws = detection !== undefined && detection !== false && detection.mode === 'throw'
    this.#openScopeParts = {
      enter: (scope, fn) => parts.services.scopes.enter(scope, fn),
      end: (scope) => this.#end(scope),
      throwsFindings: () => throws,
    }
  }

  /** Whether the mode, or that of an open scope, is any but `observe`. */
  readonly isOptimizing = (): boolean => this.mode !== 'observe' || this.#optimizing > 0

  /** @param notes - Receives the explanation of each read. */
  open(
    name: string | (() => string),
    { mode }: Pick<RunOptions, 'mode'>,
    isClosed: boolean,
    notes?: ReadNote[],
  ): ScopeHandle {
    const { clock, scopes, stats } = this.parts.services
    const startedAt = clock.now()
    const scope = new Scope(
      name,
      mode === undefined || isClosed ? this.#modeOfNextScope() : checkMode(mode),
      startedAt,
    )
    scope.notes = notes
    const parent = scopes.current()
    scope.basis = parent?.basis
    // Work that outlives a request is not part of it.
    if (parent?.ended === false) scope.requestId = parent.requestId
    scopes.opened(scope)
    if (scope.mode !== 'observe') this.#optimizing += 1
    const timer = stats.overhead.begin()
    if (timer !== undefined) {
      scope.timer = timer
      scopes.timed += 1
      timer.add(clock.now() - startedAt)
    }
    return new OpenScope(scope, this.#openScopeParts)
  }

  /**
   * Runs a function in a new scope.
   *
   * @throws The error of the function; what ending the scope throws.
   */
  run<T>(fn: () => T | Promise<T>, options: RunOptions, isClosed: boolean): Promise<T> {
    let scope: ScopeHandle | undefined
    try {
      checkFunction(fn)
      checkOptions(options, runRules)
      const opened = this.open(options.name ?? 'run', options, isClosed)
      scope = opened
      // An ORM's promises may be lazy: `resolve` awaits them inside. It returns a plain promise unchanged.
      const running = opened.enter(() => Promise.resolve(fn()))
      // Not an async function: each additional promise costs time in every scope.
      return running.then(
        (result) => {
          opened.end()
          return result
        },
        (error: unknown) => {
          endFailed(opened)
          throw error
        },
      )
    } catch (error) {
      if (scope !== undefined) endFailed(scope)
      return Promise.reject(error)
    }
  }

  /**
   * Runs a function in a scope that explains its reads.
   *
   * @throws The error of the function.
   */
  async explain<T>(
    fn: () => T | Promise<T>,
    options: Pick<RunOptions, 'mode'>,
    isClosed: boolean,
  ): Promise<Explained<T>> {
    checkFunction(fn)
    checkOptions(options, runRules)
    const notes: ReadNote[] = []
    const scope = this.open('explain', options, isClosed, notes)
    try {
      // An ORM's promises may be lazy: they must be awaited inside.
      const result = await scope.enter(async () => await fn())
      return { result, reads: notes.map((note) => note.explanation()) }
    } finally {
      try {
        scope.end()
      } catch {
        // Findings are not part of an explanation.
      }
    }
  }

  #modeOfNextScope(): Mode {
    const { rollout } = this.parts.options
    return this.mode === 'observe' || rollout === undefined || this.parts.services.random() < rollout
      ? this.mode
      : 'observe'
  }

  #end(scope: Scope): ScopeReport {
    const { scopes, stats } = this.parts.services
    const { timer } = scope
    const report = timer === undefined ? this.#close(scope) : timer.inside(() => this.#close(scope))
    if (timer !== undefined) scopes.timed -= 1
    if (!scope.isOwn) stats.overhead.end(timer, report.durationMs)
    return report
  }

  #close(scope: Scope): ScopeReport {
    const { engines, prefetcher, services } = this.parts
    const endedAt = services.clock.now()
    scope.close(endedAt)
    scope.basis = undefined
    prefetcher?.end(scope)
    if (scope.mode !== 'observe') this.#optimizing -= 1
    if (!scope.isOwn) engines.queryLog.scope(scope)
    const findings = scope.isOwn ? [] : this.#inspect(scope, endedAt)
    const { name, mode, counts, startedAt, statusCode, failed, requestId } = scope
    const { operations, queries, batched, prefetched, cacheHits, databaseMs } = counts
    const durationMs = endedAt - startedAt
    // No spread: an object that grows after its creation costs several times as much, and each request
    // creates one.
    const report: ScopeReport = {
      operations,
      queries,
      batched,
      prefetched,
      cacheHits,
      databaseMs,
      name,
      mode,
      durationMs,
      statusCode,
      failed,
      requestId,
      findings,
      overheadMs: scope.timer?.ms,
    }
    if (!scope.isOwn) {
      engines.scopeMeter?.ended(name, durationMs, queries, databaseMs, statusCode, failed, requestId)
      if (scope.timer === undefined) this.#emit(report)
      else scope.timer.outside(() => this.#emit(report))
    }
    try {
      services.scopes.closed(scope)
    } catch (error) {
      services.reportError(error)
    }
    return report
  }

  #emit(report: ScopeReport): void {
    const { events } = this.parts.services
    for (const finding of report.findings) events.emit('finding', finding)
    events.emit('scope', report)
  }

  #inspect(scope: Scope, endedAt: number): readonly Finding[] {
    try {
      return this.parts.detector?.inspect(scope, endedAt) ?? []
    } catch (error) {
      this.parts.services.reportError(error)
      return []
    }
  }
}

/** Ends a scope whose function failed. The error of the function is more important than the findings. */
function endFailed(scope: ScopeHandle): void {
  scope.failed = true
  try {
    scope.end()
  } catch {
    // Findings were emitted before.
  }
}
