import type { ServerResponse } from 'node:http'
import { createConsoleReport, hostOf, NPlusOneError, type ScopeHandle, type Sluice } from '@sluice/core'
import onHeaders from 'on-headers'

/** What a middleware or a plugin was told; what is left out is on unless `NODE_ENV` is `production`. */
export interface RequestReporting {
  /** Prints each finding once for a scope's name, to stderr. */
  readonly report?: boolean | undefined
  /** Sends `Server-Timing` with the time spent in the database and the number of queries. */
  readonly serverTiming?: boolean | undefined
}

const TOO_LATE =
  "A request had findings, and its response was already sent: detection's throw mode cannot fail it. In a test, wrap the request in expectNoNPlusOne() of @sluice/core/testing."

/** Scopes of a server's requests. For those who write a middleware or a plugin; apps have no use for it. */
export class RequestScopes {
  readonly #sluice: Sluice
  readonly #sendsTiming: boolean
  readonly #stopReport: (() => void) | undefined

  constructor(sluice: Sluice, options: RequestReporting = {}) {
    const isDevelopment = process.env.NODE_ENV !== 'production'
    const { report = isDevelopment, serverTiming = isDevelopment } = options
    this.#sluice = sluice
    this.#sendsTiming = serverTiming
    this.#stopReport = report ? sluice.on('finding', createConsoleReport()) : undefined
  }

  /**
   * Opens a scope that ends when the response is closed: after it was sent, or when the client has gone.
   *
   * @param lastName - What to call the scope when it ends, where that is not known before.
   */
  open(response: ServerResponse, name: string, lastName?: () => string): ScopeHandle {
    const scope = this.#sluice.openScope(name)
    if (this.#sendsTiming) onHeaders(response, () => response.appendHeader('Server-Timing', timing(scope)))
    response.once('close', () => {
      if (lastName !== undefined) scope.name = lastName()
      // A client that has gone before has seen no status.
      if (response.headersSent) scope.statusCode = response.statusCode
      this.#end(scope)
    })
    return scope
  }

  /** Prints no more. Scopes that are open end with their responses. */
  close(): void {
    this.#stopReport?.()
  }

  /** Ends a scope where nobody could catch what it throws. */
  #end(scope: ScopeHandle): void {
    try {
      scope.end()
    } catch (error) {
      const host = hostOf(this.#sluice)
      if (error instanceof NPlusOneError) host.warn(TOO_LATE)
      else host.reportError(error)
    }
  }
}

function timing({ counts: { databaseMs, queries, answered } }: ScopeHandle): string {
  return `db;dur=${databaseMs.toFixed(1)};desc="${queries} queries", sluice;desc="${answered} from cache"`
}
