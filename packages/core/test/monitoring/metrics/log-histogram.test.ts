import { describe, expect, it } from 'vitest'
import { LogHistogram, WindowedHistogram } from '../../../src/monitoring/metrics/log-histogram.ts'
import { normal, seeded } from '../seeded.ts'

const WORST_ERROR = 0.016
const SHARES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1]

const spreads: Readonly<Record<string, (random: () => number) => number>> = {
  uniform: (random) => 1 + random() * 999,
  lognormal: (random) => Math.exp(3 + 1.5 * normal(random)),
  'of two humps': (random) => (random() < 0.95 ? 20 + normal(random) : 900 + 20 * normal(random)),
  'heavy-tailed': (random) => Math.min(4e6, 5 * (1 - random()) ** (-1 / 1.3)),
  'of whole numbers': (random) => 1 + Math.floor(random() * 20),
  'over the whole range': (random) => 2 ** (-10 + 31.99 * random()),
}

function histogramOf(values: readonly number[]): LogHistogram {
  const histogram = new LogHistogram()
  for (const value of values) histogram.add(value)
  return histogram
}

function exact(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? Number.NaN
}

describe('LogHistogram', () => {
  for (const [name, draw] of Object.entries(spreads)) {
    it(`is within 1.6% of each quantile of values that are ${name}`, () => {
      for (let seed = 1; seed <= 20; seed += 1) {
        const random = seeded(seed)
        const values = Array.from({ length: 1 + Math.floor(random() * 2000) }, () => draw(random))
        const histogram = histogramOf(values)
        for (const share of SHARES) {
          const expected = exact(values, share)
          expect(
            Math.abs((histogram.quantile(share) ?? Number.NaN) - expected) / expected,
          ).toBeLessThanOrEqual(WORST_ERROR)
        }
      }
    })
  }

  it('is equally accurate at both ends of each bucket', () => {
    for (let exponent = -10; exponent < 22; exponent += 1) {
      for (let part = 0; part < 32; part += 1) {
        const lower = 2 ** exponent * (1 + part / 32)
        const upper = 2 ** exponent * (1 + (part + 1) / 32)
        const [atLower, belowUpper] = [lower, upper * (1 - 1e-15)].map(
          (value) => histogramOf([value]).quantile(0.5) ?? Number.NaN,
        )
        expect(atLower).toBe(belowUpper)
        expect((atLower ?? 0) / lower - 1).toBeCloseTo(1 - (belowUpper ?? 0) / upper, 10)
      }
    }
  })

  it('has the same quantiles after a merge as with direct values', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = seeded(seed)
      const values = Array.from({ length: 500 }, () => Math.exp(4 * normal(random)))
      const cut = Math.floor(random() * values.length)
      const merged = histogramOf(values.slice(0, cut))
      merged.merge(histogramOf(values.slice(cut)))
      const direct = histogramOf(values)
      expect(merged.total).toBe(direct.total)
      for (const share of SHARES) expect(merged.quantile(share)).toBe(direct.quantile(share))
    }
  })

  it('is restored when a merged histogram is subtracted', () => {
    const random = seeded(3)
    const kept = Array.from({ length: 300 }, () => random() * 100)
    const other = histogramOf(Array.from({ length: 300 }, () => random() * 1000))
    const histogram = histogramOf(kept)
    histogram.merge(other)
    histogram.subtract(other)
    for (const share of SHARES) expect(histogram.quantile(share)).toBe(histogramOf(kept).quantile(share))
    expect(histogram.total).toBe(300)
  })

  it('counts values below its range as 0, and those above as the maximum', () => {
    for (const zero of [0, -0]) expect(histogramOf([zero]).quantile(0.5)).toBe(0)
    expect(histogramOf([2 ** -11]).quantile(0.5)).toBe(0)
    expect(histogramOf([2 ** -10]).quantile(0.5)).toBeGreaterThan(0)
    expect(histogramOf([2 ** 22]).quantile(0.5)).toBe(2 ** 22)
    expect(histogramOf([1e300]).quantile(0.5)).toBe(2 ** 22)
  })

  it('has no quantile while it is empty or after it was cleared', () => {
    const histogram = histogramOf([5])
    histogram.clear()
    expect(histogram.quantile(0.5)).toBeUndefined()
    expect(histogram.total).toBe(0)
  })

  it('throws for invalid values and shares', () => {
    const histogram = new LogHistogram()
    const refusal = expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' })
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => histogram.add(value)).toThrow(refusal)
    for (const share of [-0.1, 1.1, Number.NaN]) expect(() => histogram.quantile(share)).toThrow(refusal)
    expect(histogram.total).toBe(0)
  })
})

describe('WindowedHistogram', () => {
  it('contains the values of the last slices at any time', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = seeded(seed)
      const slices = 2 + Math.floor(random() * 10)
      const windowed = new WindowedHistogram({ windowMs: slices * 100, slices })
      const added: { at: number; value: number }[] = []
      let now = random() * 1000
      for (let round = 0; round < 400; round += 1) {
        now += random() < 0.02 ? random() * 3000 : random() * 40
        const value = Math.exp(2 * normal(random))
        windowed.add(now, value)
        added.push({ at: now, value })
        const expected = new LogHistogram()
        const oldest = Math.floor(now / 100) - slices + 1
        for (const one of added) if (Math.floor(one.at / 100) >= oldest) expected.add(one.value)
        expect(windowed.total(now)).toBe(expected.total)
        for (const share of [0.5, 0.99]) expect(windowed.quantile(now, share)).toBe(expected.quantile(share))
      }
    }
  })

  it('is empty without values for a whole window', () => {
    const windowed = new WindowedHistogram({ windowMs: 600 })
    windowed.add(1000, 5)
    expect(windowed.total(1400)).toBe(1)
    expect(windowed.total(1600)).toBe(0)
    expect(windowed.quantile(1600, 0.5)).toBeUndefined()
  })

  it('keeps counting when time goes backwards', () => {
    const windowed = new WindowedHistogram({ windowMs: 600 })
    windowed.add(1000, 5)
    windowed.add(200, 5)
    expect(windowed.total(1000)).toBe(2)
  })

  it('throws for an invalid window', () => {
    const refusal = expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' })
    expect(() => new WindowedHistogram({ windowMs: 0 })).toThrow(refusal)
    expect(() => new WindowedHistogram({ windowMs: 100, slices: 1 })).toThrow(refusal)
  })
})
