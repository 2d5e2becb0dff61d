import type { OperationScope } from './operation-scope.ts'

/**
 * Runs an operation in its scope, which ends with the result. For an incremental result, it ends with the
 * last part.
 */
export function runOperation(scope: OperationScope, execute: () => unknown): unknown {
  let result: unknown
  try {
    result = scope.enter(execute)
  } catch (error) {
    throw failed(scope, error)
  }
  if (!isThenable(result)) return finish(scope, result)
  return result.then(
    (value) => finish(scope, value),
    (error: unknown) => {
      throw failed(scope, error)
    },
  )
}

function finish(scope: OperationScope, result: unknown): unknown {
  if (isAsyncIterable(result)) return inScope(scope, result)
  scope.note(result)
  scope.end()
  return result
}

/**
 * Iterates over the same parts and computes each in the scope. The scope ends with the last part, or when the
 * consumer stops.
 */
function inScope(scope: OperationScope, parts: AsyncIterable<unknown>): AsyncIterableIterator<unknown> {
  const iterator = scope.enter(() => parts[Symbol.asyncIterator]())
  const step = async (take: () => Promise<IteratorResult<unknown>>): Promise<IteratorResult<unknown>> => {
    try {
      const part = await scope.enter(take)
      if (part.done === true) scope.end()
      else noteParts(scope, part.value)
      return part
    } catch (error) {
      throw failed(scope, error)
    }
  }
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => step(() => iterator.next()),
    return: (value?: unknown) => step(async () => (await iterator.return?.(value)) ?? { done: true, value }),
    throw: (error?: unknown) =>
      step(() => {
        if (iterator.throw === undefined) throw error
        return iterator.throw(error)
      }),
  }
}

function noteParts(scope: OperationScope, part: unknown): void {
  scope.note(part)
  const { incremental } = Object(part) as { readonly incremental?: readonly unknown[] }
  for (const one of incremental ?? []) scope.note(one)
}

function failed(scope: OperationScope, error: unknown): unknown {
  scope.fail()
  scope.end()
  return error
}

export function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as PromiseLike<unknown> | null)?.then === 'function'
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] === 'function'
}
