import { createSluice, MonitoringAndAutoScalingEngine, reportMarkdown } from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Prediction } from '../../../src/monitoring/forecast/forecaster-state.ts'
import { MetricTypes } from '../../../src/monitoring/metrics/metric-type.ts'
import type { MetricHealth } from '../../../src/monitoring/report/performance-report.ts'
import { type ScalingAdviceInput, scalingAdvice } from '../../../src/monitoring/report/reports.ts'
import type { TuningFacts } from '../../../src/monitoring/report/tuning-advice.ts'
import type { ScalingPolicy } from '../../../src/monitoring/scaling/policies/scaling-policies.ts'
import { alertWith } from '../alerts/alert.ts'
import { ManualClock } from '../manual-clock.ts'

const types = new MetricTypes()

function advise(
  some: Partial<Omit<ScalingAdviceInput, 'current'>> & { readonly now?: Readonly<Record<string, number>> },
) {
  const { now = {}, ...given } = some
  return scalingAdvice({
    alerts: [],
    metrics: [],
    policies: [],
    forecasts: {},
    typeOf: (metric) => types.get(metric),
    current: (metric) => now[metric],
    ...given,
  })
}

function policy(some: Partial<ScalingPolicy>): ScalingPolicy {
  return {
    id: '1',
    name: 'p',
    metric: 'cpu',
    threshold: 80,
    scaleDirection: 'up',
    scaleAmount: 25,
    cooldownSeconds: 300,
    enabled: true,
    ...some,
  }
}

function forecast(some: Partial<Prediction>): Prediction {
  return {
    value: 95,
    lower: 90,
    upper: 99.5,
    p90: 98,
    model: 'mixture',
    recentAccuracy: 0.9,
    horizonMinutes: 15,
    ...some,
  }
}

function cpu(some: Partial<MetricHealth>): MetricHealth {
  return {
    metric: 'cpu',
    source: 'a',
    unit: '%',
    last: 5,
    count: 30,
    min: 1,
    max: 30,
    avg: 5,
    p50: 5,
    p95: 19.9,
    p99: 25,
    ...some,
  }
}

describe('advice on scaling', () => {
  it('describes the action of a policy beyond its threshold, and not at it', () => {
    const up = { policies: [policy({})] }
    expect(advise({ ...up, now: { cpu: 80 } })).toEqual([])
    expect(advise({ ...up, now: { cpu: 80.5 } })).toEqual([
      'CPU is 80.5%, above 80%: scale up by 25% (policy "p").',
    ])
    const down = {
      policies: [policy({ scaleDirection: 'down', threshold: 30, scaleAmount: 10, metric: 'connections' })],
    }
    expect(advise({ ...down, now: { connections: 30 } })).toEqual([])
    expect(advise({ ...down, now: { connections: 29 } })).toEqual([
      'Connections is 29, below 30: scale down by 10% (policy "p").',
    ])
  })

  it('ignores a disabled policy and a missing metric', () => {
    expect(advise({ policies: [policy({ enabled: false })], now: { cpu: 99 } })).toEqual([])
    expect(advise({ policies: [policy({ scaleDirection: 'down' })] })).toEqual([])
  })

  it('recommends more workers for a critical alert that workers can resolve', () => {
    const alerts = [
      alertWith({ severity: 'critical', metric: 'responseTime', message: 'slow' }),
      alertWith({ severity: 'critical', metric: 'disk', message: 'full' }),
      alertWith({ severity: 'warning', metric: 'cpu', message: 'warm' }),
    ]
    expect(advise({ alerts })).toEqual(['slow: add workers.'])
  })

  it('recommends more workers before a forecast is reached if forecasts are usually accurate', () => {
    const cpuWillBe = (some: Partial<Prediction>, now: Readonly<Record<string, number>> = { cpu: 60 }) =>
      advise({ forecasts: { cpu: forecast(some) }, now })
    expect(cpuWillBe({})).toEqual([
      'CPU will be 95% (90% to 99.5%) in 15 minutes, above 90%: add workers before that.',
    ])
    expect(cpuWillBe({ value: 90 })).toEqual([])
    expect(cpuWillBe({ recentAccuracy: 0.69 })).toEqual([])
    expect(cpuWillBe({ recentAccuracy: 0.7 })).toHaveLength(1)
    expect(cpuWillBe({ recentAccuracy: undefined })).toEqual([])
    // The threshold is already exceeded, which an alert reports.
    expect(cpuWillBe({}, { cpu: 91 })).toEqual([])
    expect(cpuWillBe({}, {})).toEqual([])
    // More workers do not reduce memory use.
    expect(advise({ forecasts: { memory: forecast({}) }, now: { memory: 60 } })).toEqual([])
  })

  it('recommends fewer workers if none of several is busy, with enough measurements', () => {
    expect(advise({ metrics: [cpu({}), cpu({ source: 'b' })] })).toEqual([
      'The CPU usage of each of 2 workers was below 20% in 95% of the measurements: use fewer workers.',
    ])
    expect(advise({ metrics: [cpu({})] })).toEqual([])
    expect(advise({ metrics: [cpu({}), cpu({ source: 'b', p95: 20 })] })).toEqual([])
    expect(advise({ metrics: [cpu({}), cpu({ source: 'b', count: 29 })] })).toEqual([])
    expect(advise({ metrics: [cpu({ metric: 'disk' }), cpu({ metric: 'disk', source: 'b' })] })).toEqual([])
  })
})

function open(facts: TuningFacts = {}) {
  const clock = new ManualClock()
  const monitor = new MonitoringAndAutoScalingEngine({}, { clock, facts: async () => facts })
  onTestFinished(() => monitor.close())
  return {
    monitor,
    clock,
    advice: async () => (await monitor.getPerformanceReport()).advice.map(({ text }) => text),
  }
}

const cache = {
  periodMs: 60_000,
  reads: 10_000,
  hits: 5_000,
  evictions: 4_000,
  ghostHits: 2_000,
  ghostLoadMs: 0,
  usedMemory: 99_000_000,
  totalMemory: 100_000_000,
}
const queue = {
  queue: 'mail',
  maxConcurrency: 10,
  queued: 50,
  processing: 10,
  oldestTaskMs: 45_000,
  isPaused: false,
  throughputPerSecond: 4,
}

describe('advice', () => {
  it('is empty if nothing was measured or nothing is wrong', async () => {
    const { monitor, advice } = open({
      cache: { ...cache, ghostHits: 100 },
      queues: [{ ...queue, processing: 3 }],
    })
    monitor.recordMetric('poolWait', 3, 'postgres')
    expect(await advice()).toEqual([])
    expect(await open({ cache: { ...cache, reads: 900 } }).advice()).toEqual([])
  })

  it('recommends to enlarge a cache that is too small, or to shrink one that is too large', async () => {
    expect(await open({ cache }).advice()).toEqual([
      expect.stringContaining('Raise cache.maxBytes from 95 MB to 191 MB'),
    ])
    const small = { ...cache, evictions: 0, ghostHits: 0, usedMemory: 2_097_152, totalMemory: 104_857_600 }
    expect(await open({ cache: small }).advice()).toEqual([expect.stringContaining('from 100 MB to 4.0 MB')])
  })

  it('recommends more concurrency only if CPU is available and all workers are busy', async () => {
    const { monitor, advice } = open({ queues: [queue, { ...queue, queue: 'paused', isPaused: true }] })
    monitor.recordMetric('cpu', 40, 'a')
    expect(await advice()).toEqual([
      'Tasks of "mail" wait up to 45 s with a concurrency of 10, while CPU usage is 40%: raise the concurrency to 20. Up to 8 instead of 4 tasks would finish per second.',
    ])
    monitor.recordMetric('cpu', 100, 'b')
    monitor.recordMetric('cpu', 100, 'b')
    expect(await advice()).toEqual([])
  })

  it('recommends a larger pool or more workers if queries wait for connections', async () => {
    for (const [cpu, words] of [
      [30, 'enlarge the pool'],
      [95, 'add workers first'],
    ] as const) {
      const { monitor, advice } = open()
      monitor.recordMetric('cpu', cpu, 'a')
      monitor.recordMetric('poolWait', 120, 'postgres')
      expect(await advice()).toEqual([expect.stringContaining(words)])
    }
  })

  it('estimates when growing memory is full', async () => {
    const { monitor, clock, advice } = open()
    for (let minute = 0; minute < 20; minute += 1) {
      monitor.recordMetric('memory', 30 + minute, 'a')
      clock.advance(60_000)
    }
    expect(await advice()).toEqual([
      'Memory grows by 1% per minute: at this rate, it reaches 90% in 41 minutes.',
    ])
  })

  it('finds alerts that flap', async () => {
    const { monitor, clock, advice } = open()
    for (let round = 0; round < 6; round += 1) {
      monitor.recordMetric('cpu', 95, 'a')
      for (let i = 0; i < 2; i += 1) {
        clock.advance(60_000)
        monitor.recordMetric('cpu', 10, 'a')
      }
      clock.advance(60_000)
      monitor.recordMetric('cpu', 10, 'a')
    }
    expect(await advice()).toEqual([expect.stringContaining('"CPU of a" came and went 6 times')])
  })
})

describe('the report', () => {
  it('is available as an object and as Markdown', async () => {
    const { monitor, clock } = open({ cache })
    monitor.recordMetric('requests', 100, 'GET /a|b')
    monitor.recordMetric('cpu', 95, 'node-1')
    const report = await monitor.getPerformanceReport()
    expect(JSON.parse(JSON.stringify(report))).toMatchObject({
      generatedAt: clock.wall(),
      health: { status: 'unhealthy' },
      alerts: [{ metric: 'cpu' }],
      forecasts: { requests: { horizonMinutes: 15 } },
      trends: { cpu: { trend: 'stable' } },
    })
    const page = reportMarkdown(report)
    expect(page).toContain('# Performance, 2026-11-26T12:00:00.000Z')
    expect(page).toContain('| cpu (%) | node-1 | 95 | 95 | 95 | 95 | 95 | 95 | 95 | → |')
    expect(page).toContain('GET /a\\|b')
    expect(page).toContain('- CPU of node-1 is 95%, above 90%')
    expect(page).toContain('## Advice')
    expect(page).not.toContain('## Anomalies')
    expect(page).not.toContain('undefined')
  })

  it('omits data of sources that fail', async () => {
    const monitor = new MonitoringAndAutoScalingEngine({}, { facts: () => Promise.reject(new Error('gone')) })
    onTestFinished(() => monitor.close())
    const errors: unknown[] = []
    monitor.on('error', ({ error }) => errors.push(error))
    expect((await monitor.getPerformanceReport()).advice).toEqual([])
    expect(errors).toHaveLength(1)
  })

  it('does not open a job backend of a Sluice, but queries an open one', async () => {
    const sluice = createSluice()
    onTestFinished(() => sluice.close())
    await sluice.monitor?.getPerformanceReport()
    expect(sluice.jobs?.isOpen).toBe(false)
    await sluice.jobs?.enqueueTask(1)
    expect(sluice.jobs?.isOpen).toBe(true)
    expect(sluice.jobs?.getQueues()).toEqual([{ name: 'default', maxConcurrency: 10 }])
    expect((await sluice.monitor?.getPerformanceReport())?.health.status).toBe('healthy')
  })
})
