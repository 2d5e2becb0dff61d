import type { Finding, Sluice } from '@sluice/core'
import { causeOf, hostOf, type Scope, type SluiceHost } from '@sluice/core/siblings'
import { type RecordedRequest, recordedRequest } from './recorded-request.ts'
import { RequestRing } from './request-ring.ts'
import { RequestTrace } from './request-trace.ts'
import { RATE_SECONDS, RouteTable } from './route-stats.ts'
import { SecondCounts, SecondLog } from './second-log.ts'
import { ShapeBook } from './shape-book.ts'
import { SiteMemory } from './site-memory.ts'

export interface RecorderOptions {
  /** Prefix of the request IDs of this process, different from that of other processes. */
  readonly idPrefix: string
  readonly maxBytes: number
  readonly showParameters: boolean
}

/** Time and request of the last occurrence of a finding. */
export interface FindingTrace {
  readonly lastAt: number
  readonly request: string
}

const MAX_FINDINGS = 1_000
/**
 * Minimum time between scopes in which call sites of all first queries are recorded, because this is
 * expensive.
 */
const TRACE_GAP_MS = 200
const SHARE_SECONDS = 60

/** Stores the last requests of a Sluice instance. */
export class RequestRecorder {
  readonly shapes: ShapeBook = new ShapeBook()
  readonly ring: RequestRing
  readonly routes: RouteTable = new RouteTable()
  readonly seconds: SecondLog = new SecondLog()
  /** Number of finished scopes. */
  requests = 0
  readonly #host: SluiceHost
  readonly #sites = new SiteMemory()
  /**
   * Key under which a scope stores its trace. A weak map of scopes would be expensive for the garbage
   * collector.
   */
  readonly #key = Symbol('dashboard')
  readonly #reported: (readonly Finding[])[] = []
  readonly #findings = new Map<string, FindingTrace>()
  readonly #queries: SecondCounts
  readonly #reads: SecondCounts
  readonly #cached: SecondCounts
  readonly #listeners = new Set<(request: RecordedRequest) => void>()
  readonly #stops: readonly (() => void)[]
  #tracedAt = Number.NEGATIVE_INFINITY

  constructor(
    sluice: Sluice,
    private readonly options: RecorderOptions,
  ) {
    const host = hostOf(sluice)
    this.#host = host
    this.ring = new RequestRing(options.maxBytes, this.shapes, (request) => this.routes.dropped(request))
    this.#queries = new SecondCounts(RATE_SECONDS, host.now())
    this.#reads = new SecondCounts(SHARE_SECONDS, host.now())
    this.#cached = new SecondCounts(SHARE_SECONDS, host.now())
    this.#stops = [
      host.scopes.watch((scope) => this.#opened(scope)),
      // For each scope, these events arrive in this order, directly after each other.
      sluice.on('scope', ({ findings }) => void this.#reported.push(findings)),
      host.scopes.watchEnds((scope) => this.#ended(scope)),
      this.#watchStatements(),
    ]
  }

  /** Monotonic time in milliseconds. */
  now(): number {
    return this.#host.now()
  }

  /** Calls `listener` for each stored request. Returns a function that removes the listener. */
  onRequest(listener: (request: RecordedRequest) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /**
   * Returns the time and request of a finding's last occurrence. The request is only returned while it is
   * stored.
   */
  traceOf(key: string): { readonly lastAt: number | null; readonly request: string | null } {
    const trace = this.#findings.get(key)
    if (trace === undefined) return { lastAt: null, request: null }
    return {
      lastAt: trace.lastAt,
      request: this.ring.get(trace.request) === undefined ? null : trace.request,
    }
  }

  queriesPerSecond(): number {
    return this.#queries.perSecond(this.now())
  }

  /** Share of the reads of the last minute that were served from the cache; `undefined` without reads. */
  cacheShare(): number | undefined {
    const { reads, cached } = this.readCounts()
    return reads === 0 ? undefined : cached / reads
  }

  /** Reads of the last minute, and how many of them were served from the cache. */
  readCounts(): { readonly reads: number; readonly cached: number } {
    return { reads: this.#reads.total(this.now()), cached: this.#cached.total(this.now()) }
  }

  /** Stops recording. */
  close(): void {
    for (const stop of this.#stops) stop()
    this.#listeners.clear()
    this.ring.clear()
    this.#findings.clear()
  }

  #opened(scope: Scope): void {
    const now = this.now()
    const trace = new RequestTrace(scope, () => this.now())
    scope.setState(this.#key, trace)
    scope.addTrace(trace)
    if (now - this.#tracedAt < TRACE_GAP_MS) return
    this.#tracedAt = now
    scope.tracesFirst = true
  }

  #ended(scope: Scope): void {
    if (scope.isOwn) return
    // Also called for scopes that started before the dashboard was created.
    const findings = this.#reported.pop() ?? []
    const trace = scope.stateOf(this.#key) as RequestTrace | undefined
    if (trace === undefined) return
    scope.deleteState(this.#key)
    trace.close()
    const now = this.now()
    this.requests += 1
    const request = recordedRequest(scope, trace, findings, {
      id: `${this.options.idPrefix}${this.requests.toString(36)}`,
      sequence: this.requests,
      now,
      shapes: this.shapes,
      sites: this.#sites,
      showParameters: this.options.showParameters,
    })
    const { cacheHits, operations, queries } = request
    this.#queries.add(now, queries)
    this.seconds.add(request)
    this.#reads.add(now, Math.max(operations, cacheHits))
    this.#cached.add(now, cacheHits)
    this.ring.add(request)
    this.routes.add(request, now)
    for (const finding of findings) this.#remember(finding, request)
    for (const listener of this.#listeners) listener(request)
  }

  #remember(finding: Finding, { id, startedAt, durationMs }: RecordedRequest): void {
    const key = causeOf(finding)
    // Reinsert the entry to order the map by last occurrence.
    this.#findings.delete(key)
    if (this.#findings.size >= MAX_FINDINGS)
      this.#findings.delete(this.#findings.keys().next().value as string)
    this.#findings.set(key, { lastAt: Math.round(startedAt + durationMs), request: id })
  }

  /**
   * Records statements of Prisma, which are not operations. Statements of Knex, Kysely and Drizzle are
   * recorded as operations.
   */
  #watchStatements(): () => void {
    return this.#host.watchStatements({
      begin: (_sql, dialect, analyzed) => {
        if (analyzed.statement.isOwn === true) return undefined
        const scope = this.#host.scopes.current()
        const trace = scope?.stateOf(this.#key) as RequestTrace | undefined
        return trace?.sent(analyzed, dialect)
      },
    })
  }
}
