import {
  InvalidArgumentError,
  MonitoringAndAutoScalingEngine,
  type MonitoringOptions,
  reportMarkdown,
  UnknownMetricError,
} from '@sluice/core'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ManualClock } from './manual-clock.ts'

function open(options: MonitoringOptions = {}) {
  const clock = new ManualClock()
  const monitor = new MonitoringAndAutoScalingEngine(options, { clock })
  onTestFinished(() => monitor.close())
  const events: string[] = []
  monitor.on('scaling', ({ from, to, metric }) => events.push(`${metric} ${from} → ${to}`))
  return { monitor, clock, events }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('policies', () => {
  it('scale up above a threshold, respect their cooldown, and give reasons; without a target it is a dry run', () => {
    const { monitor, clock, events } = open({ scaling: { minWorkers: 4, maxWorkers: 8 } })
    const policy = monitor.createScalingPolicy('scale-up-on-cpu', 'cpu', 80, 'up', 25, 300)
    expect(policy).toMatchObject({
      metric: 'cpu',
      threshold: 80,
      scaleDirection: 'up',
      scaleAmount: 25,
      cooldownSeconds: 300,
      enabled: true,
    })
    expect(monitor.evaluateScalingPolicies()).toBeNull()
    monitor.recordMetric('cpu', 95, 'node-1')
    expect(monitor.evaluateScalingPolicies()).toBe('up')
    expect(monitor.evaluateScalingPolicies()).toBeNull()
    expect(events).toEqual(['cpu 4 → 5'])
    expect(monitor.getScalingHistory()).toMatchObject([
      { direction: 'up', from: 4, to: 5, metric: 'cpu', value: 95, isDryRun: true, source: 'policy' },
    ])
    expect(monitor.getScalingHistory()[0]?.reasons.join(' ')).toContain('scale-up-on-cpu')
    expect(monitor.getScalingSkips().length).toBeGreaterThan(0)
    clock.advance(301_000)
    monitor.recordMetric('cpu', 95, 'node-1')
    expect(monitor.evaluateScalingPolicies()).toBe('up')
    expect(events).toEqual(['cpu 4 → 5', 'cpu 5 → 7'])
  })

  it('are disabled and removed', () => {
    const { monitor } = open()
    const { id } = monitor.createScalingPolicy('p', 'cpu', 80, 'up')
    monitor.recordMetric('cpu', 95, 'a')
    expect(monitor.setScalingPolicyEnabled(id, false).enabled).toBe(false)
    expect(monitor.evaluateScalingPolicies()).toBeNull()
    expect(monitor.removeScalingPolicy(id)).toBe(true)
    expect(monitor.getScalingPolicies()).toEqual([])
    expect(() => monitor.createScalingPolicy('p', 'speed', 80, 'up')).toThrow(UnknownMetricError)
    expect(() => monitor.createScalingPolicy('p', 'cpu', Number.NaN, 'up')).toThrow(InvalidArgumentError)
  })

  it('are evaluated automatically after one is created', async () => {
    vi.useFakeTimers()
    const monitor = new MonitoringAndAutoScalingEngine()
    onTestFinished(() => monitor.close())
    monitor.createScalingPolicy('p', 'connections', 100, 'up')
    monitor.recordMetric('connections', 500, 'a')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(monitor.getScalingHistory()).toMatchObject([{ from: 1, to: 2 }])
  })
})

describe('the scaling rule', () => {
  it('follows the load with a target that receives absolute numbers', async () => {
    vi.useFakeTimers()
    const clock = new ManualClock()
    let workers = 2
    const asked: [number, string][] = []
    const target = {
      current: () => workers,
      scaleTo: async (count: number, reason: string) => {
        asked.push([count, reason])
        workers = count
      },
    }
    const scaling = { maxWorkers: 20, rule: { capacity: 100, startUpSeconds: 10 }, target }
    const monitor = new MonitoringAndAutoScalingEngine({ scaling }, { clock })
    onTestFinished(() => monitor.close())
    const scaled: number[] = []
    monitor.on('scaled', ({ workers: count }) => scaled.push(count))
    for (let second = 0; second < 60; second += 1) {
      monitor.recordLoad(700)
      clock.advance(1_000)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    // 10 at a utilization of 70%, and some more while the load was new.
    expect(workers).toBeGreaterThanOrEqual(10)
    expect(workers).toBeLessThanOrEqual(12)
    expect(scaled.at(-1)).toBe(workers)
    expect(asked[0]?.[1]).toMatch(/requests\/s need \d+ workers/)
    for (let second = 0; second < 400; second += 1) {
      monitor.recordLoad(100)
      clock.advance(1_000)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(workers).toBeLessThanOrEqual(3)
    const report = await monitor.getPerformanceReport()
    expect(report.scaling.events.length).toBeGreaterThan(1)
    const { workerHours = 0, leastWorkerHours = 0, hours = 0 } = report.scaling.cost ?? {}
    expect(hours).toBeCloseTo(460 / 3_600, 2)
    expect(workerHours).toBeGreaterThan(leastWorkerHours)
    expect(reportMarkdown(report)).toMatch(
      /## Scaling\n\n[\d.]+ worker-hours in 0\.12\d hours, [\d.]+ times what the load needed\./,
    )
  })

  it('is bypassed by manual scaling, which records the actor', () => {
    const { monitor, events } = open({ scaling: { minWorkers: 2 } })
    expect(monitor.triggerScaling('up', 50, 'ann')).toMatchObject({
      from: 2,
      to: 3,
      by: 'ann',
      source: 'manual',
    })
    expect(monitor.triggerScaling('down', 50, 'ann')).toMatchObject({ from: 3, to: 2 })
    expect(monitor.triggerScaling('down', 50, 'ann')).toBeNull()
    expect(() => monitor.triggerScaling('up', -1)).toThrow(InvalidArgumentError)
    expect(events).toEqual(['manual 2 → 3', 'manual 3 → 2'])
  })

  it('saves and restores its forecasts with those of the metrics', () => {
    const options = { scaling: { rule: { capacity: 100 } } }
    const { monitor } = open(options)
    const saved = JSON.parse(JSON.stringify(monitor.saveForecasts())) as Record<string, unknown>
    expect(Object.keys(saved)).toEqual(expect.arrayContaining(['scaling load', 'scaling trial']))
    saved['scaling trial'] = { ...(saved['scaling trial'] as object), hourMs: 5 }
    const { monitor: other } = open(options)
    other.restoreForecasts(saved)
    expect(other.saveForecasts()).toEqual(saved)
    for (const wrong of [
      { 'scaling load': 5 },
      { 'scaling trial': 5 },
      { 'scaling trial': { ...(saved['scaling trial'] as object), seconds: [1] } },
      { 'scaling trial': { ...(saved['scaling trial'] as object), without: null } },
      { 'scaling trial': { ...(saved['scaling trial'] as object), hourMs: -1 } },
      { 'scaling load': open().monitor.saveForecasts()['scaling load'], cpu: 5 },
    ])
      expect(() => other.restoreForecasts(wrong)).toThrow(InvalidArgumentError)
    expect(other.saveForecasts()).toEqual(saved)
  })

  it('throws for invalid options and loads', () => {
    expect(() => open({ scaling: { minWorkers: 5, maxWorkers: 2 } })).toThrow('"scaling.maxWorkers"')
    expect(() => open({ scaling: { rule: {} as never } })).toThrow('capacity')
    const { monitor } = open()
    expect(() => monitor.recordLoad(-1)).toThrow(InvalidArgumentError)
    monitor.close()
    expect(() => monitor.recordLoad(1)).toThrow('closed')
  })
})

describe('recommendations', () => {
  it('are empty without measurements', () => {
    expect(open().monitor.getScalingRecommendations()).toEqual([])
  })

  it('follow policies, alerts and low utilization', () => {
    const { monitor } = open()
    monitor.createScalingPolicy('busy', 'cpu', 80, 'up', 25)
    monitor.recordMetric('cpu', 95, 'a')
    expect(monitor.getScalingRecommendations()).toEqual([
      'CPU is 95%, above 80%: scale up by 25% (policy "busy").',
      'CPU of a is 95%, above 90%: add workers.',
    ])
    const { monitor: idle } = open()
    for (const source of ['a', 'b']) for (let i = 0; i < 30; i += 1) idle.recordMetric('cpu', 5, source)
    expect(idle.getScalingRecommendations()).toEqual([expect.stringContaining('use fewer workers')])
  })
})
