import type { Mode, Point, Severity } from './common.ts'

/** A page of the dashboard. */
export type Section = 'now' | 'requests' | 'findings' | 'queries' | 'cache' | 'nodes' | 'jobs' | 'metrics' | 'alerts'

/** Something that is wrong, or could be better: of whatever engine. */
export interface RankedItem {
  readonly key: string
  readonly kind: 'finding' | 'alert' | 'dead-letters' | 'queue' | 'node' | 'slow-query' | 'index' | 'statement' | 'error'
  readonly severity: Severity
  /** A line: `N+1  GET /cities`. */
  readonly title: string
  /** Another: `102 queries → 2 possible`. */
  readonly detail: string
  /** Where there is more, and what to open there: a finding's key, an alert's id, a node's id, a queue's name, a fingerprint. */
  readonly section: Section
  readonly target: string | null
  /** Of a finding: what `mute-finding` takes. */
  readonly mutes: string | null
}

/** One of the four lines of the first page: the last two minutes. */
export interface Sparkline {
  readonly id: 'requests' | 'responseTime' | 'queriesPerRequest' | 'errorRate'
  readonly label: string
  readonly unit: string
  /** One a second at most; a second without one is missing, which is not 0. */
  readonly points: readonly Point[]
  /** `null`: nothing came lately. */
  readonly latest: number | null
}

/** Figures of the moment. `null`: not known. */
export interface Vitals {
  readonly requestsPerSecond: number | null
  /** Milliseconds, of the last five minutes. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  /** Percent of requests. */
  readonly errorRate: number | null
  /** A second, in the last ten. */
  readonly queriesPerSecond: number
  /** The share of reads of the last minute that were answered from the cache, 0 to 1. */
  readonly cacheShare: number | null
  /** Percent of what the process may have. */
  readonly cpu: number | null
  readonly memory: number | null
  /** Milliseconds. */
  readonly eventLoopDelay: number | null
}

/** Counters since the app was started. */
export interface Totals {
  /** Scopes since the dashboard was made. */
  readonly requests: number
  readonly operations: number
  readonly queries: number
  /** Reads without a query of their own. */
  readonly spared: number
  readonly databaseMs: number
  /** Requests in which Sluice's own code was timed. */
  readonly timedRequests: number
  /** Milliseconds that Sluice's own code took in timed requests. */
  readonly overheadMs: number
  /** Milliseconds that timed requests lasted. */
  readonly timedMs: number
  /** Errors inside Sluice. */
  readonly errors: number
}

/** What stands beside the names of the pages. */
export interface Badges {
  readonly findings: number
  readonly alerts: number
  readonly deadLetters: number
  /** Nodes that are not healthy. */
  readonly nodes: number
}

/** Which engines are on. */
export interface Engines {
  readonly detection: boolean
  readonly cache: boolean
  readonly database: boolean
  readonly balancer: boolean
  readonly jobs: boolean
  readonly monitor: boolean
}

/** `GET api/now`: is anything wrong? */
export interface NowPage {
  readonly mode: Mode
  /** Five at most, the worst first; what is muted is left out. */
  readonly ranked: readonly RankedItem[]
  readonly sparklines: readonly Sparkline[]
  readonly vitals: Vitals
  readonly totals: Totals
  readonly badges: Badges
}
