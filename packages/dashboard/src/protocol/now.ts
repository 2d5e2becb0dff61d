import type { Mode, Point, Severity } from './common.ts'

/** A page of the dashboard. */
export type Section =
  | 'now'
  | 'requests'
  | 'findings'
  | 'queries'
  | 'cache'
  | 'nodes'
  | 'jobs'
  | 'metrics'
  | 'alerts'

/** A problem of any engine. */
export interface RankedItem {
  readonly key: string
  readonly kind:
    | 'finding'
    | 'alert'
    | 'dead-letters'
    | 'queue'
    | 'node'
    | 'slow-query'
    | 'index'
    | 'statement'
    | 'error'
  readonly severity: Severity
  /** Title: `N+1  GET /cities`. */
  readonly title: string
  /** Detail: `102 queries → 2 possible`. */
  readonly detail: string
  /**
   * The page with details, and the item to open there: the key of a finding, ID of an alert or node, name of
   * a queue, or fingerprint.
   */
  readonly section: Section
  readonly target: string | null
  /** For a finding, the ID that `mute-finding` accepts. */
  readonly mutes: string | null
}

/** One of the charts of the page Now, with the last 2 minutes. */
export interface Sparkline {
  /**
   * `p50` and `p95` are response times. `databaseShare` is the share of the request time in which at least
   * one statement was in flight. A point of these and of `queriesPerRequest` covers 10 seconds.
   */
  readonly id: 'requests' | 'p50' | 'p95' | 'queriesPerRequest' | 'databaseShare' | 'errorRate'
  readonly label: string
  readonly unit: string
  /** At most 1 per second. A second without a point is missing, which is not 0. */
  readonly points: readonly Point[]
  /** `null` without a recent value. */
  readonly latest: number | null
}

/** Current figures. `null`: unknown. */
export interface Vitals {
  readonly requestsPerSecond: number | null
  /** Milliseconds, over the last 5 minutes. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  /** Percentage of requests. */
  readonly errorRate: number | null
  /** Average of the last 10 seconds. */
  readonly queriesPerSecond: number
  /** Share of the reads of the last minute that were served from the cache, 0 to 1. */
  readonly cacheShare: number | null
  /** Percentage of the available CPU or memory. */
  readonly cpu: number | null
  readonly memory: number | null
  /** Milliseconds. */
  readonly eventLoopDelay: number | null
}

/** Counters since startup. */
export interface Totals {
  /** Scopes since the dashboard was created. */
  readonly requests: number
  readonly operations: number
  readonly queries: number
  /** Reads that needed no separate query. */
  readonly spared: number
  readonly databaseMs: number
  /** Requests in which the overhead of Sluice was measured. */
  readonly timedRequests: number
  /** Overhead of Sluice in the measured requests, in milliseconds. */
  readonly overheadMs: number
  /** Duration of the measured requests, in milliseconds. */
  readonly timedMs: number
  /** Internal errors of Sluice. */
  readonly errors: number
}

/** Counts next to the page names in the navigation. */
export interface Badges {
  readonly findings: number
  readonly alerts: number
  readonly deadLetters: number
  /** Unhealthy nodes. */
  readonly nodes: number
}

/** Which engines are enabled. */
export interface Engines {
  readonly detection: boolean
  readonly cache: boolean
  readonly database: boolean
  readonly balancer: boolean
  readonly jobs: boolean
  readonly monitor: boolean
}

/** `GET api/now`: current problems and figures. */
export interface NowPage {
  readonly mode: Mode
  /** At most 5, worst first, without muted findings. */
  readonly ranked: readonly RankedItem[]
  readonly sparklines: readonly Sparkline[]
  readonly vitals: Vitals
  readonly totals: Totals
  readonly badges: Badges
}
