import {
  type Alert,
  createSluice,
  getMonitoringAndAutoScalingEngine,
  InvalidArgumentError,
  InvalidOptionError,
  MonitoringAndAutoScalingEngine,
  type MonitoringOptions,
  UnknownMetricError,
} from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock } from './manual-clock.ts'

function open(options: MonitoringOptions = {}) {
  const clock = new ManualClock()
  const monitor = new MonitoringAndAutoScalingEngine(options, { clock })
  onTestFinished(() => monitor.close())
  const changes: string[] = []
  monitor.on('alert', ({ alert, change }) => changes.push(`${change} ${alert.severity} ${alert.metric}`))
  return { monitor, clock, changes }
}

describe('MonitoringAndAutoScalingEngine', () => {
  it.each<[object, string]>([
    [{ maxSeries: 1 }, 'maxSeries'],
    [{ alerts: { hysteresis: 0.9 } }, 'alerts.hysteresis'],
    [{ alerts: { notifiers: [{}] } }, 'alerts.notifiers'],
    [{ forecasts: 'cpu' }, 'forecasts'],
    [{ horizon: 5 }, 'horizon'],
  ])('throws for invalid options: %o', (options, name) => {
    expect(() => new MonitoringAndAutoScalingEngine(options)).toThrow(InvalidOptionError)
    expect(() => createSluice({ monitor: options })).toThrow(`"monitor.${name}"`)
  })

  it('lists the types of metrics', () => {
    const monitor = new MonitoringAndAutoScalingEngine()
    monitor.registerMetric('orders', { unit: 'orders/min', warning: 5 })
    expect(monitor.getMetricTypes().find(({ name }) => name === 'cpu')).toMatchObject({
      unit: '%',
      warning: 70,
      critical: 90,
    })
    expect(monitor.getMetricTypes().at(-1)).toMatchObject({
      name: 'orders',
      unit: 'orders/min',
      warning: 5,
      critical: undefined,
    })
  })

  it('belongs to a Sluice or to the process', async () => {
    const sluice = createSluice()
    expect(sluice.monitor).toBeInstanceOf(MonitoringAndAutoScalingEngine)
    await sluice.close()
    expect(() => sluice.monitor?.recordMetric('cpu', 1, 'here')).toThrow('closed')
    expect(createSluice({ monitor: false }).monitor).toBeUndefined()
    expect(getMonitoringAndAutoScalingEngine()).toBe(getMonitoringAndAutoScalingEngine())
  })

  it('records a repeated value with its count', () => {
    const { monitor, clock } = open()
    monitor.recordMetric('responseTime', 4, 'route')
    monitor.recordRepeated('responseTime', 1, 'route', 3)
    clock.advance(1_000)
    expect(monitor.getMetricTrend('responseTime', 60_000).map(({ value }) => value)).toEqual([1.75])
    expect(monitor.getMetricDistribution('responseTime').map(([, count]) => count)).toEqual([3, 1])
  })

  it('records numbers of at least 0 for registered types only', () => {
    const { monitor, clock } = open()
    expect(monitor.recordMetric('cpu', 42, 'node-1')).toEqual({
      type: 'cpu',
      value: 42,
      unit: '%',
      source: 'node-1',
      timestamp: clock.wall(),
    })
    expect(monitor.recordMetric('memory', 82, 'node-1', 'MB').unit).toBe('MB')
    for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY, '5' as never]) {
      expect(() => monitor.recordMetric('cpu', value, 'node-1')).toThrow(InvalidArgumentError)
      expect(() => monitor.meter('cpu', 'node-1').record(value)).toThrow(InvalidArgumentError)
    }
    expect(() => monitor.recordMetric('speed', 1, 'node-1')).toThrow(UnknownMetricError)
    expect(() => monitor.recordMetric('cpu', 1, '')).toThrow(InvalidArgumentError)
    expect(monitor.getMetricTrend('cpu')).toEqual([{ timestamp: clock.wall(), value: 42 }])
  })

  it('lists the metrics that an app registers, with their thresholds', () => {
    const { monitor } = open()
    monitor.registerMetric('queueDepth', { unit: 'tasks', warning: 10, critical: 100, across: 'sum' })
    monitor.recordMetric('queueDepth', 11, 'mail')
    expect(monitor.getActiveAlerts()).toMatchObject([
      { severity: 'warning', message: 'Queue depth of mail is 11 tasks, above 10 tasks' },
    ])
    expect(() => monitor.registerMetric('1st')).toThrow(InvalidArgumentError)
    expect(() => monitor.registerMetric('x', { warning: 5, critical: 4 })).toThrow('"critical"')
    expect(() => monitor.registerMetric('x', { colour: 'red' } as never)).toThrow(InvalidOptionError)
  })
})

describe('trends', () => {
  it('contain one value per second, and one per 10 seconds for older values', () => {
    const { monitor, clock } = open()
    for (let second = 0; second < 300; second += 1) {
      monitor.recordMetric('cpu', second, 'a')
      clock.advance(1_000)
    }
    const trend = monitor.getMetricTrend('cpu', 300_000)
    expect(trend.at(-1)).toEqual({ timestamp: clock.wall() - 1_000, value: 299 })
    expect(trend.at(-2)?.value).toBe(298)
    // The mean of seconds 10 to 19.
    expect(trend.map(({ value }) => value)).toContain(14.5)
    for (const [at, { timestamp }] of trend.entries())
      if (at > 0) expect(timestamp).toBeGreaterThan(trend[at - 1]?.timestamp ?? 0)
    expect(monitor.getMetricTrend('cpu', 5_000)).toHaveLength(4)
  })

  it('are the sum of loads, the mean of shares, and the worst of delays', () => {
    const { monitor } = open()
    for (const [metric, expected] of [
      ['requests', 40],
      ['cpu', 20],
      ['eventLoopDelay', 30],
    ] as const) {
      monitor.recordMetric(metric, 10, 'a')
      monitor.recordMetric(metric, 30, 'b')
      expect(monitor.getMetricTrend(metric).at(-1)?.value).toBe(expected)
    }
  })

  it('include the load of a source that reports occasionally, but not of one that stopped reporting', () => {
    const { monitor, clock } = open()
    monitor.recordMetric('requests', 100, 'a')
    clock.advance(5_000)
    monitor.recordMetric('requests', 50, 'b')
    expect(monitor.getMetricTrend('requests').at(-1)?.value).toBe(150)
    clock.advance(15_000)
    monitor.recordMetric('requests', 50, 'b')
    expect(monitor.getMetricTrend('requests').at(-1)?.value).toBe(50)
  })

  it('increase, decrease or are stable', () => {
    const values: Record<string, (second: number) => number> = {
      increasing: (second) => 50 + second / 10 + (second % 7),
      decreasing: (second) => 150 - second / 10 + (second % 7),
      stable: (second) => 50 + (second % 7) + (second === 100 ? 500 : 0),
    }
    for (const [trend, value] of Object.entries(values)) {
      const { monitor, clock } = open()
      for (let second = 0; second < 600; second += 5) {
        monitor.recordMetric('requests', value(second), 'a')
        clock.advance(5_000)
      }
      const analysis = monitor.calculateTrendAnalysis('requests')
      expect(analysis.trend).toBe(trend)
      if (trend === 'increasing') expect(analysis.changePerMinute).toBeCloseTo(6, 0)
      if (trend !== 'stable') expect(analysis.significance).toBeGreaterThan(0.99)
    }
    expect(open().monitor.calculateTrendAnalysis('cpu')).toMatchObject({
      trend: 'stable',
      points: 0,
      changeRate: 0,
    })
    expect(() => open().monitor.getMetricTrend('cpu', -1)).toThrow(InvalidArgumentError)
  })

  it('keep their order when the wall clock is set back', () => {
    const { monitor, clock } = open()
    monitor.recordMetric('cpu', 1, 'a')
    clock.advance(1_000)
    clock.setWall(clock.wall() - 3_600_000)
    monitor.recordMetric('cpu', 2, 'a')
    expect(monitor.getMetricTrend('cpu')).toEqual([
      { timestamp: clock.wall() - 1_000, value: 1 },
      { timestamp: clock.wall(), value: 2 },
    ])
  })
})

describe('distributions', () => {
  it('contain the values of all sources in the last 5 minutes, accurate to 1.54%', () => {
    const { monitor, clock } = open()
    for (let value = 1; value <= 100; value += 1)
      monitor.recordMetric('responseTime', value, value % 2 === 0 ? 'a' : 'b')
    const values = monitor.getMetricDistribution('responseTime')
    expect(values.reduce((sum, [, count]) => sum + count, 0)).toBe(100)
    expect(values.map(([value]) => value)).toEqual(values.map(([value]) => value).sort((a, b) => a - b))
    for (const [value] of values) expect(Math.abs(value / Math.round(value) - 1)).toBeLessThan(0.0155)
    clock.advance(400_000)
    expect(monitor.getMetricDistribution('responseTime')).toEqual([])
    expect(() => monitor.getMetricDistribution('nothing' as never)).toThrow(UnknownMetricError)
  })
})

describe('health', () => {
  it('contains the minimum, maximum, mean and quantiles of the last 5 minutes', () => {
    const { monitor, clock } = open()
    const meter = monitor.meter('responseTime', 'GET /')
    meter.record(400)
    clock.advance(400_000)
    // Like the timer.
    monitor.getActiveAlerts()
    for (let ms = 1; ms <= 100; ms += 1) meter.record(ms)
    clock.advance(1_000)
    const { metrics, status, problems } = monitor.getSystemHealth()
    const [health] = metrics
    expect(health).toMatchObject({
      metric: 'responseTime',
      source: 'GET /',
      unit: 'ms',
      count: 100,
      min: 1,
      max: 100,
      avg: 50.5,
      last: 100,
    })
    for (const [name, expected] of [
      ['p50', 50],
      ['p95', 95],
      ['p99', 99],
    ] as const)
      expect(Math.abs((health?.[name] ?? 0) / expected - 1)).toBeLessThan(0.03)
    expect([status, problems]).toEqual(['healthy', []])
  })

  it('is as bad as the worst alert', () => {
    const { monitor } = open()
    monitor.recordMetric('cpu', 75, 'a')
    expect(monitor.getSystemHealth()).toMatchObject({
      status: 'degraded',
      problems: ['CPU of a is 75%, above 70%'],
    })
    monitor.recordMetric('memory', 99, 'a')
    expect(monitor.getSystemHealth()).toMatchObject({ status: 'unhealthy' })
    expect(monitor.getSystemHealth().problems[0]).toContain('Memory')
  })

  it('combines sources above the limit, and frees their series after a while', () => {
    const { monitor, clock } = open({ maxSeries: 16 })
    for (let source = 0; source < 100; source += 1) monitor.recordMetric('cpu', 10, `node-${source}`)
    const sources = () => monitor.getSystemHealth().metrics.map(({ source }) => source)
    expect(sources()).toHaveLength(17)
    expect(monitor.getSystemHealth().metrics.find(({ source }) => source === 'other')?.count).toBe(84)
    clock.advance(601_000)
    monitor.recordMetric('cpu', 10, 'a new one')
    expect(sources()).toEqual(['a new one'])
  })
})

describe('alerts', () => {
  const at = (alert: Alert | undefined) => [alert?.severity, alert?.status]

  it('are raised by the first value above a threshold, escalate, are downgraded, and resolve automatically', () => {
    const { monitor, clock, changes } = open()
    monitor.recordMetric('cpu', 70, 'a')
    expect(monitor.getActiveAlerts()).toEqual([])
    monitor.recordMetric('cpu', 71, 'a')
    expect(at(monitor.getActiveAlerts()[0])).toEqual(['warning', 'active'])
    clock.advance(5_000)
    monitor.recordMetric('cpu', 91, 'a')
    expect(at(monitor.getActiveAlerts()[0])).toEqual(['critical', 'active'])
    // The hysteresis requires a lower value to resolve it.
    for (let i = 0; i < 20; i += 1) {
      clock.advance(5_000)
      monitor.recordMetric('cpu', 82, 'a')
    }
    expect(at(monitor.getActiveAlerts()[0])).toEqual(['critical', 'active'])
    expect(monitor.getActiveAlerts()[0]?.message).toBe('CPU of a was above 90%, and is 82%')
    for (let i = 0; i < 20; i += 1) {
      clock.advance(5_000)
      monitor.recordMetric('cpu', 72, 'a')
    }
    expect(at(monitor.getActiveAlerts()[0])).toEqual(['warning', 'active'])
    for (let i = 0; i < 12; i += 1) {
      clock.advance(5_000)
      monitor.recordMetric('cpu', 20, 'a')
    }
    expect(monitor.getActiveAlerts()).toHaveLength(1)
    clock.advance(5_000)
    monitor.recordMetric('cpu', 20, 'a')
    expect(monitor.getActiveAlerts()).toEqual([])
    expect(changes).toEqual([
      'raised warning cpu',
      'escalated critical cpu',
      'downgraded warning cpu',
      'resolved warning cpu',
    ])
    expect(monitor.getResolvedAlerts()).toMatchObject([{ metric: 'cpu', status: 'resolved' }])
  })

  it('require a lasting value if `forMs` is set', () => {
    const { monitor, clock, changes } = open({ alerts: { forMs: 10_000 } })
    monitor.recordMetric('cpu', 95, 'a')
    clock.advance(9_000)
    monitor.recordMetric('cpu', 60, 'a')
    clock.advance(1_000)
    monitor.recordMetric('cpu', 95, 'a')
    clock.advance(9_000)
    monitor.recordMetric('cpu', 95, 'a')
    expect(changes).toEqual([])
    clock.advance(1_000)
    monitor.recordMetric('cpu', 75, 'a')
    expect(changes).toEqual(['raised warning cpu'])
  })

  it('remain without new values, and belong to one source', () => {
    const { monitor, clock } = open()
    monitor.recordMetric('cpu', 95, 'a')
    monitor.recordMetric('cpu', 75, 'b')
    clock.advance(3_600_000)
    expect(monitor.getActiveAlerts().map(({ source }) => source)).toEqual(['a', 'b'])
    expect(monitor.getActiveAlerts(1)).toHaveLength(1)
    expect(() => monitor.getActiveAlerts(0)).toThrow(InvalidArgumentError)
  })

  it('stay acknowledged until they are resolved or escalate', () => {
    const { monitor, changes } = open()
    monitor.recordMetric('cpu', 75, 'a')
    const id = monitor.getActiveAlerts()[0]?.id ?? ''
    expect(monitor.acknowledgeAlert(id, 'ann')).toBe(true)
    expect(monitor.acknowledgeAlert(id, 'bob')).toBe(false)
    expect(monitor.acknowledgeAlert('none', 'bob')).toBe(false)
    expect(() => monitor.acknowledgeAlert(id, '')).toThrow(InvalidArgumentError)
    monitor.recordMetric('cpu', 80, 'a')
    expect(monitor.getActiveAlerts()[0]).toMatchObject({
      status: 'acknowledged',
      acknowledgedBy: 'ann',
      value: 80,
    })
    monitor.recordMetric('cpu', 95, 'a')
    expect(monitor.getActiveAlerts()[0]).toMatchObject({ status: 'active', severity: 'critical' })
    expect(monitor.getActiveAlerts()[0]).not.toHaveProperty('acknowledgedBy')
    expect(monitor.resolveAlert(id, 'ann')).toBe(true)
    expect(monitor.resolveAlert(id, 'ann')).toBe(false)
    expect(monitor.getResolvedAlerts()[0]).toMatchObject({ resolvedBy: 'ann' })
    monitor.recordMetric('cpu', 95, 'a')
    expect(monitor.getActiveAlerts()[0]?.id).not.toBe(id)
    expect(changes).toEqual([
      'raised warning cpu',
      'acknowledged warning cpu',
      'escalated critical cpu',
      'resolved critical cpu',
      'raised critical cpu',
    ])
  })

  it('follow the mean of a second of a meter', () => {
    const { monitor, clock } = open()
    const meter = monitor.meter('responseTime', 'GET /')
    for (const ms of [10, 1_500]) meter.record(ms)
    clock.advance(1_000)
    expect(monitor.getActiveAlerts()).toMatchObject([{ severity: 'warning', value: 755 }])
  })

  it('are also raised when a query reads the values first', () => {
    const { monitor } = open()
    monitor.meter('cpu', 'a').record(99)
    monitor.getMetricTrend('cpu')
    expect(monitor.getActiveAlerts()).toHaveLength(1)
  })
})

describe('objectives', () => {
  function burning(share: number, options = {}) {
    const { monitor, clock, changes } = open()
    const objective = monitor.createObjective('checkout', options)
    const burn = (minutes: number, bad: number) => {
      for (let minute = 0; minute < minutes; minute += 1) {
        objective.record(true, 1_000 - Math.round(bad * 1_000))
        if (bad > 0) objective.record(false, Math.round(bad * 1_000))
        clock.advance(60_000)
      }
    }
    burn(60, share)
    return { monitor, changes, objective, burn }
  }

  it('raise no alert while errors are within the budget', () => {
    const { monitor } = burning(0.001)
    expect(monitor.getActiveAlerts()).toEqual([])
  })

  it('raise an alert when 1 hour and its last 5 minutes burn 14.4 times too fast, and resolve it soon after', () => {
    const { monitor, objective, burn } = burning(0.02)
    expect(monitor.getActiveAlerts()).toMatchObject([
      { metric: 'errorBudget', source: 'checkout', severity: 'critical', value: 20, threshold: 14.4 },
    ])
    expect(objective.burnRates().map(({ windowMs }) => windowMs / 60_000)).toEqual([5, 30, 60, 360, 4_320])
    burn(6, 0)
    // The hour still burns, but its last minutes do not; 6 hours burn, including their last 30 minutes.
    expect(monitor.getActiveAlerts()[0]?.threshold).toBe(6)
    burn(30, 0)
    expect(monitor.getActiveAlerts()[0]).toMatchObject({ severity: 'warning', threshold: 1 })
    burn(360, 0)
    expect(monitor.getActiveAlerts()).toEqual([])
  })

  it('raise no alert for too few events', () => {
    const { monitor } = open()
    const objective = monitor.createObjective('rare', { minEvents: 50 })
    objective.record(false, 49)
    expect(monitor.getActiveAlerts()).toEqual([])
    objective.record(false)
    expect(monitor.getActiveAlerts()).toHaveLength(1)
    expect(() => objective.record(false, 0)).toThrow(InvalidArgumentError)
    expect(() => monitor.createObjective('x', { target: 1 })).toThrow(InvalidOptionError)
  })
})

describe('forecasts', () => {
  it('are available from the first value on, and learn', () => {
    const { monitor, clock } = open()
    expect(monitor.predictLoad('requests')).toBeUndefined()
    monitor.recordMetric('requests', 100, 'a')
    const first = monitor.predictLoad('requests', 15)
    expect(first).toMatchObject({ value: expect.closeTo(100, 0), horizonMinutes: 15, model: 'mixture' })
    expect((first?.upper ?? 0) - (first?.lower ?? 0)).toBeGreaterThan(20)
    expect(() => monitor.predictLoad('requests', 61)).toThrow(InvalidArgumentError)
    expect(() => monitor.predictLoad('speed')).toThrow(UnknownMetricError)
    clock.advance(1_000)
    expect(monitor.predictLoad('cpu')).toBeUndefined()
  })

  it('are restored as saved', () => {
    const { monitor } = open()
    monitor.recordMetric('requests', 100, 'a')
    monitor.predictLoad('requests')
    const saved = JSON.parse(JSON.stringify(monitor.saveForecasts())) as Record<string, unknown>
    const { monitor: other } = open()
    other.restoreForecasts(saved)
    expect(other.predictLoad('requests')).toEqual(monitor.predictLoad('requests'))
    expect(() => other.restoreForecasts({ requests: { version: 1 } })).toThrow(InvalidArgumentError)
    expect(() => other.restoreForecasts(null as never)).toThrow(InvalidArgumentError)
  })
})
