import { describe, expect, it } from 'vitest'
import type { TuningAdvice } from '../../../src/monitoring/report/advice.ts'
import type { MetricHealth } from '../../../src/monitoring/report/performance-report.ts'
import { type AdviceInput, tuningAdvice } from '../../../src/monitoring/report/tuning-advice.ts'
import type { TrendAnalysis } from '../../../src/monitoring/trends.ts'
import { metricTitle } from '../../../src/shared/metric-title.ts'
import { alertWith } from '../alerts/alert.ts'

const MB = 1_048_576

const NOTHING: AdviceInput = { metrics: [], trends: {}, critical: { memory: 90, disk: 95 }, resolved: [] }

function advise(some: Partial<AdviceInput>) {
  return tuningAdvice({ ...NOTHING, ...some }).map(({ text }) => text)
}

function health(metric: string, some: Partial<MetricHealth> = {}): MetricHealth {
  return {
    metric,
    source: 'a',
    unit: '',
    last: 1,
    count: 30,
    min: 1,
    max: 1,
    avg: 1,
    p50: 1,
    p95: 1,
    p99: 1,
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
  const full = {
    periodMs: 120_000,
    reads: 1_000,
    hits: 500,
    evictions: 251,
    ghostHits: 200,
    ghostLoadMs: 3_000,
    usedMemory: 99 * MB,
    totalMemory: 100 * MB,
  }
  const empty = {
    periodMs: 120_000,
    reads: 1_000,
    hits: 990,
    evictions: 0,
    ghostHits: 0,
    ghostLoadMs: 0,
    usedMemory: 9 * MB,
    totalMemory: 100 * MB,
  }
  const adviceOn = (cache: typeof full) => tuningAdvice({ ...NOTHING, cache })

  it('recommends twice the memory for values that are missed after their eviction, with the effect', () => {
    expect(adviceOn(full)).toEqual([
      {
        kind: 'cacheBytes',
        setting: 'cache.maxBytes',
        from: 100 * MB,
        to: 200 * MB,
        expected: { measure: 'hitRate', from: 0.5, to: 0.7 },
        text: 'Raise cache.maxBytes from 100 MB to 200 MB: the cache would serve about 70% instead of 50% of reads, and save 1500 ms of loading per minute.',
      },
    ])
    expect(adviceOn({ ...full, ghostLoadMs: 0 })[0]?.text).toBe(
      'Raise cache.maxBytes from 100 MB to 200 MB: the cache would serve about 70% instead of 50% of reads.',
    )
  })

  it('recommends none for few reads, few such misses, or many other misses', () => {
    for (const some of [{ reads: 999 }, { ghostHits: 199 }, { reads: 2_501 }])
      expect(adviceOn({ ...full, ...some })).toEqual([])
    expect(adviceOn({ ...full, reads: 2_500 })).toHaveLength(1)
  })

  it('shows a decimal of a small difference', () => {
    expect(adviceOn({ ...full, reads: 100_000, hits: 98_500 })[0]?.text).toContain('98.7% instead of 98.5%')
  })

  it('recommends a smaller cache if it is mostly unused and nothing was evicted', () => {
    expect(adviceOn(empty)).toMatchObject([
      {
        from: 100 * MB,
        to: 18 * MB,
        expected: { measure: 'hitRate', from: 0.99, to: 0.99 },
        text: 'Lower cache.maxBytes from 100 MB to 18 MB: the cache uses 9.0 MB and has evicted nothing, so it would still serve 99% of reads.',
      },
    ])
    for (const some of [{ reads: 999 }, { evictions: 1 }, { usedMemory: 10 * MB }])
      expect(adviceOn({ ...empty, ...some })).toEqual([])
  })

  it('recommends at least 1 MB', () => {
    expect(adviceOn({ ...empty, usedMemory: 1_000 })).toMatchObject([{ to: MB }])
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

  it('states the number of connections and its effect if the pool is known', () => {
    const metrics = [health('poolWait', { p95: 90, avg: 20, count: 30_000, source: 'knex1' })]
    const pool = { name: 'knex1', max: 10, limit: undefined }
    const of = (limit: number | undefined) =>
      tuningAdvice({ ...NOTHING, metrics, pools: [{ ...pool, limit }] })
    expect(of(undefined)).toMatchObject([
      {
        kind: 'poolSize',
        setting: 'maximum of pool knex1',
        from: 10,
        expected: { measure: 'waitMs', from: 20 },
      },
    ])
    const [{ to = 0, expected, text } = {}] = of(undefined) as [TuningAdvice]
    expect(to).toBeGreaterThan(10)
    expect(expected?.to).toBeLessThanOrEqual(10)
    expect(text).toBe(
      `5% of the queries wait at least 90 ms for a connection of knex1, while CPU usage is 0%. Raise the maximum of the pool from 10 to ${to} if the database has capacity: the mean wait of 20 ms would fall to ${expected?.to.toFixed(1)} ms or less. More workers would make it worse.`,
    )
    // More callers wait, who may send more if they wait less.
    const [crowded] = tuningAdvice({
      ...NOTHING,
      pools: [{ ...pool, limit: undefined }],
      metrics: [health('poolWait', { p95: 90, avg: 20, count: 300_000, source: 'knex1' })],
    })
    expect(crowded?.to).toBe(15)
    expect(crowded?.expected?.to).toBeCloseTo(20 * ((20 + 10 - 15) / 20) * (10 / 15), 6)
    expect(of(11)).toMatchObject([{ from: 10, to: 11 }])
    expect(of(11)[0]?.expected?.to).toBeGreaterThan(expected?.to ?? 0)
    expect(of(10)).toEqual([
      {
        kind: 'poolSize',
        text: '5% of the queries wait at least 90 ms for a connection of knex1, and the server has no free connections: shorten the statements that hold them.',
      },
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
    throughputPerSecond: 0,
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

describe('advice on a concurrency that is applied', () => {
  it('states the values and the effect if tasks finish', () => {
    const queue = { queue: 'mail', maxConcurrency: 10, queued: 1, processing: 10, oldestTaskMs: 30_000 }
    expect(
      tuningAdvice({ ...NOTHING, queues: [{ ...queue, isPaused: false, throughputPerSecond: 2.5 }] }),
    ).toEqual([
      {
        kind: 'concurrency',
        setting: 'concurrency of queue mail',
        from: 10,
        to: 20,
        expected: { measure: 'tasksPerSecond', from: 2.5, to: 5 },
        text: 'Tasks of "mail" wait up to 30 s with a concurrency of 10, while CPU usage is 0%: raise the concurrency to 20. Up to 5 instead of 2.5 tasks would finish per second.',
      },
    ])
  })
})

describe('advice on growing resources', () => {
  const growing = (changePerMinute: number): TrendAnalysis => ({
    trend: 'increasing',
    changeRate: 0.2,
    significance: 1,
    points: 30,
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
