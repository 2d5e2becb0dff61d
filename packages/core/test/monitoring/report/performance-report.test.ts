import type { PerformanceReport, ScalingEvent } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import type { TuningChange } from '../../../src/monitoring/report/advice.ts'
import { reportMarkdown } from '../../../src/monitoring/report/performance-report.ts'
import { alertWith } from '../alerts/alert.ts'

const at = Date.UTC(2026, 10, 26, 12)
const stable = { trend: 'stable', changePerMinute: 0, changeRate: 0, significance: 0, points: 5 } as const

function page(
  some: Partial<Omit<PerformanceReport, 'health'>> & {
    readonly health?: Partial<PerformanceReport['health']>
  } = {},
): string {
  const { health, ...others } = some
  return reportMarkdown({
    generatedAt: at,
    health: { status: 'healthy', timestamp: at, metrics: [], problems: [], ...health },
    alerts: [],
    trends: {},
    forecasts: {},
    anomalies: [],
    advice: [],
    tuning: [],
    scaling: { events: [], cost: undefined },
    ...others,
  })
}

const metric = {
  metric: 'cpu',
  source: 'a',
  unit: '%',
  count: 5,
  last: 1,
  min: 2,
  avg: 3,
  p50: 4,
  p95: 5,
  p99: 6,
  max: 7,
}
const event = {
  ...({
    timestamp: at,
    direction: 'up',
    from: 2,
    to: 3,
    metric: 'load',
    value: 1,
    source: 'load',
    isDryRun: false,
  } as const),
  reasons: ['Because.', 'And because.'] as readonly string[],
} satisfies ScalingEvent

describe('reportMarkdown', () => {
  it('is two lines if there is nothing to report', () => {
    expect(page()).toBe('# Performance, 2026-11-26T12:00:00.000Z\n\n**healthy**\n')
  })

  it('counts and lists problems', () => {
    expect(page({ health: { status: 'degraded', problems: ['one'] } })).toContain(
      '**degraded**: 1 problem\n\n## Problems\n\n- one\n',
    )
    expect(page({ health: { status: 'unhealthy', problems: ['one', 'two'] } })).toContain(
      '**unhealthy**: 2 problems\n\n## Problems\n\n- one\n- two\n',
    )
  })

  it('contains a row for each metric and source, with its trend', () => {
    const metrics = [
      metric,
      { ...metric, metric: 'requests', unit: '', last: 1_234.5, min: 12.34, max: 0.012345 },
    ]
    const trends = {
      cpu: { ...stable, trend: 'increasing' },
      requests: { ...stable, trend: 'decreasing' },
    } as const
    expect(page({ health: { metrics }, trends })).toContain(
      [
        '## Metrics of the last five minutes',
        '',
        '| metric | source | last | min | mean | p50 | p95 | p99 | max | trend |',
        '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
        '| cpu (%) | a | 1 | 2 | 3 | 4 | 5 | 6 | 7 | ↑ |',
        '| requests | a | 1235 | 12.3 | 3 | 4 | 5 | 6 | 0.0123 | ↓ |',
        '',
      ].join('\n'),
    )
    expect(page({ health: { metrics: [metric] } })).toContain('| 7 | → |')
  })

  it('includes the accuracy of forecasts once it is known', () => {
    const forecast = {
      value: 10,
      lower: 5,
      upper: 15,
      p90: 14,
      model: 'mixture',
      horizonMinutes: 15,
    } as const
    const forecasts = {
      cpu: { ...forecast, recentAccuracy: 0.876 },
      memory: { ...forecast, recentAccuracy: undefined },
    }
    const text = page({ forecasts })
    expect(text).toContain('| cpu | 10 | 5 | 15 | 88% |\n')
    expect(text).toContain('| memory | 10 | 5 | 15 | not known yet |\n')
  })

  it('includes when an alert was raised, and who acknowledged it', () => {
    const alerts = [
      alertWith({ raisedAt: at - 60_000 }),
      alertWith({
        raisedAt: at,
        severity: 'critical',
        status: 'acknowledged',
        acknowledgedBy: 'ann|bob',
        message: 'memory',
      }),
    ]
    const text = page({ alerts })
    expect(text).toContain('| warning | cpu of a is 75%, above 70% | 2026-11-26T11:59:00.000Z | active |\n')
    expect(text).toContain('| critical | memory | 2026-11-26T12:00:00.000Z | acknowledged by ann\\|bob |\n')
  })

  it('lists anomalies, and marks those that last', () => {
    const anomaly = {
      kind: 'value',
      metric: 'cpu',
      timestamp: at,
      value: 900,
      expected: 100.4,
      score: 9,
    } as const
    const text = page({ anomalies: [anomaly, { ...anomaly, kind: 'change' }] })
    expect(text).toContain('- 2026-11-26T12:00:00.000Z: cpu was 900, 100 was to be expected\n')
    expect(text).toContain(
      '- 2026-11-26T12:00:00.000Z: cpu was 900, 100 was to be expected; another level since then\n',
    )
  })

  it('lists scaling decisions with reasons, cost and dry runs', () => {
    const cost = { workerHours: 12, leastWorkerHours: 10, hours: 4 }
    const text = page({ scaling: { events: [event, { ...event, isDryRun: true }], cost } })
    expect(text).toContain(
      [
        '## Scaling',
        '',
        '12 worker-hours in 4 hours, 1.2 times what the load needed.',
        '',
        '- 2026-11-26T12:00:00.000Z: 2 → 3. Because. And because.',
        '- 2026-11-26T12:00:00.000Z: 2 → 3 (dry run). Because. And because.',
        '',
      ].join('\n'),
    )
    expect(page({ scaling: { events: [], cost: { ...cost, leastWorkerHours: 0 } } })).toContain(
      '12 worker-hours in 4 hours.\n',
    )
    expect(page({ scaling: { events: [event], cost: undefined } })).toContain('## Scaling\n\n- 2026')
  })

  it('lists automatic changes', () => {
    const change: TuningChange = {
      kind: 'cacheBytes',
      setting: 'cache.maxBytes',
      from: 1,
      to: 2,
      at,
      status: 'checking',
      text: 'Raised it.',
      expected: { measure: 'hitRate', from: 0.5, to: 0.6 },
    }
    expect(page({ tuning: [change] })).toContain('## Tuning\n\n- 2026-11-26T12:00:00.000Z: Raised it.\n')
  })

  it('escapes external names, so that they are neither markup nor end their row', () => {
    const source = '<b>|x|\n\n# [a](b) *c* _d_ `e` {f}\\'
    const written = '\\<b\\>\\|x\\| \\# \\[a\\](b) \\*c\\* \\_d\\_ \\`e\\` \\{f\\}\\\\'
    expect(page({ health: { metrics: [{ ...metric, source }] } })).toContain(`| cpu (%) | ${written} | 1 |`)
    expect(page({ health: { problems: [source] } })).toContain(`- ${written}\n`)
    expect(page({ advice: [{ kind: 'alerts', text: source }] })).toContain(`## Advice\n\n- ${written}\n`)
    expect(page({ scaling: { events: [{ ...event, reasons: [source] }], cost: undefined } })).toContain(
      `3. ${written}\n`,
    )
  })
})
