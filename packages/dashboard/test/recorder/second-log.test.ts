import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { latestPoints, sparklines } from '../../src/pages/now-page.ts'
import type { RecordedRequest } from '../../src/recorder/recorded-request.ts'
import { SecondLog } from '../../src/recorder/second-log.ts'

const START = 1_700_000_000_000

beforeEach(() => void vi.useFakeTimers({ now: START }))
afterEach(() => void vi.useRealTimers())

/** Records a request that ends now. */
function end(log: SecondLog, durationMs: number, more: Partial<RecordedRequest> = {}): void {
  log.add({
    name: 'GET /',
    startedAt: Date.now() - durationMs,
    durationMs,
    queries: 2,
    databaseMs: durationMs / 4,
    ...more,
  } as RecordedRequest)
}

const linesOf = (log: SecondLog) => {
  const source = { metrics: { requests: [], errorRate: [] }, seconds: log.since(0) }
  return {
    lines: Object.fromEntries(sparklines(source).map(({ id, points, latest }) => [id, { points, latest }])),
    last: latestPoints(source),
  }
}

describe('SecondLog', () => {
  it('adds up the HTTP requests of each completed second', () => {
    const log = new SecondLog()
    end(log, 10)
    end(log, 30, { queries: 6 })
    end(log, 9_000, { name: 'job mail' })
    expect(log.since(0)).toEqual([])
    vi.advanceTimersByTime(1_000)
    end(log, 5)
    const [second, ...more] = log.since(0)
    expect(second).toMatchObject({ at: START, requests: 2, queries: 8, databaseMs: 10, durationMs: 40 })
    expect(second?.durations.map(([, count]) => count)).toEqual([1, 1])
    expect(more).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(log.since(START + 1_000).map(({ at }) => at)).toEqual([START + 1_000])
  })

  it('has durations within 2.5% of the measured ones, each in a few buckets', () => {
    const log = new SecondLog()
    for (const ms of [0.02, 0.7, 3, 41, 999, 60_000]) {
      end(log, ms)
      vi.advanceTimersByTime(1_000)
      const [found] = log.since(Date.now() - 1_000)[0]?.durations[0] ?? [0]
      expect(Math.abs(found / ms - 1)).toBeLessThan(0.025)
    }
    for (let ms = 100; ms < 110; ms += 0.01) end(log, ms)
    vi.advanceTimersByTime(1_000)
    expect(log.since(0).at(-1)?.durations.length).toBeLessThanOrEqual(4)
  })
})

describe('charts of requests', () => {
  it('have points that cover the 10 seconds before them', () => {
    const log = new SecondLog()
    for (const ms of [100, 100, 100, 1_000]) {
      end(log, ms)
      vi.advanceTimersByTime(3_000)
    }
    const { lines, last } = linesOf(log)
    expect(lines.p50?.points.map(([at, ms]) => [at - START, Math.round(ms / 10)])).toEqual([
      [0, 10],
      [3_000, 10],
      [6_000, 10],
      [9_000, 10],
    ])
    expect(lines.p95?.points.at(-1)?.[1]).toBeCloseTo(1_000, -2)
    expect(lines.queriesPerRequest?.points.at(-1)).toEqual([START + 9_000, 2])
    expect(lines.databaseShare?.points.at(-1)).toEqual([START + 9_000, 25])
    for (const [id, point] of Object.entries(last)) expect(lines[id]?.points.at(-1)).toEqual(point)
    expect(Object.keys(last)).toEqual(['p50', 'p95', 'queriesPerRequest', 'databaseShare'])
    vi.advanceTimersByTime(6_000)
    end(log, 10, { databaseMs: 10 })
    vi.advanceTimersByTime(1_000)
    expect(linesOf(log).last.databaseShare?.[1]).toBeCloseTo(25.9, 0)
  })

  it('have no latest value 15 seconds after the last request', () => {
    const log = new SecondLog()
    end(log, 10)
    vi.advanceTimersByTime(15_000)
    expect(linesOf(log).lines.queriesPerRequest?.latest).toBe(2)
    vi.advanceTimersByTime(1)
    expect(linesOf(log).lines.queriesPerRequest?.latest).toBeNull()
    expect(linesOf(log).lines.requests).toEqual({ points: [], latest: null })
  })
})
