import type { Operation } from './operation.ts'
import type { Scope } from './scope.ts'
import type { StateAhead } from './writes.ts'

/** Told of a read's result before its caller is. Must not throw, and must not change it. */
export type AnswerListener = (operation: Operation<unknown>, result: unknown, scope: Scope | undefined) => void

/** What an operation was answered with, where that was asked for before the operation began. */
export interface AskedAhead {
  /** The monotonic time at which the database was asked, in milliseconds. */
  readonly at: number
  /** The state of its tables then, where other processes write, too. */
  readonly state: StateAhead | undefined
}

const answers = new WeakMap<object, AskedAhead>()
const fresh = new WeakSet<object>()

/** Notes that an operation's caller wants what the database says now. */
export function demandFresh(operation: Operation<unknown>): void {
  fresh.add(operation)
}

/** Whether an operation must not be answered with what was asked for before it began. */
export function isFreshDemanded(operation: Operation<unknown>): boolean {
  return fresh.has(operation)
}

/** Notes that an operation is answered with what was asked for earlier. */
export function answeredFrom(operation: Operation<unknown>, asked: AskedAhead): void {
  answers.set(operation, asked)
}

/** When and under what an operation's answer was asked for; `undefined` when it was asked for by itself. */
export function askedAheadOf(operation: Operation<unknown>): AskedAhead | undefined {
  return answers.get(operation)
}
