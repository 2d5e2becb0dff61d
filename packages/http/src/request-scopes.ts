import type { ServerResponse } from 'node:http'
import { createConsoleReport, NPlusOneError, type ScopeHandle, type Sluice } from '@sluice/core'
import {
  hostOf,
  isDevelopment,
  isInstance,
  printsReports,
  type Scope,
  type ScopeCounts,
} from '@sluice/core/siblings'
import onHeaders from 'on-headers'
import { RequestNames } from './request-names.ts'
import { cachedRouteOf, passageOf } from './response-cache/response-cache-front.ts'

/** Reporting options of a middleware or a plugin. Omitted options are on in development. */
export interface RequestReporting {
  /** Prints each finding to stderr, once per scope name. */
  readonly report?: boolean | undefined
  /** Sends `Server-Timing` with the time spent in the database and the number of queries. */
  readonly serverTiming?: boolean | undefined
}

const TOO_LATE =
  "A request had findings, and its response was already sent: detection's throw mode cannot fail it. In a test, wrap the request in expectNoNPlusOne() of @sluice/core/testing."

/**
 * The scopes that count for a response: that of its request, and scopes opened within it, such as those of
 * GraphQL operations.
 */
interface Timed {
  readonly counts: Readonly<ScopeCounts>[]
  isSent: boolean
}

/**
 * The property of responses that contains their scope, for all `RequestScopes` of a Sluice. Cheaper than a
 * `WeakMap` of responses, each of which the garbage collector visits.
 */
const keys = new WeakMap<Sluice, symbol>()

/** The Sluices whose findings are printed: each is printed once, however many middlewares an app has. */
const reporting = new WeakMap<Sluice, { users: number; readonly stop: () => void }>()

/** Prints the findings of a Sluice until the returned function was called by each caller. */
function report(sluice: Sluice): () => void {
  const shared = reporting.get(sluice) ?? { users: 0, stop: sluice.on('finding', createConsoleReport()) }
  reporting.set(sluice, shared)
  shared.users += 1
  let isStopped = false
  return () => {
    if (isStopped) return
    isStopped = true
    shared.users -= 1
    if (shared.users > 0) return
    shared.stop()
    reporting.delete(sluice)
  }
}

type ScopedResponse = ServerResponse & { [key: symbol]: ScopeHandle | undefined }

/**
 * Creates scopes for the requests of a server. For authors of middleware and plugins; apps do not need it.
 */
export class RequestScopes {
  /** The names of its scopes. Bounded: all other names are `GET (other)`. */
  readonly names: RequestNames = new RequestNames()
  readonly #sluice: Sluice
  readonly #sendsTiming: boolean
  readonly #stopReport: (() => void) | undefined
  readonly #stopTiming: (() => void) | undefined
  readonly #timed = new WeakMap<Scope, Timed>()
  readonly #key: symbol

  constructor(sluice: Sluice, options: RequestReporting = {}) {
    const { logger, scopes } = hostOf(sluice)
    // If an app has a logger, its findings are in the log.
    const { report: prints = printsReports() && logger === undefined, serverTiming = isDevelopment() } =
      options
    this.#sluice = sluice
    this.#key = keys.get(sluice) ?? Symbol('sluice.scope')
    keys.set(sluice, this.#key)
    this.#sendsTiming = serverTiming
    this.#stopReport = prints ? report(sluice) : undefined
    this.#stopTiming = serverTiming ? scopes.watch((scope, parent) => this.#addTo(parent, scope)) : undefined
  }

  /**
   * Opens a scope that ends when the response is closed: after it was sent, or when the client disconnected.
   * If the response already has a scope of this Sluice, because the middleware is used twice, returns that
   * scope.
   *
   * @param name - A name from `names.ofRoute`. In the name of any other request, ids and files are replaced:
   * `GET /cities/7` is `GET /cities/:id`. A function is called only if the name is needed before the end.
   * @param lastName - Returns the final name of the scope when it ends, if the name is not known earlier.
   */
  open(response: ServerResponse, name: string | (() => string), lastName?: () => string): ScopeHandle {
    const passage = passageOf(response)
    passage?.scoped(this)
    const scoped = response as ScopedResponse
    const known = scoped[this.#key]
    if (known !== undefined) return known
    const scope = this.#sluice.openScope(lastName === undefined ? this.#bounded(name) : name)
    scoped[this.#key] = scope
    if (this.#sendsTiming) this.#time(response, scope)
    // Not `once`, which wraps its listener: a response closes only once.
    response.on('close', () => {
      if (lastName !== undefined) scope.name = this.names.of(cachedNameOf(response, this.names) ?? lastName())
      // If the client disconnected earlier, it received no status.
      if (response.headersSent) scope.statusCode = response.statusCode
      this.#end(scope)
      passage?.closed(scope.name)
    })
    return scope
  }

  /** Stops printing. Open scopes end with their responses. */
  close(): void {
    this.#stopReport?.()
    this.#stopTiming?.()
  }

  #bounded(name: string | (() => string)): string | (() => string) {
    return typeof name === 'string' ? this.names.of(name) : () => this.names.of(name())
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

  /**
   * Ignores scopes that are opened after the headers were sent: a response that lasts for hours opens an
   * unlimited number.
   */
  #addTo(parent: Scope | undefined, scope: Scope): void {
    const timed = parent && this.#timed.get(parent)
    if (timed === undefined || timed.isSent) return
    timed.counts.push(scope.counts)
    this.#timed.set(scope, timed)
  }

  /** Ends a scope at a point where no caller could catch its error. */
  #end(scope: ScopeHandle): void {
    try {
      scope.end()
    } catch (error) {
      const host = hostOf(this.#sluice)
      if (isInstance(error, NPlusOneError)) host.warn(TOO_LATE, 'SLUICE_LATE_FINDINGS')
      else host.reportError(error)
    }
  }
}

/** Returns the name of a request that a response cache answered before the app matched a route. */
function cachedNameOf(response: ServerResponse, names: RequestNames): string | undefined {
  const route = cachedRouteOf(response)
  return route === undefined ? undefined : names.ofRoute(response.req.method ?? 'GET', route)
}

function timing(counts: readonly Readonly<ScopeCounts>[]): string {
  const sum = (of: (counts: Readonly<ScopeCounts>) => number) =>
    counts.reduce((total, one) => total + of(one), 0)
  const [databaseMs, queries, hits] = [
    sum((one) => one.databaseMs),
    sum((one) => one.queries),
    sum((one) => one.cacheHits),
  ]
  return `db;dur=${databaseMs.toFixed(1)};desc="${queries} queries", sluice;desc="${hits} from cache"`
}
