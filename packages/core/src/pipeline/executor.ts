import type { Operation } from './operation.ts'
import type { Execution, Recorder } from './recorder.ts'
import type { Scope } from './scope.ts'

type Outcome = { readonly result: unknown } | { readonly error: unknown }

/**
 * The last step: asks the database through the adapter, records it, and remembers which errors came from there,
 * so that an error of Sluice's own can be told from the database's.
 */
export class Executor {
  readonly #databaseErrors = new WeakSet<object>()
  readonly #outcomes = new WeakMap<object, Outcome | 'pending'>()

  constructor(private readonly recorder: Recorder) {}

  readonly run = <TResult>(operation: Operation<TResult>, scope: Scope | undefined): Promise<TResult> => {
    if (operation.kind === 'read') return this.runAs(operation, scope, undefined)
    this.#outcomes.set(operation, 'pending')
    return this.runAs(operation, scope, () => this.#keepingOutcome(operation))
  }

  /**
   * Runs a query in the name of an operation: it counts as one execution of the operation's shape.
   *
   * @param query - Left out: the operation itself.
   */
  async runAs<TOperation, TResult = TOperation>(
    operation: Operation<TOperation>,
    scope: Scope | undefined,
    query: (() => Promise<TResult>) | undefined,
  ): Promise<TResult> {
    const { shape } = operation
    let execution: Execution | undefined
    let rows = 0
    if (shape !== undefined) {
      execution = this.recorder.begin(scope, shape, operation)
      if (!operation.source.seesStatements) this.recorder.statement(scope)
    }
    try {
      if (query !== undefined) return await query()
      const result = await operation.run()
      rows = operation.rows?.(result) ?? 0
      return result as unknown as TResult
    } catch (error) {
      throw this.#mark(error)
    } finally {
      if (execution !== undefined) this.recorder.end(execution, rows, operation)
    }
  }

  /** Whether the error came from the database or the ORM. What is no object cannot be Sluice's own. */
  isDatabaseError(error: unknown): boolean {
    return typeof error !== 'object' || error === null || this.#databaseErrors.has(error)
  }

  /** What became of a write: `undefined` if it was never sent. */
  outcomeOf(operation: Operation<unknown>): Outcome | 'pending' | undefined {
    return this.#outcomes.get(operation)
  }

  async #keepingOutcome<TResult>(operation: Operation<TResult>): Promise<TResult> {
    try {
      const result = await operation.run()
      this.#outcomes.set(operation, { result })
      return result
    } catch (error) {
      this.#outcomes.set(operation, { error })
      throw error
    }
  }

  #mark(error: unknown): unknown {
    if (typeof error === 'object' && error !== null) this.#databaseErrors.add(error)
    return error
  }
}
