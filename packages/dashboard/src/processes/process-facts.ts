import type { PageParts } from '../pages/page-parts.ts'
import { linePoints } from '../pages/sparklines.ts'
import { enginesOf, isBad, openAlerts } from '../pages/vitals.ts'
import type { FindingItem } from '../protocol/finding.ts'
import type { RequestSummary } from '../protocol/request.ts'
import type { Snapshot } from '../protocol/stream.ts'
import type { RouteFigures } from '../recorder/route-stats.ts'
import type { LiveSource } from '../stream/delta-maker.ts'
import type { ProcessIdentity } from './process-identity.ts'

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

const MAX_REQUESTS = 100
/** A route's rate sinks for so long after its last request. */
const SINKING_MS = 15_000
const WINDOW_MS = 120_000
const MAX_KEYS = 300

/** What this process says of itself. */
export function factsOf(
  parts: PageParts,
  live: Pick<LiveSource, 'ranked' | 'vitals' | 'totals' | 'ring' | 'requestsSince'>,
  findings: readonly FindingItem[],
  { since, routesSince }: FactsQuery,
): ProcessFacts {
  const { sluice, recorder, jobs, process } = parts
  const { monitor, balancer } = sluice
  const routes = recorder.routes.figures(recorder.now()).filter(({ lastAt }) => lastAt >= routesSince - SINKING_MS)
  return {
    ...{ at: Date.now(), info: process, engines: enginesOf(sluice) },
    ...{ ranked: live.ranked(), vitals: live.vitals(), totals: live.totals(), ring: live.ring() },
    responseTimes: monitor?.getMetricDistribution('responseTime') ?? [],
    ...recorder.readCounts(),
    badges: {
      findings: findings.flatMap(({ key, isMuted }) => (isMuted ? [] : [key])).slice(0, MAX_KEYS),
      alerts: openAlerts(monitor),
      nodes: (balancer?.nodes ?? []).filter(isBad).map(({ id }) => id),
      deadLetters: jobs.queues.map(({ queue, deadLetters }) => [queue, deadLetters] as const),
      hasSharedJobs: sluice.jobs?.isShared ?? false,
    },
    lines: {
      requests: linePoints('requests', monitor),
      responseTime: linePoints('responseTime', monitor),
      errorRate: linePoints('errorRate', monitor),
    },
    queries: recorder.queryLine.seconds(WINDOW_MS),
    routes,
    ...live.requestsSince(since, MAX_REQUESTS),
  }
}
