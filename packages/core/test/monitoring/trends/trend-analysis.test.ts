import { describe, expect, it } from 'vitest'
import { analyzeTrend } from '../../../src/monitoring/trends/trend-analysis.ts'
import { normal, seeded } from '../seeded.ts'

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
