import { AsyncLocalStorage } from 'node:async_hooks'
import type { StatementCaller, WriteEffect } from '@sluice/core/adapter'

/** Context of the operation whose statements a connection receives. */
interface OperationContext {
  /** The expected writes. */
  readonly effect: WriteEffect | undefined
  readonly caller: StatementCaller | undefined
}

const operations = new AsyncLocalStorage<OperationContext>()
let underWay = 0

/** Expected writes of the current operation: the connection checks them against the SQL. */
export function predictedEffect(): WriteEffect | undefined {
  return operations.getStore()?.effect
}

/** Call site of the current operation; `undefined` if it was not recorded. */
export function currentCaller(): StatementCaller | undefined {
  return operations.getStore()?.caller
}

/**
 * Runs a Prisma operation so that its connection sees the expected writes and the call site. Prisma starts an
 * operation when its promise is awaited, so the await must happen in the context; an additional promise
 * around it would change the order of results.
 */
export function predicting<T>(
  effect: WriteEffect | undefined,
  send: () => Promise<T>,
  caller?: StatementCaller,
): Promise<T> {
  const lazy: PromiseLike<T> = {
    // biome-ignore lint/suspicious/noThenProperty: it stands for Prisma's own lazy promise
    then: (fulfilled, rejected) => within({ effect, caller }, send, fulfilled, rejected),
  }
  return lazy as Promise<T>
}

/** Runs an operation that starts immediately, so that its connection sees the call site. */
export function tracing<T>(caller: StatementCaller, send: () => Promise<T>): Promise<T> {
  underWay += 1
  return operations.run({ effect: undefined, caller }, () => {
    const sent = send()
    sent.then(leave, leave)
    return sent
  })
}

function within<T, TResult, TFailure>(
  context: OperationContext,
  send: () => Promise<T>,
  fulfilled: ((value: T) => TResult | PromiseLike<TResult>) | null | undefined,
  rejected: ((reason: unknown) => TFailure | PromiseLike<TFailure>) | null | undefined,
): Promise<TResult | TFailure> {
  underWay += 1
  return operations.run(context, () =>
    send().then(
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

/** While a storage is in use, it adds a cost to each promise of the process. */
function leave(): void {
  underWay -= 1
  if (underWay === 0) operations.disable()
}
