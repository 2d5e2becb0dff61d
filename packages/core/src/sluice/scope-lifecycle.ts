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
  throwFindings,
} from './scopes.ts'
import type { Services } from './services.ts'

const NONE: readonly Finding[] = []

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
  /** Number of open scopes whose mode is any but `observe`. */
  optimizing = 0
  readonly #openScopeParts: OpenScopeParts

  constructor(private readonly parts: ScopeLifecycleParts) {
    const { mode, detection } = parts.options
    const fromEnvironment = process.env.SLUICE_MODE
    this.mode = mode ?? (fromEnvironment ? checkMode(fromEnvironment, 'SLUICE_MODE') : 'observe')
    this.#openScopeParts = {
      enter: (scope, fn) => parts.services.scopes.enter(scope, fn),
      end: (scope) => this.#reportOf(scope, this.#end(scope, true) ?? NONE),
      throwsFindings: detection !== undefined && detection !== false && detection.mode === 'throw',
    }
  }

  /** @param notes - Receives the explanation of each read. */
  open(
    name: string | (() => string),
    options: Pick<RunOptions, 'mode'>,
    isClosed: boolean,
    notes?: ReadNote[],
  ): ScopeHandle {
    return new OpenScope(this.#open(name, options, isClosed, notes), this.#openScopeParts)
  }

  #open(
    name: string | (() => string),
    { mode }: Pick<RunOptions, 'mode'>,
    isClosed: boolean,
    notes?: ReadNote[],
  ): Scope {
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
    if (scope.mode !== 'observe') this.optimizing += 1
    const timer = stats.overhead.begin()
    if (timer !== undefined) {
      scope.timer = timer
      scopes.timed += 1
      timer.add(clock.now() - startedAt)
    }
    return scope
  }

  /**
   * Runs a function in a new scope.
   *
   * @throws The error of the function; what ending the scope throws.
   */
  run<T>(fn: () => T | Promise<T>, options: RunOptions, isClosed: boolean): Promise<T> {
    let scope: Scope | undefined
    try {
      checkFunction(fn)
      checkOptions(options, runRules)
      const opened = this.#open(options.name ?? 'run', options, isClosed)
      scope = opened
      // An ORM's promises may be lazy: `resolve` awaits them inside. It returns a plain promise unchanged.
      const running = this.parts.services.scopes.enter(opened, () => Promise.resolve(fn()))
      // Not an async function: each additional promise costs time in every scope.
      return running.then(
        (result) => {
          const findings = this.#end(opened, false)
          if (this.#openScopeParts.throwsFindings) throwFindings(findings ?? NONE)
          return result
        },
        (error: unknown) => {
          this.#endFailed(opened)
          throw error
        },
      )
    } catch (error) {
      if (scope !== undefined) this.#endFailed(scope)
      return Promise.reject(error)
    }
  }

  /** The error of a failed function is more important than the findings. */
  #endFailed(scope: Scope): void {
    scope.failed = true
    this.#end(scope, false)
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

  /**
   * @param returns - Whether the caller receives the findings.
   * @returns The findings; `undefined` if they were only counted, because they have no recipient.
   */
  #end(scope: Scope, returns: boolean): readonly Finding[] | undefined {
    const { services } = this.parts
    const { timer } = scope
    const endedAt = services.clock.now()
    const findings =
      timer === undefined
        ? this.#close(scope, endedAt, returns)
        : timer.inside(() => this.#close(scope, endedAt, returns))
    if (timer !== undefined) services.scopes.timed -= 1
    if (!scope.isOwn) services.stats.overhead.end(timer, endedAt - scope.startedAt)
    return findings
  }

  #close(scope: Scope, endedAt: number, returns: boolean): readonly Finding[] | undefined {
    const { engines, prefetcher, services } = this.parts
    scope.close(endedAt)
    scope.basis = undefined
    prefetcher?.end(scope)
    if (scope.mode !== 'observe') this.optimizing -= 1
    let findings: readonly Finding[] | undefined = NONE
    if (!scope.isOwn) {
      engines.queryLog.scope(scope)
      findings = this.#inspect(scope, endedAt, returns)
      const { counts, statusCode, failed, requestId } = scope
      engines.scopeMeter?.ended(
        scope.name,
        endedAt - scope.startedAt,
        counts.queries,
        counts.databaseMs,
        statusCode,
        failed,
        requestId,
      )
      if (findings !== undefined) this.#emit(scope, findings)
    }
    try {
      services.scopes.closed(scope)
    } catch (error) {
      services.reportError(error)
    }
    return findings
  }

  #emit(scope: Scope, findings: readonly Finding[]): void {
    const { events } = this.parts.services
    const emit = () => {
      for (const finding of findings) events.emit('finding', finding)
      if (events.has('scope')) events.emit('scope', this.#reportOf(scope, findings))
    }
    if (scope.timer === undefined) emit()
    else scope.timer.outside(emit)
  }

  #reportOf(scope: Scope, findings: readonly Finding[]): ScopeReport {
    const { name, mode, counts, startedAt, endedAt, statusCode, failed, requestId } = scope
    const { operations, queries, batched, prefetched, cacheHits, databaseMs } = counts
    // No spread and no accessor: with them, an object costs several times as much, and each request has one.
    return {
      operations,
      queries,
      batched,
      prefetched,
      cacheHits,
      databaseMs,
      name,
      mode,
      durationMs: endedAt - startedAt,
      statusCode,
      failed,
      requestId,
      findings,
      overheadMs: scope.timer?.ms,
    }
  }

  /** Findings are described only for a recipient: the caller, a listener, or an error that contains them. */
  #inspect(scope: Scope, endedAt: number, returns: boolean): readonly Finding[] | undefined {
    const { detector, services } = this.parts
    const { events } = services
    try {
      const isReported = this.#openScopeParts.throwsFindings || events.has('finding') || events.has('scope')
      if (returns || isReported) return detector?.inspect(scope, endedAt) ?? NONE
      detector?.count(scope, endedAt)
      return undefined
    } catch (error) {
      services.reportError(error)
      return NONE
    }
  }
}
