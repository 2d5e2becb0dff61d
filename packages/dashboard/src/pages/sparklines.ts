import type { Sluice } from '@sluice/core'
import type { Point } from '../protocol/common.ts'
import type { Sparkline } from '../protocol/now.ts'

const WINDOW_MS = 120_000

export const LINES: readonly Omit<Sparkline, 'points' | 'latest'>[] = [
  { id: 'requests', label: 'Requests', unit: 'req/s' },
  { id: 'responseTime', label: 'Response time', unit: 'ms' },
  { id: 'queriesPerRequest', label: 'Queries per request', unit: '' },
  { id: 'errorRate', label: 'Errors', unit: '%' },
]

/** Queries per request for each second. */
export interface QueryLine {
  points(sinceMs: number): readonly Point[]
}

/** The four charts of the page Now: metrics of the monitor, and queries per request. */
export function sparklines({ monitor }: Pick<Sluice, 'monitor'>, queries: QueryLine): Sparkline[] {
  return LINES.map((line) => {
    const points = pointsOf(line.id, monitor, queries)
    const metric = line.id
    const latest = metric === 'queriesPerRequest' ? latestOf(points) : (monitor?.currentLoad(metric) ?? null)
    return { ...line, points, latest: latest === null ? null : short(latest) }
  })
}

/** The last point of each chart. */
export function latestPoints(
  sluice: Pick<Sluice, 'monitor'>,
  queries: QueryLine,
): Partial<Record<Sparkline['id'], Point>> {
  const latest: Partial<Record<Sparkline['id'], Point>> = {}
  for (const { id } of LINES) {
    const point = pointsOf(id, sluice.monitor, queries).at(-1)
    if (point !== undefined) latest[id] = point
  }
  return latest
}

function pointsOf(id: Sparkline['id'], monitor: Sluice['monitor'], queries: QueryLine): Point[] {
  if (id === 'queriesPerRequest')
    return queries.points(WINDOW_MS).map(([at, value]) => [at, short(value)] as const)
  return linePoints(id, monitor)
}

/** A metric for each second of the last 2 minutes. */
export function linePoints(
  id: Exclude<Sparkline['id'], 'queriesPerRequest'>,
  monitor: Sluice['monitor'],
): Point[] {
  // Skip the current second, which is incomplete.
  const second = Math.floor(Date.now() / 1_000) * 1_000
  const trend = monitor?.getMetricTrend(id, WINDOW_MS) ?? []
  return trend.flatMap(({ timestamp, value }) => {
    const at = Math.round(timestamp / 1_000) * 1_000
    return at < second ? [[at, short(value)] as const] : []
  })
}

function latestOf(points: readonly Point[]): number | null {
  const last = points.at(-1)
  return last === undefined || Date.now() - last[0] > 15_000 ? null : last[1]
}

/** Rounds to 3 digits, because more digits would cause a delta at every update. */
export function short(value: number): number {
  return Number(value.toPrecision(3))
}
