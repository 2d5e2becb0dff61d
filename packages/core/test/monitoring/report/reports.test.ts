import { describe, expect, it } from 'vitest'
import type { Prediction } from '../../../src/monitoring/forecast/load-forecaster-options.ts'
import { MetricTypes } from '../../../src/monitoring/metrics/metric-type.ts'
import type { MetricHealth } from '../../../src/monitoring/report/performance-report.ts'
import { type ScalingAdviceInput, scalingAdvice } from '../../../src/monitoring/report/reports.ts'
import type { ScalingPolicy } from '../../../src/monitoring/scaling/policies/scaling-policies.ts'
import { alertWith } from '../alerts/alert.ts'

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
