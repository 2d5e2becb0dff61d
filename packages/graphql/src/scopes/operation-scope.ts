import { NPlusOneError, type ScopeHandle, type Sluice } from '@sluice/core'
import { checkOptions, hostOf, isInstance, option } from '@sluice/core/siblings'
import type { OperationDefinitionNode } from 'graphql'

const TOO_LATE =
  "A GraphQL operation had findings: detection's throw mode does not fail it. In a test, wrap the request in expectNoNPlusOne() of @sluice/core/testing."

interface OperationResult {
  readonly errors?: readonly unknown[] | undefined
}

/**
 * The scope of an operation. It takes the mode of the request's scope, if there is one, because `rollout` is
 * decided once per request.
 */
export class OperationScope {
  readonly #handle: ScopeHandle
  #hasEnded = false

  constructor(
    private readonly sluice: Sluice,
    name: string,
  ) {
    const around = hostOf(sluice).scopes.current()
    this.#handle = sluice.openScope(name, around === undefined ? {} : { mode: around.mode })
  }

  set name(value: string) {
    this.#handle.name = value
  }

  enter<T>(fn: () => T): T {
    return this.#handle.enter(fn)
  }

  /** Receives a result, with or without errors. */
  note(result: unknown): void {
    if (hasFailed(result)) this.#handle.failed = true
  }

  fail(): void {
    this.#handle.failed = true
  }

  /** Ends the scope and reports it. Idempotent. Never throws. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    try {
      this.#handle.end()
    } catch (error) {
      const host = hostOf(this.sluice)
      if (isInstance(error, NPlusOneError)) host.warn(TOO_LATE, 'SLUICE_LATE_FINDINGS')
      else host.reportError(error)
    }
  }
}

/** Whether a result contains a server error. An error with a code was created for the client. */
function hasFailed(result: unknown): boolean {
  const { errors } = Object(result) as OperationResult
  return Array.isArray(errors) && errors.some(isFailure)
}

function isFailure(error: unknown): boolean {
  const { extensions } = Object(error) as { readonly extensions?: { readonly code?: unknown } }
  const code = extensions?.code
  return code === undefined || code === 'INTERNAL_SERVER_ERROR'
}

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

export interface GraphqlScopeOptions {
  /**
   * Maximum number of operation names in reports and metrics, because clients choose them. Others are `query
   * (other)`. From `0` to `10000`.
   * @defaultValue 100
   */
  readonly maxNames?: number
}

const DEFAULT_MAX_NAMES = 100

/** @throws InvalidOptionError. */
export function resolveScopeOptions(options: GraphqlScopeOptions): Required<GraphqlScopeOptions> {
  checkOptions(options, { maxNames: option.integer(0, 10_000) })
  return { maxNames: options.maxNames ?? DEFAULT_MAX_NAMES }
}

const MAX_LENGTH = 60

/**
 * Names the scopes of operations. Clients choose operation names, and metrics have one series per name, so
 * long names are truncated, and only the first names are distinguished.
 */
export class OperationNames {
  readonly #known = new Set<string>()

  constructor(private readonly max: number) {}

  of(operation: Pick<OperationDefinitionNode, 'operation' | 'name'>): string {
    const { operation: kind, name } = operation
    if (name === undefined) return `${kind} (anonymous)`
    const full = `${kind} ${name.value.slice(0, MAX_LENGTH)}`
    if (this.#known.has(full)) return full
    if (this.#known.size >= this.max) return `${kind} (other)`
    this.#known.add(full)
    return full
  }
}
