import { type Basis, spoilOpen } from './basis.ts'
import type { Executor } from './executor.ts'
import { explainRead, ReadNote } from './explanation.ts'
import type { Handler } from './interceptor.ts'
import type { Operation } from './operation.ts'
import type { QueryStats } from './query-stats.ts'
import { reasonOf } from './rejection.ts'
import type { Mode, ScopeStorage } from './scope.ts'

export interface PipelineParts {
  readonly scopes: ScopeStorage
  readonly executor: Executor
  readonly stats: QueryStats
  /** One chain for each mode, made once. */
  readonly chains: Readonly<Record<Mode, Handler>>
  /** The mode of operations outside any scope. */
  readonly mode: () => Mode
  readonly onError: (error: unknown) => void
}

/** Why a read is not kept that does not come to the cache. */
const NOT_CACHED: Readonly<Record<Mode | 'bypassed', string>> = {
  observe: 'the mode is observe',
  shadow: 'the mode is shadow, and this read was not compared',
  optimize: 'caching is switched off, or the model or table is excluded',
  bypassed: 'in sluice.bypass',
}

/** The way of every operation: through the chain of its scope's mode, and bare if Sluice itself fails. */
export class Pipeline {
  constructor(private readonly parts: PipelineParts) {}

  /**
   * Runs an operation.
   *
   * @throws Whatever the database or the ORM throws, untouched. Never an error of Sluice's own.
   */
  execute<TResult>(operation: Operation<TResult>): Promise<TResult> {
    const { scopes, stats, chains, mode, executor } = this.parts
    const current = scopes.current()
    const scope = current?.ended === true ? undefined : current
    stats.seen += 1
    if (scope !== undefined) scope.counts.operations += 1
    const isLeft = operation.kind === 'read' && scopes.isBypassing
    const chosen = isLeft ? 'observe' : (scope?.mode ?? mode())
    if (isLeft) stats.passThrough('bypassed')
    if (current === undefined && operation.kind === 'read') spoilOpen('outside of scopes')
    if (scope?.basis !== undefined) follow(scope.basis, operation)
    if (scope?.notes !== undefined && operation.kind === 'read') this.#note(operation, scope.notes, isLeft ? 'bypassed' : chosen)
    // An observed read meets nothing on its way that could fail.
    if (chosen === 'observe' && operation.kind === 'read') return executor.run(operation, scope)
    try {
      const running = chains[chosen](operation, scope)
      if (executor.isBare(running)) return running
      return running.then(undefined, (rejection: unknown) => {
        const error = reasonOf(rejection)
        if (executor.isDatabaseError(error)) throw error
        return this.#withoutSluice(operation, error)
      })
    } catch (error) {
      return this.#withoutSluice(operation, error)
    }
  }

  #note(operation: Operation<unknown>, notes: ReadNote[], way: Mode | 'bypassed'): void {
    const { shape, source } = operation
    const label = shape?.label ?? operation.rowSource?.()?.shape ?? source.orm
    const note = new ReadNote(label, NOT_CACHED[way])
    explainRead(operation, note)
    notes.push(note)
  }

  /** Sluice failed: a read is asked bare; a write that was sent is never sent again. */
  #withoutSluice<TResult>(operation: Operation<TResult>, failure: unknown): Promise<TResult> {
    this.parts.onError(failure)
    const outcome = this.parts.executor.outcomeOf(operation)
    if (outcome === undefined) return operation.run()
    if (outcome === 'pending') return Promise.reject(failure)
    return 'error' in outcome ? Promise.reject(outcome.error) : Promise.resolve(outcome.result as TResult)
  }
}

/** What a write leaves is not what was read before it. What is neither a read nor a write is never told of. */
function follow(basis: Basis, { kind }: Operation<unknown>): void {
  basis.begin()
  if (kind === 'write') basis.spoil('write')
}
