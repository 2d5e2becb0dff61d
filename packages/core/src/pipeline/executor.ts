import type { AnswerListener } from './answers.ts'
import type { Handler } from './interceptor.ts'
import type { Operation, Shape } from './operation.ts'
import type { Execution, Recorder } from './recorder.ts'
import type { Scope } from './scope.ts'

type Outcome = { readonly result: unknown } | { readonly error: unknown }

/**
 * The last step: asks the database through the adapter, records it, and remembers which errors came from there,
 * so that an error of Sluice's own can be told from the database's.
 */
export class Executor {
  #latest: Promise<unknown> | undefined
  readonly #databaseErrors = new WeakSet<object>()
  readonly #outcomes = new WeakMap<object, Outcome | 'pending'>()

  constructor(
    private readonly recorder: Recorder,
    private readonly onError: (error: unknown) => void,
  ) {}

  readonly run = <TResult>(operation: Operation<TResult>, scope: Scope | undefined): Promise<TResult> =>
    this.#runBare(operation, scope, undefined)

  /** Like `run`, and tells a listener of each result before its caller. */
  telling(listener: AnswerListener): Handler {
    return (operation, scope) => this.#runBare(operation, scope, listener)
  }

  #runBare<TResult>(operation: Operation<TResult>, scope: Scope | undefined, listener: AnswerListener | undefined): Promise<TResult> {
    if (operation.kind !== 'read') this.#outcomes.set(operation, 'pending')
    const running = this.#ask<TResult, TResult>(operation, scope, undefined, operation.kind === 'read' ? listener : undefined)
    this.#latest = running
    return running
  }

  /** Monotonic time in milliseconds. */
  now(): number {
    return this.recorder.now()
  }

  /** Whether a chain handed on the very promise that `run` gave it last: nothing of Sluice's own is left on its way. */
  isBare(running: Promise<unknown>): boolean {
    return running === this.#latest
  }

  /**
   * Runs a query in the name of an operation: it counts as one execution of the operation's shape.
   */
  runAs<TOperation, TResult>(operation: Operation<TOperation>, scope: Scope | undefined, query: () => Promise<TResult>): Promise<TResult> {
    return this.#ask(operation, scope, query, undefined)
  }

  /** @param query - Left out: the operation itself. */
  #ask<TOperation, TResult>(
    operation: Operation<TOperation>,
    scope: Scope | undefined,
    query: (() => Promise<TResult>) | undefined,
    listener: AnswerListener | undefined,
  ): Promise<TResult> {
    const { shape } = operation
    const execution = shape === undefined ? undefined : this.#begin(operation, shape, scope)
    let asked: Promise<TResult>
    try {
      asked = query === undefined ? (operation.run() as unknown as Promise<TResult>) : query()
    } catch (error) {
      this.#end(execution, operation, undefined, true)
      return Promise.reject(this.#mark(error))
    }
    // Callbacks instead of `await`: this is the hottest path, and each awaited promise costs more than one followed by `then`.
    return asked.then(
      (result) => {
        if (operation.kind !== 'read') this.#outcomes.set(operation, { result })
        this.#end(execution, operation, query === undefined ? (result as unknown as TOperation) : undefined)
        if (listener !== undefined) this.#tell(listener, operation, result, scope)
        return result
      },
      (error: unknown) => {
        if (operation.kind !== 'read') this.#outcomes.set(operation, { error })
        this.#end(execution, operation, undefined, true)
        throw this.#mark(error)
      },
    )
  }

  /** Whether the error came from the database or the ORM. What is no object cannot be Sluice's own. */
  isDatabaseError(error: unknown): boolean {
    return typeof error !== 'object' || error === null || this.#databaseErrors.has(error)
  }

  /** What became of a write: `undefined` if it was never sent. */
  outcomeOf(operation: Operation<unknown>): Outcome | 'pending' | undefined {
    return this.#outcomes.get(operation)
  }

  #begin(operation: Operation<unknown>, shape: Shape, scope: Scope | undefined): Execution | undefined {
    try {
      const execution = this.recorder.begin(scope, shape, operation)
      if (!operation.source.seesStatements) this.recorder.statement(scope)
      return execution
    } catch (error) {
      this.onError(error)
      return undefined
    }
  }

  #end<TResult>(execution: Execution | undefined, operation: Operation<TResult>, result: TResult | undefined, failed = false): void {
    if (execution === undefined) return
    try {
      const rows = result === undefined ? 0 : (operation.rows?.(result) ?? 0)
      this.recorder.end(execution, rows, operation, failed)
    } catch (error) {
      this.onError(error)
    }
  }

  #tell(listener: AnswerListener, operation: Operation<unknown>, result: unknown, scope: Scope | undefined): void {
    try {
      listener(operation, result, scope)
    } catch (error) {
      this.onError(error)
    }
  }

  #mark(error: unknown): unknown {
    if (typeof error === 'object' && error !== null) this.#databaseErrors.add(error)
    return error
  }
}
