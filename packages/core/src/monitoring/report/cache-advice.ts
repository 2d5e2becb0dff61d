import { megabytes, percent, type TuningAdvice } from './advice.ts'

/** Results of a size of the in-process cache in a period. */
export interface CacheFacts {
  /** Milliseconds. */
  readonly periodMs: number
  readonly reads: number
  readonly hits: number
  readonly evictions: number
  /** Misses that twice the memory would have served, and the time that loading their values took. */
  readonly ghostHits: number
  readonly ghostLoadMs: number
  /** Bytes, as `totalMemory`. */
  readonly usedMemory: number
  readonly totalMemory: number
}

export const CACHE_SETTING = 'cache.maxBytes'
const ENOUGH_READS = 1_000
/** Ghost hits are counted for 1 in 8 keys: with these, the figure is right to about 20%. */
const ENOUGH_GHOST_HITS = 200
/** Below this share of the misses, twice the memory is too much for the gain. */
const WORTHWHILE = 0.1
const MINUTE = 60_000
const MEGABYTE = 1_048_576

/** Advice on the size of the in-process cache; none if the measurements are not conclusive. */
export function cacheAdvice(facts: CacheFacts): TuningAdvice | undefined {
  const { reads, hits, evictions, ghostHits, usedMemory, totalMemory } = facts
  if (reads < ENOUGH_READS) return undefined
  if (ghostHits >= ENOUGH_GHOST_HITS && ghostHits >= (reads - hits) * WORTHWHILE) return enlarge(facts)
  if (evictions > 0 || usedMemory >= totalMemory / 10) return undefined
  const to = Math.max(MEGABYTE, Math.ceil(2 * usedMemory))
  const rate = hits / reads
  return {
    kind: 'cacheBytes',
    setting: CACHE_SETTING,
    from: totalMemory,
    to,
    expected: { measure: 'hitRate', from: rate, to: rate },
    text: `Lower ${CACHE_SETTING} from ${megabytes(totalMemory)} to ${megabytes(to)}: the cache uses ${megabytes(usedMemory)} and has evicted nothing, so it would still serve ${percent(rate)} of reads.`,
  }
}

function enlarge({ periodMs, reads, hits, ghostHits, ghostLoadMs, totalMemory }: CacheFacts): TuningAdvice {
  const from = hits / reads
  // Loads that several reads waited for count once for each of them.
  const to = Math.min(1, (hits + ghostHits) / reads)
  const savedMs = (ghostLoadMs * MINUTE) / periodMs
  const decimals = to - from < 0.02 ? 1 : 0
  const saves = savedMs < 1 ? '' : `, and save ${savedMs.toFixed(0)} ms of loading per minute`
  return {
    kind: 'cacheBytes',
    setting: CACHE_SETTING,
    from: totalMemory,
    to: 2 * totalMemory,
    expected: { measure: 'hitRate', from, to },
    text: `Raise ${CACHE_SETTING} from ${megabytes(totalMemory)} to ${megabytes(2 * totalMemory)}: the cache would serve about ${percent(to, decimals)} instead of ${percent(from, decimals)} of reads${saves}.`,
  }
}
