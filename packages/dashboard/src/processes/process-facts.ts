import { enginesOf, isBad, type LineSource, lineSource, openAlerts } from '../pages/now-page.ts'
import type { PageParts } from '../pages/page-parts.ts'
import type { RankedFact } from '../pages/ranked.ts'
import type { FindingItem } from '../protocol/finding.ts'
import type { RequestSummary } from '../protocol/request.ts'
import type { Snapshot } from '../protocol/stream.ts'
import type { RouteFigures } from '../recorder/route-stats.ts'
import type { LiveSource } from '../stream/delta-maker.ts'
import type { ProcessIdentity } from './process-identity.ts'

/** Data of one process, in a form that can be added up. */
export interface ProcessFacts
  extends Pick<Snapshot, 'at' | 'engines' | 'vitals' | 'totals' | 'ring'>,
    Pick<LineSource, 'metrics'> {
  readonly ranked: readonly RankedFact[]
  readonly info: ProcessIdentity
  /** Response times of the last 5 minutes in milliseconds, with their counts. */
  readonly responseTimes: readonly (readonly [ms: number, count: number])[]
  /** Reads of the last minute, and how many of them were served from the cache. */
  readonly reads: number
  readonly cached: number
  readonly badges: {
    /** Keys of findings that are not muted. */
    readonly findings: readonly string[]
    readonly alerts: number
    /** IDs of unhealthy nodes. */
    readonly nodes: readonly string[]
    readonly deadLetters: readonly (readonly [queue: string, count: number])[]
    /** Whether its tasks are in a backend that other processes share. */
    readonly hasSharedJobs: boolean
  }
  /** Completed seconds since the given time, at most 2 minutes. */
  readonly seconds: LineSource['seconds']
  /** Routes with requests since the given time. */
  readonly routes: readonly RouteFigures[]
  /** Requests since the given one, newest first. `count` can be larger. */
  readonly requests: readonly RequestSummary[]
  readonly count: number
  /** Sequence number of the last request. */
  readonly last: number
}

/** Parameters of a question for data. */
export interface FactsQuery {
  /** Sequence number of the last known request; 0 if there is none. */
  readonly since: number
  /** Only routes with requests, and seconds, since this time, in milliseconds since 1970; 0 for all. */
  readonly sinceAt: number
}

const MAX_REQUESTS = 100
/** How long the rate of a route decreases after its last request. */
const SINKING_MS = 15_000
const MAX_KEYS = 300

/** Returns the data of this process. */
export function factsOf(
  parts: PageParts,
  live: Pick<LiveSource, 'vitals' | 'totals' | 'ring' | 'requestsSince'> & {
    rankedFacts(): readonly RankedFact[]
  },
  findings: readonly FindingItem[],
  { since, sinceAt }: FactsQuery,
): ProcessFacts {
  const { sluice, recorder, jobs, process } = parts
  const { monitor, balancer } = sluice
  const routes = recorder.routes
    .figures(recorder.now())
    .filter(({ lastAt }) => lastAt >= sinceAt - SINKING_MS)
  return {
    at: Date.now(),
    info: process,
    engines: enginesOf(sluice),
    ranked: live.rankedFacts(),
    vitals: live.vitals(),
    totals: live.totals(),
    ring: live.ring(),
    responseTimes: monitor?.getMetricDistribution('responseTime') ?? [],
    ...recorder.readCounts(),
    badges: {
      findings: findings.flatMap(({ key, isMuted }) => (isMuted ? [] : [key])).slice(0, MAX_KEYS),
      alerts: openAlerts(monitor),
      nodes: (balancer?.nodes ?? []).filter(isBad).map(({ id }) => id),
      deadLetters: jobs.queues.map(({ queue, deadLetters }) => [queue, deadLetters] as const),
      hasSharedJobs: sluice.jobs?.isShared ?? false,
    },
    // The second of the previous data was not completed.
    ...lineSource(sluice, recorder, sinceAt - 2_000),
    routes,
    ...live.requestsSince(since, MAX_REQUESTS),
  }
}
