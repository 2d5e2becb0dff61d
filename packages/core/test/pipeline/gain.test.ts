import { describe, expect, it } from 'vitest'
import { Gain, GainTerms } from '../../src/pipeline/gain.ts'

/** The terms with the default time to live. */
const at = (now: number) => new GainTerms(() => now, 1)

/** The number of next reads that are examined before one is skipped. */
function looksAt(gain: Gain, now: number): number {
  let looks = 0
  while (looks < 10_000 && gain.examines(at(now))) looks += 1
  return looks
}

/** The number of next reads that are skipped before one is examined. */
function leavesOf(gain: Gain, now: number): number {
  let left = 0
  while (left < 10_000 && gain.skips(at(now))) left += 1
  return left
}

/** A read of a family whose queries take this long. */
function gainOf(queryMs: number): Gain {
  const gain = new Gain()
  for (let at = 0; at < 100; at += 1) gain.took(queryMs)
  return gain
}

describe('Gain', () => {
  it('skips reads after 32 without a gain', () => {
    expect(looksAt(new Gain(), 0)).toBe(32)
  })

  it.each([
    [0.5, 32],
    [2, 64],
    [300, 1_024],
  ])('skips later if results live longer: %d s, %d reads', (ttl, looks) => {
    const gain = new Gain()
    const terms = new GainTerms(() => 0, ttl)
    let examined = 0
    while (examined < 2_000 && gain.examines(terms)) examined += 1
    expect(examined).toBe(looks)
  })

  it.each([
    [0.01, 2],
    [0.5, 10],
    [2, 40],
    [100, 1_024],
  ])('examines as many reads for a gain as take the time of its query: %d ms, %d reads', (ms, looks) => {
    const gain = gainOf(ms)
    looksAt(gain, 0)
    gain.found()
    expect(looksAt(gain, 0)).toBe(looks)
  })

  it('continues as long as gains save more time than all reads take', () => {
    for (const [every, isSkipped] of [
      [7, false],
      [10, true],
    ] as const) {
      const gain = gainOf(0.4)
      let skipped = 0
      for (let read = 1; read <= 500; read += 1) {
        if (!gain.examines(at(0))) skipped += 1
        else if (read % every === 0) gain.found()
      }
      expect(skipped > 0).toBe(isSkipped)
    }
  })

  it('is out of looks soon after gains end', () => {
    const gain = gainOf(0.4)
    for (let at = 0; at < 10_000; at += 1) gain.found()
    expect(looksAt(gain, 0)).toBe(1_024)
  })

  it('examines 32 consecutive reads of 1,024', () => {
    const gain = new Gain()
    looksAt(gain, 0)
    // One read was skipped at the end of the examined ones.
    expect(leavesOf(gain, 0)).toBe(991)
    expect(looksAt(gain, 0)).toBe(32)
  })

  it('examines a read 10 seconds after the last one, within 16 reads, and then 1 in 32', () => {
    const gain = new Gain()
    looksAt(gain, 5_000)
    expect(leavesOf(gain, 15_000)).toBe(14)
    expect(looksAt(gain, 15_000)).toBe(1)
    let left = 1
    while (left < 800 && gain.skips(at(24_999))) left += 1
    expect(left).toBe(800)
    expect(leavesOf(gain, 25_000)).toBeLessThan(16)
    expect(looksAt(gain, 25_000)).toBe(27)
  })

  describe('of caching', () => {
    /** How many reads of `scopes` scopes with `reads` reads each use the cache. */
    function cachedBy(gain: Gain, from: number, scopes: number, reads: number): number {
      let cached = 0
      for (let scope = from; scope < from + scopes; scope += 1)
        for (let read = 0; read < reads; read += 1) if (gain.examinesCache(scope)) cached += 1
      return cached
    }

    it('ends when no read is repeated, except for 1 of 16 scopes', () => {
      const gain = new Gain()
      expect(cachedBy(gain, 1, 64, 20)).toBe(1_280)
      expect(cachedBy(gain, 65, 160, 20)).toBe(200)
      expect(cachedBy(gain, 225, 1, 20)).toBe(0)
      expect(cachedBy(gain, 240, 1, 20)).toBe(20)
    })

    it('ends neither in a long loop, nor in many scopes with few reads', () => {
      expect(cachedBy(new Gain(), 1, 3, 5_000)).toBe(15_000)
      expect(cachedBy(new Gain(), 1, 1_000, 1)).toBe(1_000)
    })

    it('continues with a hit', () => {
      const gain = new Gain()
      cachedBy(gain, 1, 200, 20)
      gain.foundInCache()
      expect(cachedBy(gain, 201, 64, 20)).toBe(1_280)
    })

    it('continues as long as one of 1,000 reads is a hit', () => {
      const gain = new Gain()
      for (let scope = 1; scope <= 500; scope += 1) {
        expect(cachedBy(gain, scope, 1, 20)).toBe(20)
        if (scope % 50 === 0) gain.foundInCache()
      }
    })

    it('counts scopes that run at the same time once', () => {
      const gain = new Gain()
      for (let read = 0; read < 3_000; read += 1) expect(gain.examinesCache(1 + (read % 4))).toBe(true)
    })
  })
})
