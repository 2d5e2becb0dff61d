import {
  InvalidArgumentError,
  InvalidOptionError,
  MonitoringAndAutoScalingEngine,
  type MonitoringOptions,
  UnknownMetricError,
} from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { MonitoringEngineParts } from '../../src/monitoring/monitoring-parts.ts'
import { FakeSystem, unified } from './collectors/fixture.ts'
import { ManualClock } from './manual-clock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function open(options: MonitoringOptions = {}, parts: MonitoringEngineParts = {}) {
  const clock = new ManualClock()
  const monitor = new MonitoringAndAutoScalingEngine(options, { clock, ...parts })
  onTestFinished(() => monitor.close())
  const changes: string[] = []
  const errors: string[] = []
  monitor.on('alert', ({ alert, change }) =>
    changes.push(`${change} ${alert.severity} ${alert.metric} of ${alert.source}`),
  )
  monitor.on('error', ({ error }) => errors.push((error as Error).message))
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(1_000)
      vi.advanceTimersByTime(1_000)
    }
  }
  /** Advances time with asynchronous work. */
  const wait = async (ms: number) => {
    clock.advance(ms)
    await vi.advanceTimersByTimeAsync(ms)
  }
  return { monitor, clock, changes, errors, pass, wait }
}

describe('MonitoringAndAutoScalingEngine every second', () => {
  it('raises alerts for values of meters without a query', () => {
    const { monitor, changes, pass } = open()
    monitor.meter('cpu', 'a').record(99)
    expect(changes).toEqual([])
    pass(1_000)
    expect(changes).toEqual(['raised critical cpu of a'])
  })

  it('evaluates objectives even if nothing is recorded', () => {
    const { monitor, changes, pass } = open()
    monitor.createObjective('checkout').record(false, 100)
    pass(1_000)
    expect(changes).toEqual(['raised critical errorBudget of checkout'])
  })

  it('runs `beforeTick` first', () => {
    let monitor: MonitoringAndAutoScalingEngine | undefined
    const {
      monitor: opened,
      changes,
      pass,
    } = open({}, { beforeTick: () => monitor?.meter('cpu', 'late').record(99) })
    monitor = opened
    monitor.recordMetric('requests', 1, 'a')
    pass(1_000)
    expect(changes).toEqual(['raised critical cpu of late'])
  })

  it('emits internal errors, and continues', () => {
    let calls = 0
    const beforeTurn = () => {
      calls += 1
      if (calls === 1) throw new Error('no')
    }
    const { monitor, errors, changes, pass } = open({}, { beforeTick: beforeTurn })
    monitor.meter('cpu', 'a').record(99)
    pass(1_000)
    expect([errors, changes]).toEqual([['no'], []])
    pass(1_000)
    expect([errors, changes]).toEqual([['no'], ['raised critical cpu of a']])
  })

  it('evaluates thresholds with the maximum of a second if it is configured, otherwise with the mean', () => {
    const { monitor, pass } = open()
    monitor.registerMetric('lag', { warning: 50, across: 'max' })
    for (const metric of ['lag', 'responseTime'])
      for (const value of [10, 1_500]) monitor.meter(metric, 'a').record(value)
    pass(1_000)
    expect(monitor.getActiveAlerts().map(({ metric, value }) => [metric, value])).toEqual([
      ['lag', 1_500],
      ['responseTime', 755],
    ])
  })
})

describe('registering a metric', () => {
  it('applies new thresholds from the next value on, even to known sources', () => {
    const { monitor, changes } = open()
    monitor.recordMetric('cpu', 50, 'a')
    monitor.registerMetric('cpu', { unit: '%', warning: 40 })
    monitor.recordMetric('cpu', 50, 'a')
    expect(changes).toEqual(['raised warning cpu of a'])
    monitor.registerMetric('cpu', { unit: '%' })
    monitor.recordMetric('cpu', 50, 'a')
    expect(changes).toEqual(['raised warning cpu of a', 'resolved warning cpu of a'])
  })

  it('makes its forecasts available if they were requested before', async () => {
    const { monitor, errors, pass } = open({ forecasts: ['queueDepth', 'cpu'] })
    monitor.recordMetric('cpu', 10, 'a')
    pass(120_000)
    expect(errors).toEqual([])
    expect(Object.keys((await monitor.getPerformanceReport()).forecasts)).toEqual(['cpu'])
    expect(() => monitor.predictLoad('queueDepth')).toThrow(UnknownMetricError)
    monitor.registerMetric('queueDepth')
    pass(59_000)
    monitor.recordMetric('queueDepth', 7, 'a')
    pass(20_000)
    // There was no value for a while, so this is the learned level.
    expect(monitor.currentLoad('queueDepth')).toBeUndefined()
    expect(monitor.predictLoad('queueDepth')?.value).toBeCloseTo(7, 0)
    expect(errors).toEqual([])
  })

  it('makes its forecasts available if they were restored before', () => {
    const { monitor } = open()
    monitor.registerMetric('queueDepth')
    monitor.recordMetric('queueDepth', 7, 'a')
    monitor.predictLoad('queueDepth')
    const saved = monitor.saveForecasts()
    const { monitor: other, errors, pass } = open()
    other.restoreForecasts(saved)
    other.recordMetric('cpu', 10, 'a')
    pass(120_000)
    expect(errors).toEqual([])
  })
})

describe('a series that is replaced by a new one', () => {
  it('resolves its alert, which could receive no more values', () => {
    const { monitor, clock, changes } = open({ maxSeries: 16 })
    for (let at = 0; at < 16; at += 1) monitor.recordMetric('cpu', at === 0 ? 99 : 10, `pod-${at}`)
    clock.advance(601_000)
    expect(monitor.getActiveAlerts()).toHaveLength(1)
    monitor.recordMetric('cpu', 10, 'pod-16')
    expect(monitor.getActiveAlerts()).toEqual([])
    expect(changes).toEqual(['raised critical cpu of pod-0', 'resolved critical cpu of pod-0'])
  })
})

describe('recorded values', () => {
  it('belong to the second in which they arrive', () => {
    const { monitor, clock } = open()
    monitor.recordMetric('cpu', 10, 'a')
    clock.advance(1_000)
    monitor.recordMetric('cpu', 30, 'a')
    expect(monitor.getMetricTrend('cpu').map(({ value }) => value)).toEqual([10, 30])
  })

  it('have a source of at most 200 characters', () => {
    const { monitor } = open()
    monitor.recordMetric('cpu', 1, 'x'.repeat(200))
    for (const source of ['x'.repeat(201), '', 5 as never]) {
      expect(() => monitor.recordMetric('cpu', 1, source)).toThrow(InvalidArgumentError)
      expect(() => monitor.meter('cpu', source)).toThrow(InvalidArgumentError)
    }
  })
})

describe('queries of the engine', () => {
  it('accept a limit from 1 to 10,000', () => {
    const { monitor } = open()
    for (const ask of [
      (limit: number) => monitor.getActiveAlerts(limit),
      (limit: number) => monitor.getResolvedAlerts(limit),
      (limit: number) => monitor.getScalingHistory(limit),
      (limit: number) => monitor.getScalingSkips(limit),
    ]) {
      expect(ask(10_000)).toEqual([])
      for (const limit of [0, 10_001, 1.5, Number.NaN]) expect(() => ask(limit)).toThrow(InvalidArgumentError)
    }
  })

  it('include values that meters recorded before', () => {
    const { monitor } = open()
    monitor.meter('requests', 'a').record(100)
    expect(monitor.predictLoad('requests')?.value).toBeCloseTo(100, 0)
    monitor.meter('cpu', 'a').record(99)
    expect(monitor.getSystemHealth().status).toBe('unhealthy')
    monitor.createObjective('checkout').record(false, 100)
    expect(monitor.getActiveAlerts().map(({ metric }) => metric)).toContain('errorBudget')
  })

  it.each([null, undefined, 5, 'requests', []])('throw for an invalid forecast state: %j', (states) => {
    expect(() => open().monitor.restoreForecasts(states as never)).toThrow(InvalidArgumentError)
  })
})

describe('the performance report', () => {
  it('covers the last day', async () => {
    const { monitor, clock, pass } = open()
    const times = async () => {
      const { scaling, advice } = await monitor.getPerformanceReport()
      return [scaling.events.length, advice.length]
    }
    for (let round = 0; round < 6; round += 1) {
      monitor.recordMetric('cpu', 95, 'a')
      for (let at = 0; at < 2; at += 1) {
        clock.advance(60_000)
        monitor.recordMetric('cpu', 10, 'a')
      }
      clock.advance(1_000)
    }
    monitor.triggerScaling('up', 50)
    expect(await times()).toEqual([1, 1])
    clock.advance(86_390_000 - 6 * 121_000)
    expect(await times()).toEqual([1, 1])
    clock.advance(6 * 121_000 + 20_000)
    pass(1_000)
    expect(await times()).toEqual([0, 0])
  })

  it('contains the last 20 anomalies', async () => {
    const { monitor, pass } = open({ forecasts: ['requests', 'connections'] })
    for (let minute = 0; minute < 400; minute += 1) {
      pass(59_000)
      const value = minute > 100 && minute % 10 === 0 ? 5_000 : 100 + (minute % 5)
      for (const metric of ['requests', 'connections']) monitor.recordMetric(metric, value, 'a')
      pass(1_000)
    }
    expect(monitor.getAnomalies().length).toBeGreaterThan(20)
    expect((await monitor.getPerformanceReport()).anomalies).toEqual(monitor.getAnomalies().slice(-20))
  })
})

describe('scaling', () => {
  it('uses a step of 25% and a cooldown of 5 minutes for a policy by default', () => {
    const { monitor, pass } = open()
    expect(monitor.createScalingPolicy('p', 'cpu', 80, 'up')).toMatchObject({
      scaleAmount: 25,
      cooldownSeconds: 300,
      enabled: true,
    })
    pass(1_000)
  })

  /** A rule that requires more workers than running, while this share of requests waits for connections. */
  async function waiting(share: number, cpu: number) {
    const { monitor, wait, clock } = open({
      scaling: { minWorkers: 2, rule: { capacity: 100, startUpSeconds: 10 } },
    })
    monitor.recordMetric('poolWait', 500, 'postgres')
    // Earlier waits no longer count.
    clock.advance(120_000)
    for (let second = 0; second < 30; second += 1) {
      monitor.recordMetric('poolWait', second % 10 < share * 10 ? 20 : 0, 'postgres')
      monitor.recordMetric('cpu', cpu, 'a')
      monitor.recordMetric('requests', 1_000, 'http')
      monitor.recordLoad(1_000)
      await wait(1_000)
    }
    return monitor
  }

  it('does not add workers while requests wait for connections and CPU is available', async () => {
    const refused = await waiting(0.5, 40)
    expect(refused.getScalingHistory()).toEqual([])
    expect(refused.getScalingSkips()[0]?.reason).toMatch(
      /requests waited for a database connection in 50% of the measurements, and workers use 40% of their CPU/,
    )
    expect((await waiting(0.1, 40)).getScalingHistory().at(-1)?.to).toBe(10)
    expect((await waiting(0.5, 95)).getScalingHistory().length).toBeGreaterThan(0)
  })

  it('emits an error when the target fails', async () => {
    const target = { current: () => 1, scaleTo: () => Promise.reject(new Error('no machines')) }
    const { monitor, errors, wait } = open({ scaling: { target } })
    monitor.createScalingPolicy('p', 'cpu', 80, 'up')
    monitor.recordMetric('cpu', 99, 'a')
    await wait(5_000)
    expect(errors).toEqual([expect.stringContaining('no machines')])
  })

  it('counts the cost of workers continuously', async () => {
    let workers = 2
    const target = { current: () => workers, scaleTo: async () => {} }
    const { monitor, wait } = open({ scaling: { target } })
    monitor.createScalingPolicy('p', 'cpu', 99, 'up')
    const half = async () => {
      for (let second = 0; second < 1_800; second += 1) {
        monitor.recordMetric('cpu', 50, 'a')
        await wait(1_000)
      }
    }
    await half()
    workers = 4
    await half()
    const { cost } = (await monitor.getPerformanceReport()).scaling
    // The target is queried every 5 seconds.
    expect(cost?.workerHours).toBeCloseTo(3, 1)
    expect(cost?.leastWorkerHours).toBeCloseTo(1, 1)
    expect(cost?.hours).toBeCloseTo(1, 1)
  })

  it('counts the cost from the creation of the engine, although scaling is first used by the report', async () => {
    const { monitor, wait } = open({ scaling: { minWorkers: 2 } })
    await wait(3_600_000)
    const { cost } = (await monitor.getPerformanceReport()).scaling
    expect(cost).toEqual({ workerHours: 2, leastWorkerHours: 2, hours: 1 })
  })
})

describe('startCollecting', () => {
  const sources = (monitor: MonitoringAndAutoScalingEngine) => [
    ...new Set(monitor.getSystemHealth().metrics.map(({ source }) => source)),
  ]

  it('stops the previous collection, unless the new options are invalid', async () => {
    const { monitor, wait } = open({}, { readers: new FakeSystem(unified) })
    monitor.startCollecting({ source: 'first' })
    expect(() => monitor.startCollecting({ source: '' })).toThrow(InvalidOptionError)
    // Longer than the health window: the collection did not stop after the first sample.
    await wait(400_000)
    expect(sources(monitor)).toEqual(['first'])
    monitor.startCollecting({ source: 'second' })
    await wait(400_000)
    expect(sources(monitor)).toEqual(['second'])
  })
})

describe('close', () => {
  it('leaves no timer behind, sends no notices, and can be repeated', async () => {
    const told: string[] = []
    const notifier = {
      name: 'pager',
      notify: ({ metric }: { readonly metric: string }) => void told.push(metric),
    }
    const target = { current: () => 1, scaleTo: async () => {} }
    const { monitor, changes } = open(
      { alerts: { notifiers: [notifier] }, collect: true, scaling: { target, rule: { capacity: 100 } } },
      { readers: new FakeSystem(unified) },
    )
    monitor.recordMetric('cpu', 95, 'a')
    monitor.createObjective('checkout')
    monitor.createScalingPolicy('p', 'cpu', 80, 'up')
    monitor.addFeed({
      name: 'mine',
      collect: () => [{ name: 'mine', help: '', type: 'gauge', samples: [{ labels: {}, value: 1 }] }],
    })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    const id = monitor.getActiveAlerts()[0]?.id ?? ''
    monitor.close()
    expect(vi.getTimerCount()).toBe(0)
    const before = [changes.length, told.length]
    expect(monitor.resolveAlert(id)).toBe(true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([changes.length, told.length]).toEqual(before)
    expect(await monitor.collectMetrics()).not.toContainEqual(expect.objectContaining({ name: 'mine' }))
    monitor.close()
    for (const use of [
      () => monitor.recordMetric('cpu', 1, 'a'),
      () => monitor.meter('cpu', 'a'),
      () => monitor.recordLoad(1),
      () => monitor.startCollecting(),
      () => monitor.addFeed({ name: 'x', collect: () => [] }),
      () => monitor.createObjective('x'),
      () => monitor.createScalingPolicy('p', 'cpu', 80, 'up'),
      () => monitor.evaluateScalingPolicies(),
      () => monitor.triggerScaling('up', 10),
    ])
      expect(use).toThrow(expect.objectContaining({ code: 'SLUICE_CLOSED' }))
  })

  it('does not close the target, which belongs to its creator', async () => {
    let closed = 0
    const target = {
      current: () => 3,
      scaleTo: async () => {},
      close: async () => {
        closed += 1
      },
    }
    const { monitor } = open({ scaling: { target, rule: { capacity: 100 } } })
    await vi.advanceTimersByTimeAsync(5_000)
    monitor.close()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(closed).toBe(0)
  })
})
