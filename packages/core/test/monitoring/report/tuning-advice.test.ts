import { describe, expect, it } from 'vitest'
import type { MetricHealth } from '../../../src/monitoring/health.ts'
import { type AdviceInput, tuningAdvice } from '../../../src/monitoring/report/tuning-advice.ts'
import type { TrendAnalysis } from '../../../src/monitoring/trends/trend-analysis.ts'
import { metricTitle } from '../../../src/shared/metric-title.ts'
import { alertWith } from '../alerts/alert.ts'

const MB = 1_048_576

function advise(some: Partial<AdviceInput>) {
  return tuningAdvice({ metrics: [], trends: {}, critical: { memory: 90, disk: 95 }, resolved: [], ...some })
}

function health(metric: string, some: Partial<MetricHealth> = {}): MetricHealth {
  return {
    ...{ metric, source: 'a', unit: '', last: 1, count: 30, min: 1, max: 1, avg: 1, p50: 1, p95: 1, p99: 1 },
    ...some,
  }
}

describe('advice on flapping alerts', () => {
  const times = (count: number, some = {}) =>
    Array.from({ length: count }, () => alertWith({ status: 'resolved', ...some }))

  it('starts at 6 alerts of one metric and source', () => {
    expect(advise({ resolved: times(5) })).toEqual([])
    expect(advise({ resolved: times(6) })).toEqual([
      'The alert "CPU of a" came and went 6 times in a day: raise its threshold, or alerts.forMs.',
    ])
    expect(advise({ resolved: [...times(5), ...times(5, { source: 'b' })] })).toEqual([])
  })

  it('ignores alerts that a person resolved', () => {
    expect(advise({ resolved: [...times(5), ...times(3, { resolvedBy: 'ann' })] })).toEqual([])
  })
})

describe('advice on the size of a cache', () => {
  const full = { reads: 1_000, hitRate: 0.5, evictions: 251, usedMemory: 91 * MB, totalMemory: 100 * MB }
  const empty = { reads: 1_000, hitRate: 0.99, evictions: 0, usedMemory: 9 * MB, totalMemory: 100 * MB }

  it('recommends a larger cache if it is full, misses often, and evicts as often', () => {
    expect(advise({ cache: full })).toEqual([
      'The cache is full, serves 50% of reads, and evicts an entry for at least every second miss: raise cache.maxBytes from 100 MB to 200 MB.',
    ])
    for (const some of [{ reads: 999 }, { hitRate: 0.8 }, { evictions: 250 }, { usedMemory: 90 * MB }])
      expect(advise({ cache: { ...full, ...some } })).toEqual([])
  })

  it('recommends a smaller cache if it is mostly unused and nothing was evicted', () => {
    expect(advise({ cache: empty })).toEqual([
      'The cache uses 9.0 MB of 100 MB: 18 MB would do (cache.maxBytes).',
    ])
    for (const some of [{ reads: 999 }, { evictions: 1 }, { usedMemory: 10 * MB }])
      expect(advise({ cache: { ...empty, ...some } })).toEqual([])
  })

  it('recommends at least 1 MB', () => {
    expect(advise({ cache: { ...empty, usedMemory: 1_000 } })).toEqual([
      'The cache uses 0.0 MB of 100 MB: 1.0 MB would do (cache.maxBytes).',
    ])
  })
})

describe('advice on a pool', () => {
  it('recommends a larger pool if 5% of the queries wait at least 50 ms', () => {
    const wait = (p95: number) => advise({ metrics: [health('poolWait', { p95, source: 'postgres' })] })
    expect(wait(49.9)).toEqual([])
    expect(wait(50)).toEqual([
      '5% of the queries wait at least 50 ms for a connection of postgres, while CPU usage is 0%: enlarge the pool if the database has capacity. More workers would make it worse.',
    ])
  })

  it('recommends more workers if the busiest CPU has no capacity', () => {
    const advice = (avg: number) =>
      advise({
        metrics: [health('poolWait', { p95: 60 }), health('cpu', { avg: 5 }), health('cpu', { avg })],
      })
    expect(advice(79)[0]).toContain('enlarge the pool')
    expect(advice(80)[0]).toContain('and CPU usage is 80%: add workers first')
  })
})

describe('advice on task concurrency', () => {
  const queue = {
    queue: 'mail',
    maxConcurrency: 10,
    queued: 1,
    processing: 10,
    oldestTaskMs: 30_000,
    isPaused: false,
  }

  it('recommends more concurrency if tasks wait, all workers are busy, and CPU is available', () => {
    expect(advise({ queues: [queue] })).toEqual([
      'Tasks of "mail" wait up to 30 s with a concurrency of 10, while CPU usage is 0%: raise the concurrency.',
    ])
    for (const some of [{ isPaused: true }, { queued: 0 }, { oldestTaskMs: 29_999 }, { processing: 9 }])
      expect(advise({ queues: [{ ...queue, ...some }] })).toEqual([])
    expect(advise({ queues: [queue], metrics: [health('cpu', { avg: 80 })] })).toEqual([])
  })
})

describe('advice on growing resources', () => {
  const growing = (changePerMinute: number): TrendAnalysis => ({
    ...{ trend: 'increasing', changeRate: 0.2, significance: 1, points: 30 },
    changePerMinute,
  })

  it('estimates when memory or a disk is full if that is within a day', () => {
    for (const [metric, limit] of [
      ['memory', 90],
      ['disk', 95],
    ] as const) {
      const advice = (perMinute: number, last: number) =>
        advise({
          metrics: [health(metric, { last: 1 }), health(metric, { last })],
          trends: { [metric]: growing(perMinute) },
        })
      expect(advice(0.123, limit - 10)).toEqual([
        `${metricTitle(metric)} grows by 0.12% per minute: at this rate, it reaches ${limit}% in 81 minutes.`,
      ])
      // The limit is already exceeded, which an alert reports.
      expect(advice(1, limit)).toEqual([])
      expect(advice(10 / 1_440, limit - 10)).toHaveLength(1)
      expect(advice(10 / 1_441, limit - 10)).toEqual([])
    }
  })

  it('is empty without growth, without a limit, or without a value', () => {
    const metrics = [health('memory', { last: 80 })]
    expect(advise({ metrics, trends: { memory: { ...growing(1), trend: 'stable' } } })).toEqual([])
    expect(advise({ metrics, trends: { memory: growing(1) }, critical: {} })).toEqual([])
    expect(advise({ trends: { memory: growing(1) } })).toEqual([])
  })
})
