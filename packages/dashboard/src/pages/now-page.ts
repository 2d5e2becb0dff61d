import type { ServerNode, Sluice } from '@sluice/core'
import { quantileOf } from '../processes/merge/sums.ts'
import type { Point } from '../protocol/common.ts'
import type { FindingItem } from '../protocol/finding.ts'
import type { Badges, Engines, Sparkline, Totals, Vitals } from '../protocol/now.ts'
import type { RequestRecorder } from '../recorder/request-recorder.ts'
import type { SecondFigures } from '../recorder/second-log.ts'
import type { JobFacts } from './job-facts.ts'

const WINDOW_MS = 120_000
/** Time that a point covers, so that single requests do not dominate it. */
const SPAN_MS = 10_000
/** Age after which the last point of a line is no longer its latest value. */
const LATEST_MS = 15_000

const LINES: readonly Omit<Sparkline, 'points' | 'latest'>[] = [
  { id: 'requests', label: 'Requests', unit: 'req/s' },
  { id: 'p50', label: 'Response time p50', unit: 'ms' },
  { id: 'p95', label: 'Response time p95', unit: 'ms' },
  { id: 'errorRate', label: 'Errors', unit: '%' },
  { id: 'queriesPerRequest', label: 'Queries per request', unit: '' },
  { id: 'databaseShare', label: 'Database share', unit: '%' },
]

/** Metrics of the monitor that the page Now shows. */
export type MetricLine = 'requests' | 'errorRate'

/** The data behind the charts of the page Now, of one process or of all. */
export interface LineSource {
  readonly metrics: Readonly<Record<MetricLine, readonly Point[]>>
  /** Oldest first. */
  readonly seconds: readonly SecondFigures[]
}

/** @param from - Start of the seconds, in milliseconds since 1970. */
export function lineSource(
  { monitor }: Pick<Sluice, 'monitor'>,
  { seconds }: Pick<RequestRecorder, 'seconds'>,
  from: number = Date.now() - WINDOW_MS,
): LineSource {
  return {
    metrics: { requests: metricPoints('requests', monitor), errorRate: metricPoints('errorRate', monitor) },
    seconds: seconds.since(from),
  }
}

/** The charts of the page Now. */
export function sparklines(source: LineSource): Sparkline[] {
  return LINES.map((line) => {
    const points = pointsOf(line.id, source)
    const last = points.at(-1)
    return {
      ...line,
      points,
      latest: last === undefined || Date.now() - last[0] > LATEST_MS ? null : last[1],
    }
  })
}

/** The last point of each chart. */
export function latestPoints({ metrics, seconds }: LineSource): Partial<Record<Sparkline['id'], Point>> {
  const last = seconds.at(-1)
  return Object.fromEntries(
    LINES.flatMap(({ id }) => {
      const point = isMetric(id) ? metrics[id].at(-1) : last && pointAt(id, last, seconds)
      return point === undefined ? [] : [[id, point] as const]
    }),
  )
}

type RequestLine = Exclude<Sparkline['id'], MetricLine>

function isMetric(id: Sparkline['id']): id is MetricLine {
  return id === 'requests' || id === 'errorRate'
}

function pointsOf(id: Sparkline['id'], { metrics, seconds }: LineSource): readonly Point[] {
  return isMetric(id) ? metrics[id] : seconds.map((second) => pointAt(id, second, seconds))
}

/** The point of a second: a figure of the requests that finished in it, or shortly before. */
function pointAt(id: RequestLine, { at }: SecondFigures, seconds: readonly SecondFigures[]): Point {
  return [
    at,
    short(
      figureOf(
        id,
        seconds.filter((one) => one.at <= at && one.at > at - SPAN_MS),
      ),
    ),
  ]
}

function figureOf(id: RequestLine, seconds: readonly SecondFigures[]): number {
  const sum = (of: 'requests' | 'queries' | 'databaseMs' | 'durationMs') =>
    seconds.reduce((total, second) => total + second[of], 0)
  if (id === 'queriesPerRequest') return sum('queries') / sum('requests')
  if (id === 'databaseShare') return (sum('databaseMs') / Math.max(sum('durationMs'), Number.MIN_VALUE)) * 100
  const durations = seconds.flatMap((second) => second.durations)
  return quantileOf(durations, id === 'p50' ? 0.5 : 0.95) ?? 0
}

/** A metric for each second of the last 2 minutes. */
function metricPoints(id: MetricLine, monitor: Sluice['monitor']): Point[] {
  // Skip the current second, which is incomplete.
  const second = Math.floor(Date.now() / 1_000) * 1_000
  const trend = monitor?.getMetricTrend(id, WINDOW_MS) ?? []
  return trend.flatMap(({ timestamp, value }) => {
    const at = Math.round(timestamp / 1_000) * 1_000
    return at < second ? [[at, short(value)] as const] : []
  })
}

/** Rounds to 3 digits, because more digits would cause a delta at every update. */
export function short(value: number): number {
  return Number(value.toPrecision(3))
}

export function vitalsOf({ monitor }: Sluice, recorder: RequestRecorder): Vitals {
  const now = (metric: string): number | null => {
    const value = monitor?.currentLoad(metric)
    return value === undefined ? null : short(value)
  }
  const times = monitor?.getSystemHealth().metrics.find(({ metric }) => metric === 'responseTime')
  const share = recorder.cacheShare()
  return {
    requestsPerSecond: now('requests'),
    p50: times === undefined ? null : short(times.p50),
    p95: times === undefined ? null : short(times.p95),
    p99: times === undefined ? null : short(times.p99),
    errorRate: now('errorRate'),
    queriesPerSecond: short(recorder.queriesPerSecond()),
    cacheShare: share === undefined ? null : short(share),
    cpu: now('cpu'),
    memory: now('memory'),
    eventLoopDelay: now('eventLoopDelay'),
  }
}

export function totalsOf({ queries }: Sluice, recorder: RequestRecorder): Totals {
  const { seen, statements, executed, batched, prefetched, cacheHits, databaseMs, errors, overhead } =
    queries.getStats()
  return {
    requests: recorder.requests,
    // In observe mode, statements of Knex, Kysely and Drizzle are operations that `seen` does not count.
    operations: Math.max(seen, executed),
    queries: Math.max(statements, executed),
    spared: batched + prefetched + cacheHits,
    databaseMs: Math.round(databaseMs),
    timedRequests: overhead.timedScopes,
    overheadMs: short(overhead.timedMs),
    timedMs: short(overhead.timedDurationMs),
    errors,
  }
}

export function badgesOf(
  { monitor, balancer }: Sluice,
  findings: readonly FindingItem[],
  jobs: JobFacts,
): Badges {
  return {
    findings: findings.filter(({ isMuted }) => !isMuted).length,
    alerts: openAlerts(monitor),
    deadLetters: jobs.deadLetters,
    nodes: balancer?.nodes.filter(isBad).length ?? 0,
  }
}

/** Number of alerts that are not acknowledged. */
export function openAlerts(monitor: Sluice['monitor']): number {
  return monitor?.getActiveAlerts().filter(({ status }) => status === 'active').length ?? 0
}

/** Whether a node needs attention. */
export function isBad({ status }: Pick<ServerNode, 'status'>): boolean {
  return status === 'degraded' || status === 'unhealthy'
}

export function enginesOf(sluice: Sluice): Engines {
  const { cache, database, balancer, jobs, monitor } = sluice
  return {
    detection: sluice.isDetecting,
    cache: cache !== undefined,
    database: database !== undefined,
    balancer: balancer !== undefined,
    jobs: jobs !== undefined,
    monitor: monitor !== undefined,
  }
}
