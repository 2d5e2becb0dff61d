import { describe, expect, it } from 'vitest'
import { chartDataOf, csvOf, stepOf, valueAt } from '../../page/src/charts/chart-data.ts'
import { secondsOf, sparklinePath } from '../../page/src/charts/sparkline-path.ts'

const forecast = {
  from: 3_000,
  points: [
    { at: 60_000, lower: 1, value: 2, upper: 3 },
    { at: 120_000, lower: 0, value: 2, upper: 4 },
  ],
  model: 'level',
  recentAccuracy: null,
  caption: '',
}

describe('chartDataOf', () => {
  it('starts the band at the last measured value', () => {
    const data = chartDataOf({
      points: [
        [1_000, 5],
        [3_000, 2],
      ],
      forecast,
    })
    expect(data.times).toEqual([1, 3, 60, 120])
    expect(data.values).toEqual([5, 2, null, null])
    expect(data.lower).toEqual([null, 2, 1, 0])
    expect(data.upper).toEqual([null, 2, 3, 4])
    expect(data.now).toBe(3)
  })

  it('keeps gaps, also before the forecast', () => {
    const data = chartDataOf({
      points: [
        [1_000, 5],
        [2_000, null],
      ],
      forecast,
    })
    expect(data.values).toEqual([5, null, null, null])
    expect(data.median).toEqual([null, null, 2, 2])
  })

  it('describes the values at an index', () => {
    const data = chartDataOf({
      points: [
        [1_000, 5],
        [2_000, null],
      ],
      forecast,
    })
    expect(valueAt(data, 0, 'ms')).toMatch(/, 5 ms$/)
    expect(valueAt(data, 1, 'ms')).toMatch(/, no value$/)
    expect(valueAt(data, 2, '%')).toMatch(/, forecast 2%, between 1% and 3%$/)
    expect(valueAt(data, 9, '%')).toBe('')
  })

  it('exports CSV with empty cells for missing values', () => {
    const lines = csvOf('orders', chartDataOf({ points: [[1_000, 5]], forecast: null })).split('\n')
    expect(lines).toEqual([
      'time,orders,forecast_lower,forecast_median,forecast_upper',
      '1970-01-01T00:00:01.000Z,5,,,',
      '',
    ])
  })
})

describe('stepOf', () => {
  it('stays within the chart and ignores other keys', () => {
    expect(['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp'].map((key) => stepOf(key, 4, 8))).toEqual([
      3, 5, 0, 7, 7,
    ])
    expect(stepOf('ArrowLeft', 0, 8)).toBe(0)
    expect(stepOf('Tab', 4, 8)).toBeUndefined()
  })
})

describe('secondsOf', () => {
  it('returns one entry per second, and null for missing or old values', () => {
    expect(
      secondsOf(
        [
          [1_000, 9],
          [8_400, 1],
          [10_900, 3],
        ],
        10_500,
        3,
      ),
    ).toEqual([1, null, 3])
  })
})

describe('sparklinePath', () => {
  it('starts a new line after a gap and draws a single value as a dash', () => {
    expect(sparklinePath([0, 10, null, 5, null], 40, 10, 1)).toBe('M0 10L10 0M30 5h1')
  })

  it('connects values across missing ones up to the longest gap', () => {
    expect(sparklinePath([0, null, 10, null, null, 5, null], 60, 10, 2)).toBe('M0 10L20 0M50 5h1')
    expect(sparklinePath([0, null, 10, null, null, 5, null], 60, 10, 3)).toBe('M0 10L20 0L50 5')
  })

  it('returns an empty path without values', () => {
    expect(sparklinePath([null, null], 40, 10, 1)).toBe('')
  })
})
