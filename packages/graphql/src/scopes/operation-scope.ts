import { NPlusOneError, type ScopeHandle, type Sluice } from '@sluice/core'
import { hostOf, isInstance } from '@sluice/core/siblings'

const TOO_LATE =
  "A GraphQL operation had findings: detection's throw mode does not fail it. In a test, wrap the request in expectNoNPlusOne() of @sluice/core/testing."

/** The used parts of an operation. */
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
