import { describe, expect, it } from 'vitest'
import {
  chartDataOf,
  csvOf,
  linePath,
  rangeOf,
  stepOf,
  timeTicks,
  valueAt,
  valueTicks,
} from '../../../page/src/charts/chart-data.ts'

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

describe('linePath', () => {
  it('interrupts the line at a missing value and draws a single value as a dash', () => {
    expect(
      linePath([
        [0, 10],
        [10, 0],
        [20, null],
        [30, 5.04],
        [40, null],
      ]),
    ).toBe('M0 10L10 0M30 5h1')
  })

  it('connects values up to the longest gap', () => {
    const points = [
      [0, 10],
      [20, 0],
      [50, 5],
    ] as const
    expect(linePath(points, 20)).toBe('M0 10L20 0M50 5h1')
    expect(linePath(points, 30)).toBe('M0 10L20 0L50 5')
  })

  it('returns an empty path without values', () => {
    expect(linePath([[0, null]])).toBe('')
  })
})

describe('valueTicks', () => {
  it('returns round values within the range', () => {
    expect(valueTicks(0, 26, 5)).toEqual([0, 10, 20])
    expect(valueTicks(0, 0.9, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8].map((value) => expect.closeTo(value)))
    expect(valueTicks(-30, 110, 5)).toEqual([0, 50, 100])
  })
})

describe('timeTicks', () => {
  it('returns at most so many round local times', () => {
    expect(timeTicks(61, 300, 5, 0)).toEqual([120, 180, 240, 300])
    expect(timeTicks(0, 86_400, 8, 0)).toEqual([0, 14_400, 28_800, 43_200, 57_600, 72_000, 86_400])
    // In India, a full hour is half an hour after one of UTC.
    expect(timeTicks(0, 8 * 3_600, 8, -19_800).map((at) => at % 3_600)).toEqual(Array(8).fill(1_800))
  })
})

describe('rangeOf', () => {
  const data = chartDataOf({ points: [[1_000, 50]], forecast: null })

  it('starts at 0 and includes a threshold that values approach', () => {
    expect(rangeOf(data, null, null)).toEqual([0, expect.closeTo(55)])
    expect(rangeOf(data, 80, 500)).toEqual([0, expect.closeTo(88)])
  })

  it('cuts off a wide band, and is never empty', () => {
    const wide = { ...data, upper: [1_000], lower: [-20] }
    expect(rangeOf(wide, null, null)).toEqual([-20, expect.closeTo(137.5)])
    expect(rangeOf(chartDataOf({ points: [[1_000, 0]], forecast: null }), null, null)[1]).toBeGreaterThan(0)
  })
})
