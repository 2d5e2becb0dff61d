import { addCallers } from './error-stack.ts'
import type { Execution } from './execution.ts'
import type { AnswerListener, Handler } from './interceptor.ts'
import type { Operation, Shape } from './operation.ts'
import type { OperationContext, Outcome } from './operation-context.ts'
import type { Recorder } from './recorder.ts'

/**
 * The last step: queries the database through the adapter, records the execution, and remembers which errors
 * came from there, to distinguish them from errors of Sluice.
 */
export class Executor {
  readonly #databaseErrors = new WeakSet<object>()

  constructor(
    private readonly recorder: Recorder,
    private readonly onError: (error: unknown) => void,
  ) {}

  readonly run: Handler = (operation, context) => this.#send(operation, context, undefined, undefined)

  /** Like `run`, and passes each result to a listener before its caller receives it. */
  notifying(listener: AnswerListener): Handler {
    return (operation, context) => this.#send(operation, context, undefined, listener)
  }

  /** Monotonic time in milliseconds. */
  now(): number {
    return this.recorder.now()
  }

  /** Runs a query for an operation: it counts as one execution of the operation's normalized query. */
  runAs<TOperation, TResult>(
    operation: Operation<TOperation>,
    context: OperationContext,
    query: () => Promise<TResult>,
  ): Promise<TResult> {
    return this.#send(operation, context, query, undefined)
  }

  /** @param query - Default: the operation itself. */
  #send<TOperation, TResult>(
    operation: Operation<TOperation>,
    context: OperationContext,
    query: (() => Promise<TResult>) | undefined,
    listener: AnswerListener | undefined,
  ): Promise<TResult> {
    const { shape } = operation
    const isRead = operation.kind === 'read'
    if (query === undefined && !isRead) context.outcome = 'pending'
    const timer = context.scope?.timer
    const execution = shape === undefined ? undefined : this.#begin(operation, shape, context)
    let running: Promise<TResult>
    try {
      const run = operation.run as unknown as (context: OperationContext) => Promise<TResult>
      if (timer !== undefined) running = timer.outside(query ?? (() => run.call(operation, context)))
      else running = query === undefined ? run.call(operation, context) : query()
    } catch (error) {
      context.end()
      this.#end(execution, context, operation, undefined, true)
      running = Promise.reject(this.#mark(error))
      if (query === undefined) context.running = running
      return running
    }
    // Callbacks instead of `await`: this is the hottest path, and each awaited promise costs more than one
    // followed by `then`.
    const settled = running.then(
      (result) => {
        const own = query === undefined ? (result as unknown as TOperation) : undefined
        if (timer === undefined)
          this.#answered(operation, context, execution, result, own, isRead ? listener : undefined)
        else
          timer.inside(() =>
            this.#answered(operation, context, execution, result, own, isRead ? listener : undefined),
          )
        if (query === undefined && context.followers !== undefined)
          this.#settle(context.followers, { result })
        return result
      },
      (error: unknown) => {
        context.end()
        if (operation.kind !== 'read') context.outcome = { error }
        this.#end(execution, context, operation, undefined, true)
        if (query === undefined) {
          if (context.followers !== undefined) this.#settle(context.followers, { error })
          addCallers(error)
        }
        throw this.#mark(error)
      },
    )
    if (query === undefined) context.running = settled
    return settled
  }

  /**
   * Whether the error came from the database or the ORM. A value that is not an object cannot be an error of
   * Sluice.
   */
  isDatabaseError(error: unknown): boolean {
    return typeof error !== 'object' || error === null || this.#databaseErrors.has(error)
  }

  #begin(operation: Operation<unknown>, shape: Shape, context: OperationContext): Execution | undefined {
    try {
      const scope = context.isShadow ? undefined : context.scope
      const { seesStatements } = operation.source
      const execution = this.recorder.begin(scope, shape, operation, !seesStatements)
      if (!seesStatements) this.recorder.statement(scope)
      return execution
    } catch (error) {
      this.onError(error)
      return undefined
    }
  }

  /** @param own - The result, if it is that of the operation itself. */
  #answered<TOperation>(
    operation: Operation<TOperation>,
    context: OperationContext,
    execution: Execution | undefined,
    result: unknown,
    own: TOperation | undefined,
    listener: AnswerListener | undefined,
  ): void {
    context.end()
    if (operation.kind !== 'read') context.outcome = { result }
    this.#end(execution, context, operation, own)
    if (listener !== undefined) this.#notify(listener, operation, result, context)
  }

  #end<TResult>(
    execution: Execution | undefined,
    { gain }: OperationContext,
    operation: Operation<TResult>,
    result: TResult | undefined,
    failed = false,
  ): void {
    if (execution === undefined) return
    let rows = 0
    try {
      rows = result === undefined ? 0 : (operation.rows?.(result) ?? 0)
    } catch (error) {
      this.onError(error)
    }
    const tookMs = this.recorder.end(execution, rows, operation, failed)
    gain?.took(tookMs)
  }

  #settle(followers: readonly ((outcome: Outcome) => void)[], outcome: Outcome): void {
    try {
      for (const ended of followers) ended(outcome)
    } catch (error) {
      this.onError(error)
    }
  }

  #notify(
    listener: AnswerListener,
    operation: Operation<unknown>,
    result: unknown,
    context: OperationContext,
  ): void {
    try {
      listener(operation, result, context)
    } catch (error) {
      this.onError(error)
    }
  }

  #mark(error: unknown): unknown {
    if (typeof error === 'object' && error !== null) this.#databaseErrors.add(error)
    return error
  }
}
