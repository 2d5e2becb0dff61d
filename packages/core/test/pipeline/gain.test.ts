import { describe, expect, it } from 'vitest'
import { Gain } from '../../src/pipeline/gain.ts'

/** How many of the next reads are looked at before one is left alone. */
function looksAt(gain: Gain, now: number): number {
  let looks = 0
  while (looks < 10_000 && !gain.leaves(now)) looks += 1
  return looks
}

describe('Gain', () => {
  it('leaves reads alone after 4,096 without gain', () => {
    expect(looksAt(new Gain(), 0)).toBe(4_096)
  })

  it('counts from the last gain', () => {
    const gain = new Gain()
    for (let at = 0; at < 4_000; at += 1) gain.leaves(0)
    gain.found()
    expect(looksAt(gain, 0)).toBe(4_096)
    gain.found()
    expect(looksAt(gain, 0)).toBe(4_096)
  })

  it('looks at 256 of 4,096, one after the other', () => {
    const gain = new Gain()
    looksAt(gain, 0)
    let left = 1
    while (gain.leaves(0)) left += 1
    expect(left).toBe(3_840)
    expect(looksAt(gain, 0)).toBe(255)
  })

  it('looks again after ten seconds', () => {
    const gain = new Gain()
    looksAt(gain, 5_000)
    expect(gain.leaves(14_999)).toBe(true)
    expect(gain.leaves(15_000)).toBe(false)
    expect(looksAt(gain, 15_000)).toBe(255)
    expect(gain.leaves(24_999)).toBe(true)
    expect(gain.leaves(25_000)).toBe(false)
  })
})
