import { linePoints } from '../pages/sparklines.ts'
import { enginesOf, isBad, openAlerts } from '../pages/vitals.ts'
import type { FindingItem } from '../protocol/finding.ts'
import type { LiveParts } from '../stream/live-parts.ts'
import type { LiveSource } from '../stream/live-source.ts'
import type { FactsQuery, ProcessFacts } from './process-facts.ts'

const MAX_REQUESTS = 100
/** A route's rate sinks for so long after its last request. */
const SINKING_MS = 15_000
const WINDOW_MS = 120_000
const MAX_KEYS = 300

/** What this process says of itself. */
export function factsOf(
  parts: LiveParts,
  live: Pick<LiveSource, 'ranked' | 'vitals' | 'totals' | 'ring' | 'requestsSince'>,
  findings: readonly FindingItem[],
  { since, routesSince }: FactsQuery,
): ProcessFacts {
  const { sluice, recorder, jobs, info, detects } = parts
  const { monitor, balancer } = sluice
  const routes = recorder.routes.figures(recorder.now()).filter(({ lastAt }) => lastAt >= routesSince - SINKING_MS)
  return {
    ...{ at: Date.now(), info: info(), engines: enginesOf(sluice, detects) },
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
