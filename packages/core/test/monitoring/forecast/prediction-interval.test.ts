import { describe, expect, it } from 'vitest'
import { ForecastRecord } from '../../../src/monitoring/forecast/forecast-model.ts'
import { PredictionInterval } from '../../../src/monitoring/forecast/prediction-interval.ts'
import { normal, seeded } from '../seeded.ts'

function surrounded(interval: PredictionInterval): ForecastRecord & { readonly p90: number } {
  const record = new ForecastRecord()
  const p90 = interval.surround(record)
  return Object.assign(record, { p90 })
}

describe('PredictionInterval', () => {
  it('is wide before it has learned', () => {
    const { logLower, logUpper, p90 } = surrounded(new PredictionInterval())
    expect([logLower, p90, logUpper]).toEqual([
      expect.closeTo(-1.75),
      expect.closeTo(1.4),
      expect.closeTo(1.75),
    ])
  })

  it('estimates quantiles of residuals separately above and below', () => {
    const interval = new PredictionInterval()
    const random = seeded(8)
    for (let sample = 0; sample < 3000; sample += 1) {
      const size = Math.abs(0.2 * normal(random))
      interval.learn(surrounded(interval), random() < 0.5 ? size : -2 * size)
    }
    const { logLower, logUpper, p90 } = surrounded(interval)
    // 90% of the values on one side are below 1.645 of its deviations, 80% below 1.282.
    expect(logUpper / 0.329).toSatisfy((ratio: number) => ratio > 0.75 && ratio < 1.3)
    expect(logLower / -0.658).toSatisfy((ratio: number) => ratio > 0.75 && ratio < 1.3)
    expect(p90 / 0.256).toSatisfy((ratio: number) => ratio > 0.75 && ratio < 1.3)
  })

  it('widens the side with misses, and narrows the other', () => {
    const [missed, held] = [new PredictionInterval(), new PredictionInterval()]
    const random = seeded(3)
    for (let sample = 0; sample < 100; sample += 1) {
      const residual = 0.1 * normal(random)
      for (const [interval, logUpper] of [
        [missed, -10],
        [held, 10],
      ] as const) {
        interval.learn(Object.assign(surrounded(interval), { logUpper, logLower: -10 }), residual)
      }
    }
    expect(surrounded(missed).logUpper).toBeGreaterThan(5 * surrounded(held).logUpper)
    expect(surrounded(missed).logLower).toBe(surrounded(held).logLower)
  })
})
