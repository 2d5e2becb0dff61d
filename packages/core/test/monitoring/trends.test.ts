import { MonitoringAndAutoScalingEngine, UnknownMetricError } from '@sluice/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { AnomalyWatch, analyzeTrend } from '../../src/monitoring/trends.ts'
import { ManualClock } from './manual-clock.ts'
import { normal, seeded } from './seeded.ts'

/** A watch that has seen this many values around a level of 100, which usually deviate by 5. */
function watching(count = 120, seed = 1) {
  const watch = new AnomalyWatch('requests')
  const random = seeded(seed)
  let at = 0
  const see = (value: number, expected = 100) => {
    at += 1
    return watch.see(value, expected, at)
  }
  const usual = () => see(100 + 5 * normal(random))
  for (let seen = 0; seen < count; seen += 1) usual()
  return { watch, see, usual }
}

describe('AnomalyWatch', () => {
  it('reports nothing for usual values', () => {
    for (let seed = 1; seed <= 3; seed += 1) expect(watching(600, seed).watch.found).toEqual([])
  })

  it('finds a value far above or below the expected one', () => {
    for (const value of [200, 20]) {
      const { see, watch } = watching()
      const found = see(value)
      expect(found).toMatchObject({ kind: 'value', metric: 'requests', timestamp: 121, value, expected: 100 })
      expect(found?.score).toBeGreaterThan(10)
      expect(watch.found).toEqual([found])
    }
  })

  it('compares with the expected value and the usual deviation', () => {
    const { see } = watching()
    expect(see(120)).toBeUndefined()
    const { see: seeEvening } = watching()
    expect(seeEvening(405, 400)).toBeUndefined()
    // A deviation of 2% of the expected value is not an anomaly, even after a quiet period.
    const quiet = new AnomalyWatch('requests')
    for (let at = 0; at < 100; at += 1) quiet.see(100, 100, at)
    expect(quiet.see(111, 100, 100)).toBeUndefined()
    expect(quiet.see(113, 100, 101)?.kind).toBe('value')
  })

  it('includes the usual error of forecasts', () => {
    const watch = new AnomalyWatch('requests')
    const random = seeded(3)
    for (let at = 0; at < 120; at += 1) watch.see(150 + 5 * normal(random), 100, at)
    expect(watch.found).toEqual([])
    expect(watch.see(100, 100, 120)?.kind).toBe('value')
  })

  it('reports nothing before it has learned the usual deviation', () => {
    const watch = new AnomalyWatch('requests')
    for (let at = 0; at < 29; at += 1) watch.see(100 + (at % 3), 100, at)
    expect(watch.see(1_000, 100, 29)).toBeUndefined()
    expect(watch.see(1_000, 100, 30)?.kind).toBe('value')
  })

  it('finds a change of the level, up or down, that no individual value shows', () => {
    for (const level of [120, 80]) {
      const { see, watch } = watching()
      let seen = 0
      while (watch.found.length === 0 && seen < 50) {
        see(level)
        seen += 1
      }
      expect(watch.found).toMatchObject([{ kind: 'change', value: level, expected: 100 }])
      // Each value adds 4 usual deviations minus 1, until the sum reaches 16.
      expect(seen).toBeGreaterThanOrEqual(4)
      expect(seen).toBeLessThanOrEqual(9)
      expect(watch.found[0]?.score).toBeGreaterThanOrEqual(16)
    }
  })

  it('does not treat two peaks as a change of the level', () => {
    const { see, usual, watch } = watching()
    see(1_000)
    for (let i = 0; i < 10; i += 1) usual()
    see(1_000)
    expect(watch.found.map(({ kind }) => kind)).toEqual(['value', 'value'])
  })

  it('does not add up usual deviations', () => {
    const { see, watch } = watching()
    // Each is within one deviation, and all are on one side.
    for (let i = 0; i < 200; i += 1) see(103)
    expect(watch.found).toEqual([])
  })

  it('learns the new level after a change', () => {
    const { see, watch } = watching()
    for (let i = 0; i < 20; i += 1) see(120)
    expect(watch.found).toHaveLength(1)
    // It relearns with 30 values, and then the former level is unusual.
    for (let i = 0; i < 30; i += 1) see(120 + (i % 3))
    expect(watch.found).toHaveLength(1)
    expect(see(60)?.kind).toBe('value')
  })

  it('uses the last 240 values, and retains 200 anomalies', () => {
    const { see, watch } = watching(500)
    // A deviation of 50 becomes usual when it fills the window.
    for (let i = 0; i < 260; i += 1) see(100 + (i % 2 === 0 ? 50 : -50))
    const before = watch.found.length
    for (let i = 0; i < 50; i += 1) see(100 + (i % 2 === 0 ? 50 : -50))
    expect(watch.found).toHaveLength(before)
    const random = seeded(9)
    const other = new AnomalyWatch('requests')
    for (let at = 0; at < 2_500; at += 1)
      other.see(at % 10 === 9 ? 1_000 + at : 100 + 5 * normal(random), 100, at)
    expect(other.found).toHaveLength(200)
    expect(other.found.at(-1)?.value).toBe(3_499)
  })
})

describe('anomalies of an engine', () => {
  function open() {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const clock = new ManualClock()
    const monitor = new MonitoringAndAutoScalingEngine({ forecasts: ['requests', 'connections'] }, { clock })
    onTestFinished(() => monitor.close())
    const told: string[] = []
    monitor.on('anomaly', ({ metric, kind, value }) => told.push(`${metric} ${kind} ${value}`))
    const minute = (requests: number, connections: number) => {
      clock.advance(60_000)
      monitor.recordMetric('requests', requests, 'a')
      monitor.recordMetric('connections', connections, 'a')
      vi.advanceTimersByTime(1_000)
    }
    return { monitor, told, minute, clock }
  }

  it('are emitted, and listed in order for one metric or all', () => {
    const { monitor, told, minute } = open()
    for (let at = 0; at < 60; at += 1) minute(100 + (at % 5), 50 + (at % 3))
    expect(monitor.getAnomalies()).toEqual([])
    minute(102, 90)
    for (let at = 0; at < 5; at += 1) minute(100 + (at % 5), 50 + (at % 3))
    minute(900, 51)
    expect(told).toEqual(['connections value 90', 'requests value 900'])
    expect(monitor.getAnomalies().map(({ metric }) => metric)).toEqual(['connections', 'requests'])
    expect(monitor.getAnomalies('requests')).toMatchObject([
      { metric: 'requests', value: 900, kind: 'value' },
    ])
    expect(monitor.getAnomalies('cpu')).toEqual([])
    expect(() => monitor.getAnomalies('speed')).toThrow(UnknownMetricError)
  })

  it('require a new time: none is reported when the clock is set back', () => {
    const { monitor, told, minute, clock } = open()
    for (let at = 0; at < 60; at += 1) minute(100 + (at % 5), 50)
    clock.setWall(clock.wall() - 3_600_000)
    minute(900, 50)
    expect([told, monitor.getAnomalies()]).toEqual([[], []])
  })
})

const SECOND = 1_000
const points = (values: readonly number[], stepMs = SECOND) =>
  values.map((value, at) => ({ timestamp: 1_000_000 + at * stepMs, value }))
const series = (count: number, value: (at: number) => number) =>
  points(Array.from({ length: count }, (_, at) => value(at)))

describe('analyzeTrend', () => {
  it('returns the slope per minute, and the change over the window as a share of the mean', () => {
    // From 90 to 110 in 20 seconds.
    const analysis = analyzeTrend(series(21, (at) => 90 + at))
    expect(analysis).toMatchObject({ trend: 'increasing', points: 21 })
    expect(analysis.changePerMinute).toBeCloseTo(60, 9)
    expect(analysis.changeRate).toBeCloseTo(0.2, 9)
    expect(analyzeTrend(series(21, (at) => 110 - at))).toMatchObject({
      trend: 'decreasing',
      changePerMinute: expect.closeTo(-60, 9),
    })
  })

  it('reports no trend for fewer than three values', () => {
    expect(analyzeTrend(points([1, 100]))).toEqual({
      trend: 'stable',
      changePerMinute: 0,
      changeRate: 0,
      significance: 0,
      points: 2,
    })
    expect(analyzeTrend(points([1, 50, 100])).changePerMinute).toBeCloseTo(49.5 * 60, 9)
  })

  it('reports no trend for four values, whose order may be random', () => {
    // Four random values are in order in 1 of 12 cases, five in 1 of 60.
    expect(analyzeTrend(points([10, 20, 30, 40])).trend).toBe('stable')
    expect(analyzeTrend(points([10, 20, 30, 40, 50])).trend).toBe('increasing')
  })

  it('has the significance of Kendall, with the correction for whole numbers', () => {
    // With five values in order, S is 10, and its deviation √(5·4·15/18): z = 9 / 4.082 = 2.2045, and
    // erf(z/√2) = 0.97251.
    expect(analyzeTrend(points([1, 2, 3, 4, 5])).significance).toBeCloseTo(0.97251, 4)
    expect(analyzeTrend(points([3, 3, 3, 3, 3])).significance).toBeCloseTo(0, 6)
    // As many pairs up as down.
    expect(analyzeTrend(points([1, 3, 2, 2, 3, 1])).significance).toBeCloseTo(0, 6)
  })

  it('reports random values as a trend in at most about 5% of cases', () => {
    const random = seeded(7)
    const rounds = 1_000
    let trends = 0
    for (let round = 0; round < rounds; round += 1)
      if (analyzeTrend(series(30, () => 100 + 50 * normal(random))).trend !== 'stable') trends += 1
    expect(trends / rounds).toBeLessThan(0.065)
    expect(trends / rounds).toBeGreaterThan(0.025)
  })

  it('ignores a significant but small change', () => {
    const rising = (share: number) => analyzeTrend(series(101, (at) => 100 + (share * 100 * at) / 100))
    expect(rising(0.045)).toMatchObject({ trend: 'stable', significance: expect.closeTo(1, 6) })
    expect(rising(0.06).trend).toBe('increasing')
  })

  it('is not affected by peaks', () => {
    const { trend, changePerMinute } = analyzeTrend(series(100, (at) => (at % 10 === 0 ? 10_000 : 100 + at)))
    expect(trend).toBe('increasing')
    expect(changePerMinute).toBeCloseTo(60, 6)
  })

  it('samples many values evenly, including the first and the last', () => {
    const analysis = analyzeTrend(series(10_000, (at) => at))
    expect(analysis.points).toBe(10_000)
    // From 0 to twice the mean.
    expect(analysis.changeRate).toBeCloseTo(2, 9)
    expect(analysis.changePerMinute).toBeCloseTo(60, 9)
    expect(analyzeTrend(series(10_000, (at) => Math.max(100, at - 2_000))).trend).toBe('increasing')
  })

  it('returns finite numbers for zeros and for values of one time', () => {
    expect(analyzeTrend(points([0, 0, 0, 0]))).toMatchObject({
      trend: 'stable',
      changeRate: 0,
      changePerMinute: 0,
    })
    expect(analyzeTrend(points([1, 2, 3], 0))).toMatchObject({
      trend: 'stable',
      changeRate: 0,
      changePerMinute: 0,
    })
  })
})
