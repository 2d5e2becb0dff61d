import { describe, expect, it } from 'vitest'
import { LogHistogram, WindowedHistogram } from '../../../src/monitoring/sketch/log-histogram.ts'

import { normal, seeded } from '../seeded.ts'

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
