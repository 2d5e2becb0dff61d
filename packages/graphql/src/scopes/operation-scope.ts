import { NPlusOneError, type ScopeHandle, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'

const TOO_LATE =
  "A GraphQL operation had findings: detection's throw mode does not fail it. In a test, wrap the request in expectNoNPlusOne() of @sluice/core/testing."

/** What servers give of an operation, as far as it matters here. */
interface OperationResult {
  readonly errors?: readonly unknown[] | undefined
}

/** The scope of an operation. It has the mode of the request's, if there is one: `rollout` is drawn for a request once. */
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

  /** Results came, with errors or without. */
  note(result: unknown): void {
    if (hasFailed(result)) this.#handle.failed = true
  }

  fail(): void {
    this.#handle.failed = true
  }

  /** Reports. A second call does nothing; nothing is thrown. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    try {
      this.#handle.end()
    } catch (error) {
      const host = hostOf(this.sluice)
      if (error instanceof NPlusOneError) host.warn(TOO_LATE)
      else host.reportError(error)
    }
  }
}

/** An error that says by a code what it is was made for the client; one without is a failure of the server's. */
function hasFailed(result: unknown): boolean {
  const { errors } = Object(result) as OperationResult
  return Array.isArray(errors) && errors.some(isFailure)
}

function isFailure(error: unknown): boolean {
  const { extensions } = Object(error) as { readonly extensions?: { readonly code?: unknown } }
  const code = extensions?.code
  return code === undefined || code === 'INTERNAL_SERVER_ERROR'
}
