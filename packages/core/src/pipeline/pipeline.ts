import { type Basis, spoilOpen } from './basis.ts'
import { addCallers } from './error-stack.ts'
import type { Executor } from './executor.ts'
import { ReadNote } from './explanation.ts'
import type { Gain, GainTerms } from './gain.ts'
import type { Handler } from './interceptor.ts'
import type { Operation } from './operation.ts'
import { OperationContext } from './operation-context.ts'
import type { QueryStats } from './query-stats.ts'
import { reasonOf } from './rejection.ts'
import type { Mode, ScopeStorage } from './scope.ts'
import type { TraceSlot } from './workload-trace.ts'

export interface PipelineParts {
  readonly scopes: ScopeStorage
  readonly executor: Executor
  readonly stats: QueryStats
  /** One chain for each mode, created once. */
  readonly chains: Readonly<Record<Mode, Handler>>
  /** Creates the chain of reads in `optimize`, when the first is processed. */
  readonly reads: () => Handler
  /** The last step of `optimize`, for reads that pass through. */
  readonly send: Handler
  /** `undefined`: every read is processed. */
  readonly gainTerms: GainTerms | undefined
  /** The mode of operations outside any scope. */
  readonly mode: () => Mode
  /** The facts outside the statement that change its result. Default: none. */
  readonly variant: (() => string) | undefined
  /** Records operations in `observe`. */
  readonly trace: TraceSlot
  readonly onError: (error: unknown) => void
}

/** The reasons why a read that does not reach the cache is not cached. */
const NOT_CACHED: Readonly<Record<Mode | 'bypassed', string>> = {
  observe: 'OBSERVE_MODE',
  shadow: 'SHADOW_MODE',
  optimize: 'CACHE_DISABLED',
  bypassed: 'BYPASSED',
}

/**
 * The path of every operation: through the chain of its scope's mode, and without Sluice if Sluice itself
 * fails.
 */
export class Pipeline {
  #reads: Handler | undefined

  constructor(private readonly parts: PipelineParts) {}

  /**
   * Runs an operation.
   *
   * @throws Any error of the database or the ORM, unchanged. Never an error of Sluice.
   */
  readonly execute = <TResult>(operation: Operation<TResult>): Promise<TResult> => {
    const { timer } = this.parts.scopes
    return timer === undefined ? this.#execute(operation) : timer.inside(() => this.#execute(operation))
  }

  #execute<TResult>(operation: Operation<TResult>): Promise<TResult> {
    const { scopes, stats, chains, executor, send } = this.parts
    const { scope: current, isBypassing, demand } = scopes.ambient
    const scope = current?.ended === true ? undefined : current
    stats.seen += 1
    if (scope !== undefined) scope.counts.operations += 1
    const isRead = operation.kind === 'read'
    const mode = scope?.mode ?? this.parts.mode()
    // Shadow mode compares: both runs must read from the same server.
    const context = new OperationContext(scope, mode === 'shadow' ? 'primary' : demand)
    const isLeft = isRead && isBypassing
    const way = isLeft ? 'bypassed' : mode
    if (isLeft) stats.passThrough('BYPASSED')
    if (current === undefined && isRead) spoilOpen('READ_OUTSIDE_SCOPE')
    if (scope?.basis !== undefined) follow(scope.basis, operation)
    if (scope?.notes !== undefined && isRead) context.note = noteOf(operation, scope.notes, way)
    // A read in observe mode passes through no step that could fail.
    if (isRead && (isLeft || mode === 'observe')) {
      const trace = mode === 'observe' ? this.parts.trace.current : undefined
      return trace === undefined
        ? executor.run(operation, context)
        : trace.read(operation, context, isLeft, executor.run)
    }
    try {
      if (isRead && mode === 'optimize' && this.#passes(operation, context)) {
        stats.passThrough('NO_RECENT_GAIN')
        return send(operation, context)
      }
      if (isRead) context.variant = this.parts.variant?.()
      let chain = chains[mode]
      if (isRead && mode === 'optimize') {
        this.#reads ??= this.parts.reads()
        chain = this.#reads
      }
      const running = chain(operation, context)
      if (!isRead) this.parts.trace.current?.wrote(operation, context, running)
      if (running === context.running) return running
      const answered = (result: TResult) => {
        context.end()
        return result
      }
      return running.then(answered, (rejection: unknown) => {
        context.end()
        const error = reasonOf(rejection)
        if (executor.isDatabaseError(error)) {
          addCallers(error)
          throw error
        }
        return this.#withoutSluice(operation, context, error)
      })
    } catch (error) {
      return this.#withoutSluice(operation, context, error)
    }
  }

  /** Whether a read passes through to the database, because processing such reads has no benefit. */
  #passes(operation: Operation<unknown>, context: OperationContext): boolean {
    const { gain } = operation
    const { gainTerms } = this.parts
    if (gain === undefined || gainTerms === undefined || operation.isRaw === true) return false
    if (operation.inTransaction && operation.transactionReads === undefined) return false
    const { scope } = context
    const isAlone = scope === undefined || scope.isIdle
    context.begin()
    if (scope?.basis !== undefined || scope?.notes !== undefined) return false
    context.gain = gain
    return isAlone && !gain.examines(gainTerms)
  }

  /**
   * The same for a read that its adapter then sends as its ORM does, so its result is not seen. If it passes
   * through, it is counted, and must be sent as in `observe`: by a client whose statements are seen, outside
   * of transactions.
   */
  readonly skips = (gain: Gain): boolean => {
    const { scopes, stats, gainTerms } = this.parts
    const { scope, isBypassing } = scopes.ambient
    if (
      scope === undefined ||
      scope.ended ||
      isBypassing ||
      scope.mode !== 'optimize' ||
      gainTerms === undefined ||
      scope.basis !== undefined ||
      scope.notes !== undefined ||
      !scope.isIdle ||
      !gain.skips(gainTerms)
    )
      return false
    scope.unsent += 1
    stats.seen += 1
    scope.counts.operations += 1
    stats.passThrough('NO_RECENT_GAIN')
    return true
  }

  /** Sluice failed: a read runs without Sluice; a write that was sent is never sent again. */
  #withoutSluice<TResult>(
    operation: Operation<TResult>,
    context: OperationContext,
    failure: unknown,
  ): Promise<TResult> {
    context.end()
    this.parts.onError(failure)
    const { outcome } = context
    if (outcome === undefined) return operation.run(context)
    if (outcome === 'pending') return Promise.reject(failure)
    return 'error' in outcome ? Promise.reject(outcome.error) : Promise.resolve(outcome.result as TResult)
  }
}

function noteOf(operation: Operation<unknown>, notes: ReadNote[], way: Mode | 'bypassed'): ReadNote {
  const { shape, source } = operation
  const note = new ReadNote(shape?.label ?? operation.rowSource?.()?.shape ?? source.orm, NOT_CACHED[way])
  notes.push(note)
  return note
}

/**
 * After a write, earlier reads can be outdated. An operation that is neither a read nor a write is never
 * reported.
 */
function follow(basis: Basis, { kind }: Operation<unknown>): void {
  basis.begin()
  if (kind === 'write') basis.spoil('WRITE')
}
