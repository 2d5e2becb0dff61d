import type { Operation } from './operation.ts'
import type { Scope } from './scope.ts'

/** Runs an operation to its result. */
export type Handler = <TResult>(operation: Operation<TResult>, scope: Scope | undefined) => Promise<TResult>

/** One step on the way of an operation: answers it, changes how it is run, or hands it on. */
export type Interceptor = (next: Handler) => Handler

/** Interceptors from the outside in, around what finally asks the database. */
export function compose(interceptors: readonly Interceptor[], terminal: Handler): Handler {
  return interceptors.reduceRight((next, interceptor) => interceptor(next), terminal)
}
