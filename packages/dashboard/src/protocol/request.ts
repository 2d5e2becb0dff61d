import type { FindingCode, Mode, Place } from './common.ts'
import type { FindingItem } from './finding.ts'

/** A scope that has ended, as a row of a list. */
export interface RequestSummary {
  /** Of letters and digits: a part of a URL. */
  readonly id: string
  /** The process that it ran in: `ProcessInfo.id`. */
  readonly process: string
  /** `GET /cities/:id`, `job mail`, `run`. */
  readonly name: string
  readonly kind: 'request' | 'job' | 'other'
  /** Of an HTTP request. */
  readonly method: string | null
  /** Of an HTTP request whose route is known. */
  readonly route: string | null
  readonly statusCode: number | null
  readonly failed: boolean
  readonly mode: Mode
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly durationMs: number
  /** Operations of the ORM. */
  readonly operations: number
  /** What reached the database. */
  readonly queries: number
  /** Reads that were answered by another's query, by what was asked ahead, and from the cache. */
  readonly merged: number
  readonly prefetched: number
  readonly answered: number
  /** Summed over queries, also over those that ran at once: it may be more than `durationMs`. */
  readonly databaseMs: number
  /** Each code once. */
  readonly findings: readonly FindingCode[]
}

/** One thing of a row: milliseconds since the scope began, how long it took, how many rows it gave, and whether it failed. */
export type Tick = readonly [startMs: number, durationMs: number, rows: number, failed: 0 | 1]

/**
 * How a row was answered: by the `database`; by another's query (`batch`); by what was asked `ahead`; from the `cache`; or `orm`: the ORM itself merged it with
 * others of its kind.
 */
export type Fill = 'database' | 'batch' | 'ahead' | 'cache' | 'orm'

/** All of one shape within a scope that were answered in one way: an N+1 is one row. */
export interface WaterfallRow {
  /** From 0, in the order of `startMs`. */
  readonly id: number
  /**
   * The row that it belongs under: the listing that a loop walks along, the operation that a statement was sent for, the query that a merged read was answered
   * by. `null`: none that is known.
   */
  readonly parent: number | null
  /** An `operation` of the ORM (of Knex: a statement), or a `statement` that an operation of Prisma's sent. */
  readonly level: 'operation' | 'statement'
  readonly fill: Fill
  /** The shape, without values: `City.findMany where regionId`, or SQL. */
  readonly label: string
  readonly fingerprint: string
  readonly kind: 'read' | 'write' | 'other'
  readonly table: string | null
  /** Of SQL: with the fingerprint it names the statement, as `explain` takes it. `null`: it is an operation of an ORM. */
  readonly dialect: string | null
  /** How often. */
  readonly count: number
  /** When the first began and the last ended, in milliseconds since the scope began. */
  readonly startMs: number
  readonly endMs: number
  /** Of all of them, summed. 0 unless `fill` is `database`. */
  readonly databaseMs: number
  readonly rows: number
  readonly failed: number
  /** How many began while another of the row was under way. */
  readonly parallel: number
  /** The first ones, in order: `count` may be more. */
  readonly ticks: readonly Tick[]
  readonly callSite: Place | null
  /** How to ask once, as code of the ORM. Only where it was asked several times. */
  readonly fix: string | null
  /** The finding that is about it: `FindingItem.key`. */
  readonly finding: string | null
  /** What the first were asked with, as JSON. `null`: it is not shown. */
  readonly parameters: readonly string[] | null
}

/** `GET api/requests/:id`: where a request's time went. */
export interface RequestDetail extends RequestSummary {
  readonly rows: readonly WaterfallRow[]
  /** Rows that are not kept, because there were too many in this request. */
  readonly omittedRows: number
  /** As they were in this request: `count` and `databaseMs` are of it alone. */
  readonly found: readonly FindingItem[]
  /** The newest of the same name that is kept: where this one is old. */
  readonly newest: string
}

/** `GET api/requests` takes these; each may be left out. */
export interface RequestsQuery {
  /** A part of the name, in any case. */
  readonly name?: string
  /** `error`: failed, or a status of 500 and more. */
  readonly status?: '2xx' | '3xx' | '4xx' | '5xx' | 'error'
  /** With this finding; `any`: with any. */
  readonly code?: FindingCode | 'any'
  readonly minMs?: number
  readonly minQueries?: number
  /** `limit`: of `recent`; up to 500. @defaultValue 100 */
  readonly limit?: number
}

/** `GET api/requests`: which routes overspend, and what came last. */
export interface RequestsPage {
  readonly routes: readonly RouteRow[]
  /** The newest first, those alone that match. */
  readonly recent: readonly RequestSummary[]
  /** How many match, of those that are kept. */
  readonly matching: number
  readonly ring: RingState
}

/** The last requests of one name together. Figures are of the last `sample` of them, unless they say something else. */
export interface RouteRow {
  readonly name: string
  readonly kind: RequestSummary['kind']
  /** Since the dashboard was made. */
  readonly requests: number
  readonly errors: number
  /** A second, in the last ten. */
  readonly perSecond: number
  /** How many the figures below are of; 128 at most. */
  readonly sample: number
  /** For a request, on average. */
  readonly queries: number
  readonly databaseMs: number
  /** Queries that asking once would have spared, for a request. */
  readonly repeats: number
  /** The share of reads that were answered without a query of their own, 0 to 1; `null` where there were none. */
  readonly sparedShare: number | null
  /** The same of those from the cache alone. */
  readonly cacheShare: number | null
  /** Milliseconds. */
  readonly p50: number
  readonly p95: number
  readonly p99: number
  /** The most queries that a request of it may make: of the dashboard's own budgets. */
  readonly budget: number | null
  /** How many of the sample made more. */
  readonly overBudget: number
  /** What is found in it, in the sample. */
  readonly flags: readonly FindingCode[]
  /** Milliseconds since 1970. */
  readonly lastAt: number
  /** The newest that is kept, and the newest with a finding. */
  readonly newest: string | null
  readonly newestFlagged: string | null
}

/** What is kept of requests, and for how long. */
export interface RingState {
  readonly requests: number
  /** An estimate of the heap. */
  readonly bytes: number
  readonly maxBytes: number
  /** Requests that had to leave since the dashboard was made. */
  readonly dropped: number
  /** When the oldest that is kept ended, in milliseconds since 1970. */
  readonly oldestAt: number | null
}
