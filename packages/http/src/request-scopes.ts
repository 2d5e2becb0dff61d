import type { ServerResponse } from 'node:http'
import { createConsoleReport, NPlusOneError, type ScopeCounts, type ScopeHandle, type Sluice } from '@sluice/core'
import { hostOf, isDevelopment, type Scope } from '@sluice/core/siblings'
import onHeaders from 'on-headers'
import { passageOf } from './response-cache/passage.ts'

/** What a middleware or a plugin was told; what is left out is on in development. */
export interface RequestReporting {
  /** Prints each finding once for a scope's name, to stderr. */
  readonly report?: boolean | undefined
  /** Sends `Server-Timing` with the time spent in the database and the number of queries. */
  readonly serverTiming?: boolean | undefined
}

const TOO_LATE =
  "A request had findings, and its response was already sent: detection's throw mode cannot fail it. In a test, wrap the request in expectNoNPlusOne() of @sluice/core/testing."

/** What a response is timed by: its request's scope, and those that are opened within it, as of GraphQL operations. */
interface Timed {
  readonly counts: Readonly<ScopeCounts>[]
  isSent: boolean
}

/** Scopes of a server's requests. For those who write a middleware or a plugin; apps have no use for it. */
export class RequestScopes {
  readonly #sluice: Sluice
  readonly #sendsTiming: boolean
  readonly #stopReport: (() => void) | undefined
  readonly #stopTiming: (() => void) | undefined
  readonly #timed = new WeakMap<Scope, Timed>()

  constructor(sluice: Sluice, options: RequestReporting = {}) {
    // A report on the own terminal shows nothing to others: an app that is tried out without NODE_ENV has it, too.
    const reports = process.env.NODE_ENV === undefined || isDevelopment()
    // An app that has a logger has findings in its log.
    const { report = reports && hostOf(sluice).logger === undefined, serverTiming = isDevelopment() } = options
    this.#sluice = sluice
    this.#sendsTiming = serverTiming
    this.#stopReport = report ? sluice.on('finding', createConsoleReport()) : undefined
    this.#stopTiming = serverTiming ? hostOf(sluice).scopes.watch((scope, parent) => this.#addTo(parent, scope)) : undefined
  }

  /**
   * Opens a scope that ends when the response is closed: after it was sent, or when the client has gone.
   *
   * @param lastName - What to call the scope when it ends, where that is not known before.
   */
  open(response: ServerResponse, name: string, lastName?: () => string): ScopeHandle {
    const scope = this.#sluice.openScope(name)
    if (this.#sendsTiming) this.#time(response, scope)
    const passage = passageOf(response)
    passage?.scoped(this)
    // Not `once`, which wraps its listener: a response is closed once.
    response.on('close', () => {
      if (lastName !== undefined) scope.name = lastName()
      // A client that has gone before has seen no status.
      if (response.headersSent) scope.statusCode = response.statusCode
      this.#end(scope)
      passage?.closed(scope.name)
    })
    return scope
  }

  /** Prints no more. Scopes that are open end with their responses. */
  close(): void {
    this.#stopReport?.()
    this.#stopTiming?.()
  }

  #time(response: ServerResponse, scope: ScopeHandle): void {
    const timed: Timed = { counts: [scope.counts], isSent: false }
    const opened = scope.enter(() => hostOf(this.#sluice).scopes.current())
    if (opened !== undefined) this.#timed.set(opened, timed)
    onHeaders(response, () => {
      timed.isSent = true
      response.appendHeader('Server-Timing', timing(timed.counts))
    })
  }

  /** A response that goes on for hours opens scopes without end: what comes after its headers does not count. */
  #addTo(parent: Scope | undefined, scope: Scope): void {
    const timed = parent && this.#timed.get(parent)
    if (timed === undefined || timed.isSent) return
    timed.counts.push(scope.counts)
    this.#timed.set(scope, timed)
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

function timing(counts: readonly Readonly<ScopeCounts>[]): string {
  const sum = (of: (counts: Readonly<ScopeCounts>) => number) => counts.reduce((total, one) => total + of(one), 0)
  const [databaseMs, queries, answered] = [sum((one) => one.databaseMs), sum((one) => one.queries), sum((one) => one.answered)]
  return `db;dur=${databaseMs.toFixed(1)};desc="${queries} queries", sluice;desc="${answered} from cache"`
}
