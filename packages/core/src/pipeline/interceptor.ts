import type { Operation } from './operation.ts'
import type { OperationContext } from './operation-context.ts'

/** Runs an operation and returns its result. */
export type Handler = <TResult>(operation: Operation<TResult>, context: OperationContext) => Promise<TResult>

/**
 * One step on the path of an operation: returns a result, changes how the operation runs, or passes it to
 * `next`.
 */
export type Interceptor = <TResult>(
  operation: Operation<TResult>,
  context: OperationContext,
  next: Handler,
) => Promise<TResult>

/** Receives the result of a read before its caller does. Must not throw, and must not change it. */
export type AnswerListener = (
  operation: Operation<unknown>,
  result: unknown,
  context: OperationContext,
) => void

/** Composes interceptors, outermost first, around the step that queries the database. */
export function compose(interceptors: readonly Interceptor[], terminal: Handler): Handler {
  return interceptors.reduceRight<Handler>(
    (next, intercept) => (operation, context) => intercept(operation, context, next),
    terminal,
  )
}
