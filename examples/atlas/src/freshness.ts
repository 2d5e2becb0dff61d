import type { Random } from './random.ts'
import type { Site } from './site.ts'

export interface FreshnessPlan {
  /**
   * Both processes. One is written to and read through the other, `TURN` times; then they change their parts.
   */
  readonly sites: readonly [Site, Site]
  /** The reviewed cities, the most viewed first. */
  readonly cities: readonly number[]
  readonly tries: number
  /** Concurrent tries. */
  readonly visitors: number
  readonly random: Random
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly onTry: () => void
}

export interface Freshness {
  readonly tries: number
  /** Tries in which the next read of the other process showed the review. */
  readonly seenAtOnce: number
  /** Tries in which no read showed it within `GIVE_UP_MS`. */
  readonly neverSeen: number
  /** The longest time from an acknowledgement to the beginning of a read that did not show the review. */
  readonly worstStalenessMs: number
  /** The same to the answer of such a read. */
  readonly lastStaleAnswerMs: number
  /** Milliseconds from sending a review to its acknowledgement, ascending. */
  readonly writeMs: readonly number[]
  /** Reads that were served from the cache, and queries that were sent for the others. */
  readonly cached: number
  readonly queries: number
}

/** How old a read may be in `bounded`: the default of Sluice's `cache.maxStalenessMs`. */
export const MAX_STALENESS_MS = 1_000
/** Long enough that writes of the other process, and not only its own, invalidate a process's results. */
export const TURN = 25
/** A review that is not seen for this long counts as missing, not as late. */
const GIVE_UP_MS = 10_000

/**
 * Views a city through one process, posts a review to the other, and views it again until the review is
 * there.
 *
 * @throws The error of a failed request.
 */
export async function measureFreshness(plan: FreshnessPlan): Promise<Freshness> {
  const { cities, random, now } = plan
  const writeMs: number[] = []
  let [begun, seenAtOnce, neverSeen, worstStalenessMs, lastStaleAnswerMs, cached, queries] = [
    0, 0, 0, 0, 0, 0, 0,
  ]

  const shows = async (site: Site, city: number, review?: number): Promise<boolean> => {
    const page = await site.readCity(city)
    cached += page.cached
    queries += page.queries
    return review !== undefined && page.reviews.includes(review)
  }

  const tryOnce = async (reader: Site, writer: Site): Promise<void> => {
    const city = random.pickPopular(cities)
    await shows(reader, city)
    const sentAt = now()
    const review = await writer.postReview(city)
    const acknowledgedAt = now()
    writeMs.push(acknowledgedAt - sentAt)
    for (let reads = 1; ; reads += 1) {
      const readAt = now()
      const isSeen = await shows(reader, city, review)
      if (isSeen && reads === 1) seenAtOnce += 1
      if (isSeen) return
      worstStalenessMs = Math.max(worstStalenessMs, readAt - acknowledgedAt)
      lastStaleAnswerMs = Math.max(lastStaleAnswerMs, now() - acknowledgedAt)
      if (readAt - acknowledgedAt < GIVE_UP_MS) continue
      neverSeen += 1
      return
    }
  }

  const visit = async (): Promise<void> => {
    while (begun < plan.tries) {
      const [first, second] = plan.sites
      const isEven = Math.floor(begun / TURN) % 2 === 0
      begun += 1
      await (isEven ? tryOnce(second, first) : tryOnce(first, second))
      plan.onTry()
    }
  }

  await Promise.all(Array.from({ length: plan.visitors }, visit))
  writeMs.sort((a, b) => a - b)
  return {
    tries: plan.tries,
    seenAtOnce,
    neverSeen,
    worstStalenessMs,
    lastStaleAnswerMs,
    writeMs,
    cached,
    queries,
  }
}
