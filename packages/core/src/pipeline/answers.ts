import type { Operation } from './operation.ts'
import type { Scope } from './scope.ts'

/** Told of a read's result before its caller is. Must not throw, and must not change it. */
export type AnswerListener = (operation: Operation<unknown>, result: unknown, scope: Scope | undefined) => void

/** When the database was asked for what an operation was answered with, where that was before the operation began. */
const ages = new WeakMap<object, number>()

/** Notes that an operation is answered with what was asked for earlier. */
export function answeredFrom(operation: Operation<unknown>, askedAt: number): void {
  ages.set(operation, askedAt)
}

/** The monotonic time at which an operation's answer was asked for; `undefined` when it was asked for by itself. */
export function askedAtOf(operation: Operation<unknown>): number | undefined {
  return ages.get(operation)
}
