import { describe, expect, it } from 'vitest'
import { Lags } from '../../src/regions/redis-relay.ts'

describe('Lags', () => {
  it('returns 0 without values', () => {
    expect(new Lags().quantile(0.5)).toBe(0)
  })

  it('returns quantiles of the last 1,000 values', () => {
    const lags = new Lags()
    for (let ms = 1; ms <= 2_000; ms += 1) lags.add(ms)
    expect(lags.quantile(0)).toBe(1_001)
    expect(lags.quantile(0.5)).toBe(1_501)
    expect(lags.quantile(0.99)).toBe(1_991)
    expect(lags.quantile(1)).toBe(2_000)
  })
})
