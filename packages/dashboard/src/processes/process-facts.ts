import type { ProcessInfo } from '../protocol/common.ts'
import type { RequestSummary } from '../protocol/request.ts'
import type { Snapshot } from '../protocol/stream.ts'
import type { RouteFigures } from '../recorder/route-figures.ts'

/** What is told of a process but for its place among others. */
export type ProcessIdentity = Omit<ProcessInfo, 'index' | 'of'>

/** What was asked for in a second, and how many requests it was for. Milliseconds since 1970. */
type QueriesOfSecond = readonly [at: number, requests: number, queries: number]

/** What a process says of itself, so that several can be added up. */
export interface ProcessFacts extends Pick<Snapshot, 'at' | 'engines' | 'ranked' | 'vitals' | 'totals' | 'ring'> {
  readonly info: ProcessIdentity
  /** Milliseconds of requests in the last five minutes, and how many took that. */
  readonly responseTimes: readonly (readonly [ms: number, count: number])[]
  /** Reads of the last minute, and those of them that were answered from the cache. */
  readonly reads: number
  readonly cached: number
  readonly badges: {
    /** Keys of findings that are not muted. */
    readonly findings: readonly string[]
    readonly alerts: number
    /** Ids of nodes that are not healthy. */
    readonly nodes: readonly string[]
    readonly deadLetters: readonly (readonly [queue: string, count: number])[]
    /** Its tasks are kept where other processes have them, too. */
    readonly hasSharedJobs: boolean
  }
  /** The points of the first page's lines. */
  readonly lines: Readonly<Record<'requests' | 'responseTime' | 'errorRate', readonly (readonly [at: number, value: number])[]>>
  readonly queries: readonly QueriesOfSecond[]
  /** Those of which something came since the time that was asked for. */
  readonly routes: readonly RouteFigures[]
  /** Since the one that was asked for, the newest first; `count` may be more. */
  readonly requests: readonly RequestSummary[]
  readonly count: number
  /** The number of the last one. */
  readonly last: number
}

/** What facts are asked for. */
export interface FactsQuery {
  /** The number of the last request that is known; 0: none. */
  readonly since: number
  /** Routes of which something came since then, in milliseconds since 1970; 0: all. */
  readonly routesSince: number
}
