import { AsyncLocalStorage } from 'node:async_hooks'
import type { StatementCaller } from '@sluice/core'
import type { WriteEffect } from '@sluice/core/adapter'

/** What a connection is told of the operation whose statements it gets. */
interface OperationContext {
  /** What it is expected to write. */
  readonly effect: WriteEffect | undefined
  readonly caller: StatementCaller | undefined
}

const operations = new AsyncLocalStorage<OperationContext>()
let underWay = 0

/** What the operation under way is expected to write: the connection checks it against the SQL. */
export function predictedEffect(): WriteEffect | undefined {
  return operations.getStore()?.effect
}

/** Where the operation under way comes from; `undefined` where that was not remembered. */
export function currentCaller(): StatementCaller | undefined {
  return operations.getStore()?.caller
}

/**
 * Runs an operation of Prisma's so that its connection sees what it is expected to write, and where it comes from. Prisma begins when its
 * promise is waited for, so that is what must happen in the context; a further promise around it would change the order of results.
 */
export function predicting<T>(effect: WriteEffect | undefined, ask: () => Promise<T>, caller?: StatementCaller): Promise<T> {
  const lazy: PromiseLike<T> = {
    // biome-ignore lint/suspicious/noThenProperty: it stands for Prisma's own lazy promise
    then: (fulfilled, rejected) => within({ effect, caller }, ask, fulfilled, rejected),
  }
  return lazy as Promise<T>
}

/** Runs what is begun at once so that its connection sees where it comes from. */
export function tracing<T>(caller: StatementCaller, ask: () => Promise<T>): Promise<T> {
  underWay += 1
  return operations.run({ effect: undefined, caller }, () => {
    const asked = ask()
    asked.then(leave, leave)
    return asked
  })
}

function within<T, TResult, TFailure>(
  context: OperationContext,
  ask: () => Promise<T>,
  fulfilled: ((value: T) => TResult | PromiseLike<TResult>) | null | undefined,
  rejected: ((reason: unknown) => TFailure | PromiseLike<TFailure>) | null | undefined,
): Promise<TResult | TFailure> {
  underWay += 1
  return operations.run(context, () =>
    ask().then(
      (value) => {
        leave()
        return typeof fulfilled === 'function' ? fulfilled(value) : (value as unknown as TResult)
      },
      (error: unknown) => {
        leave()
        if (typeof rejected === 'function') return rejected(error)
        throw error
      },
    ),
  )
}

/** As long as a storage is in use, it makes each promise of the process dearer. */
function leave(): void {
  underWay -= 1
  if (underWay === 0) operations.disable()
}
