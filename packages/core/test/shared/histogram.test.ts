import { describe, expect, it } from 'vitest'
import { DurationHistogram } from '../../src/shared/histogram.ts'

function of(...values: readonly number[]): DurationHistogram {
  const histogram = new DurationHistogram([1, 5, 10, 50])
  for (const value of values) histogram.add(value)
  return histogram
}

describe('a quantile of durations', () => {
  it('interpolates as if values were distributed evenly between two bounds', () => {
    const histogram = of(2, 3, 4, 5, 20, 30, 40, 50, 50, 50)
    expect(histogram.quantile(0.2)).toBe(3)
    expect(histogram.quantile(0.4)).toBe(5)
    expect(histogram.quantile(0.7)).toBe(30)
    expect(histogram.quantile(1)).toBe(50)
  })

  it('is the last bound for values above all bounds', () => {
    expect(of(1_000).quantile(0.95)).toBe(50)
  })

  it('starts at 0', () => {
    expect(of(0.2, 0.4).quantile(0.5)).toBe(0.5)
  })
})
