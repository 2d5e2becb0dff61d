import { describe, expect, it } from 'vitest'
import { type FreshnessPlan, measureFreshness, TURN } from '../src/freshness.ts'
import { createRandom } from '../src/random.ts'
import { parseServerTiming, type Site } from '../src/site.ts'

/** Two processes on one list of reviews, and a clock that each request moves on by a millisecond. */
function twoSites(staleReads: number) {
  const reviews: number[] = []
  let time = 0
  const posted: number[] = []
  const site = (at: number): Site => {
    let stale = 0
    return {
      async readCity() {
        time += 1
        const known = stale > 0 ? reviews.slice(0, -1) : reviews
        stale -= 1
        return { reviews: [...known], cached: 3, queries: 1 }
      },
      async postReview() {
        time += 1
        posted.push(at)
        reviews.push(reviews.length + 1)
        other(at).miss()
        return reviews.length
      },
      miss: () => {
        stale = staleReads
      },
    } as Site & { miss(): void }
  }
  const sites = [site(0), site(1)] as const
  const other = (at: number) => sites[at === 0 ? 1 : 0] as Site & { miss(): void }
  const measure = (plan: Partial<FreshnessPlan> = {}) =>
    measureFreshness({
      sites,
      cities: [1, 2],
      tries: 6,
      visitors: 1,
      random: createRandom(1),
      now: () => time,
      onTry: () => {},
      ...plan,
    })
  return { measure, posted }
}

describe('measureFreshness', () => {
  it('counts the reviews that the next read of the other process shows', async () => {
    const { measure } = twoSites(0)
    expect(await measure()).toMatchObject({
      tries: 6,
      seenAtOnce: 6,
      neverSeen: 0,
      worstStalenessMs: 0,
      cached: 36,
      queries: 12,
    })
  })

  it('posts to one for a while, then to the other', async () => {
    const { measure, posted } = twoSites(0)
    await measure({ tries: 2 * TURN })
    expect(posted).toEqual([...Array(TURN).fill(0), ...Array(TURN).fill(1)])
  })

  it('reads until a review is visible, and reports the delay', async () => {
    const { measure } = twoSites(3)
    // Reads begin 0, 1 and 2 ms after the acknowledgement, take a millisecond each, and do not show it.
    expect(await measure()).toMatchObject({
      seenAtOnce: 0,
      neverSeen: 0,
      worstStalenessMs: 2,
      lastStaleAnswerMs: 3,
    })
  })

  it('gives up a review that never becomes visible', async () => {
    const { measure } = twoSites(Number.POSITIVE_INFINITY)
    expect(await measure({ tries: 1 })).toMatchObject({
      seenAtOnce: 0,
      neverSeen: 1,
      worstStalenessMs: 10_000,
    })
  })

  it('makes each try once, regardless of the number of visitors', async () => {
    const { measure } = twoSites(0)
    let tries = 0
    const result = await measure({ visitors: 4, tries: 10, onTry: () => (tries += 1) })
    expect([tries, result.writeMs.length]).toEqual([10, 10])
  })
})

describe('parseServerTiming', () => {
  it('reads queries and cache hits', () => {
    expect(parseServerTiming('db;dur=6.1;desc="2 queries", sluice;desc="25 from cache"')).toEqual({
      queries: 2,
      cached: 25,
    })
  })

  it('counts nothing without the header', () => {
    expect(parseServerTiming(null)).toEqual({ queries: 0, cached: 0 })
  })
})
