import type { FindingCode, Mode, Place } from './common.ts'
import type { FindingItem } from './finding.ts'

/** A finished scope as a row of a list. */
export interface RequestSummary {
  /** Letters and digits, safe in a URL. */
  readonly id: string
  /** ID of the process: `ProcessInfo.id`. */
  readonly process: string
  /** `GET /cities/:id`, `job mail`, `run`. */
  readonly name: string
  readonly kind: 'request' | 'job' | 'other'
  /** Only for an HTTP request. */
  readonly method: string | null
  /** Only for an HTTP request with a known route. */
  readonly route: string | null
  readonly statusCode: number | null
  readonly failed: boolean
  readonly mode: Mode
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly durationMs: number
  /** Operations of the ORM. */
  readonly operations: number
  /** Queries that were sent to the database. */
  readonly queries: number
  /** Reads that were batched with another query, prefetched, or served from the cache. */
  readonly batched: number
  readonly prefetched: number
  readonly cacheHits: number
  /** Sum over all queries, including concurrent ones, so it can exceed `durationMs`. */
  readonly databaseMs: number
  /** Each code once. */
  readonly findings: readonly FindingCode[]
}

/**
 * One execution in a row: start relative to the scope and duration in milliseconds, returned rows, and
 * whether it failed.
 */
export type Tick = readonly [startMs: number, durationMs: number, rows: number, failed: 0 | 1]

/**
 * Source of a row: a query to the `database`, another query (`batch`), prefetched rows (`ahead`), the
 * `cache`, or a batch of the ORM (`orm`).
 */
export type Fill = 'database' | 'batch' | 'ahead' | 'cache' | 'orm'

/** All executions of one normalized query in a scope with the same source. An N+1 is one row. */
export interface WaterfallRow {
  /** From 0, ordered by `startMs`. */
  readonly id: number
  /**
   * ID of the parent row: the parent query of a loop, the operation that sent a statement, or the query with
   * which a read was batched. `null` if there is none.
   */
  readonly parent: number | null
  /**
   * An `operation` of the ORM (for Knex, Kysely and Drizzle, a statement), or a `statement` that an operation
   * of Prisma sent.
   */
  readonly level: 'operation' | 'statement'
  readonly fill: Fill
  /** The normalized query, without values: `City.findMany where regionId`, or SQL. */
  readonly label: string
  readonly fingerprint: string
  readonly kind: 'read' | 'write' | 'other'
  readonly table: string | null
  /**
   * SQL dialect. Together with the fingerprint, it identifies the statement for `explain`. `null` for an
   * operation of an ORM.
   */
  readonly dialect: string | null
  /** Number of executions. */
  readonly count: number
  /** Start of the first and end of the last execution, in milliseconds since the start of the scope. */
  readonly startMs: number
  readonly endMs: number
  /** Sum over all executions. 0 unless `fill` is `database`. */
  readonly databaseMs: number
  readonly rows: number
  readonly failed: number
  /** Number of executions that started while another one of this row was in flight. */
  readonly parallel: number
  /** The first executions, in order. `count` can be larger. */
  readonly ticks: readonly Tick[]
  readonly callSite: Place | null
  /** A single query that replaces the executions, as code of the ORM. Only for several executions. */
  readonly fix: string | null
  /** Key of the finding about this row: `FindingItem.key`. */
  readonly finding: string | null
  /** Parameters of the first executions as JSON; `null` if they are not shown. */
  readonly parameters: readonly string[] | null
}

/** `GET api/requests/:id`: the waterfall of a request. */
export interface RequestDetail extends RequestSummary {
  readonly rows: readonly WaterfallRow[]
  /** Number of rows that are not stored, because there were too many in this request. */
  readonly omittedRows: number
  /** Findings in this request. `count` and `databaseMs` apply only to it. */
  readonly found: readonly FindingItem[]
  /** The newest stored request with the same name. */
  readonly newest: string
}

/** Parameters of `GET api/requests`, all optional. */
export interface RequestsQuery {
  /** Part of the name, case-insensitive. */
  readonly name?: string
  /** `error`: failed, or status 500 and above. */
  readonly status?: '2xx' | '3xx' | '4xx' | '5xx' | 'error'
  /** With this finding; `any` for any finding. */
  readonly code?: FindingCode | 'any'
  readonly minMs?: number
  readonly minQueries?: number
  /**
   * Maximum length of `recent`, up to 500.
   *
   * @defaultValue 100
   */
  readonly limit?: number
}

/** `GET api/requests`: statistics of routes, and the latest requests. */
export interface RequestsPage {
  readonly routes: readonly RouteRow[]
  /** Matching requests, newest first. */
  readonly recent: readonly RequestSummary[]
  /** Number of stored requests that match. */
  readonly matching: number
  readonly ring: RingState
}

/**
 * Statistics of requests with the same name. Unless stated otherwise, they cover the last `sample` requests.
 */
export interface RouteRow {
  readonly name: string
  readonly kind: RequestSummary['kind']
  /** Since the dashboard was created. */
  readonly requests: number
  readonly errors: number
  /** Average of the last 10 seconds. */
  readonly perSecond: number
  /** Number of requests in the statistics, at most 128. */
  readonly sample: number
  /** Average per request. */
  readonly queries: number
  readonly databaseMs: number
  /** Average number of queries per request that a fix would avoid. */
  readonly repeats: number
  /** Share of the reads that needed no separate query, 0 to 1; `null` without reads. */
  readonly sparedShare: number | null
  /** Share of the reads that were served from the cache; `null` without reads. */
  readonly cacheShare: number | null
  /** Milliseconds. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** Maximum number of queries per request, set in the dashboard. */
  readonly budget: number | null
  /** Number of requests in the sample that exceeded the budget. */
  readonly overBudget: number
  /** Findings in the sample. */
  readonly flags: readonly FindingCode[]
  /** Milliseconds since 1970. */
  readonly lastAt: number
  /** The newest stored request, and the newest one with a finding. */
  readonly newest: string | null
  readonly newestFlagged: string | null
}

/** State of the request history. */
export interface RingState {
  readonly requests: number
  /** An estimate of the heap size. */
  readonly bytes: number
  readonly maxBytes: number
  /** Requests that were evicted since the dashboard was created. */
  readonly dropped: number
  /** End of the oldest stored request, in milliseconds since 1970. */
  readonly oldestAt: number | null
}
