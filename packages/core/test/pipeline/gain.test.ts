import { describe, expect, it } from 'vitest'
import { Gain } from '../../src/pipeline/gain.ts'

/** The number of next reads that are examined before one is skipped. */
function looksAt(gain: Gain, now: number): number {
  let looks = 0
  while (looks < 10_000 && gain.examines(() => now)) looks += 1
  return looks
}

/** The number of next reads that are skipped before one is examined. */
function leavesOf(gain: Gain, now: number): number {
  let left = 0
  while (left < 10_000 && gain.skips(() => now)) left += 1
  return left
}

describe('Gain', () => {
  it('skips reads after 1,024 without a gain', () => {
    expect(looksAt(new Gain(), 0)).toBe(1_024)
  })

  it('counts from the last gain', () => {
    const gain = new Gain()
    for (let at = 0; at < 1_000; at += 1) gain.examines(() => 0)
    gain.found()
    expect(looksAt(gain, 0)).toBe(1_024)
    gain.found()
    expect(looksAt(gain, 0)).toBe(1_024)
  })

  it('examines 128 consecutive reads of 4,096', () => {
    const gain = new Gain()
    looksAt(gain, 0)
    // One read was skipped at the end of the examined ones.
    expect(leavesOf(gain, 0)).toBe(3_967)
    expect(looksAt(gain, 0)).toBe(128)
  })

  it('examines a read 10 seconds after the last one, within 16 reads, and then 1 in 32', () => {
    const gain = new Gain()
    looksAt(gain, 5_000)
    expect(leavesOf(gain, 15_000)).toBe(14)
    expect(looksAt(gain, 15_000)).toBe(1)
    let left = 1
    while (left < 3_000 && gain.skips(() => 24_999)) left += 1
    expect(left).toBe(3_000)
    expect(leavesOf(gain, 25_000)).toBeLessThan(16)
    expect(looksAt(gain, 25_000)).toBe(98)
  })
})
