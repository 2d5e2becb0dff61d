import { describe, expect, it } from 'vitest'
import { CachingStrategyEngine } from '../../src/cache/caching-strategy-engine.ts'
import { CachedValue } from '../../src/cache/coherence/cached-value.ts'
import { TagTable } from '../../src/cache/coherence/tag-table.ts'
import { ManualClock } from '../monitoring/manual-clock.ts'

const KEYS = Array.from({ length: 1_600 }, (_, id) => `key ${id}`)

/** A cache with capacity for about so many of the keys. */
function cacheOf(entries: number, policy: 'lru' | 's3-fifo' = 'lru') {
  const clock = new ManualClock()
  const { size } = new CachingStrategyEngine({ policy }).set('n', 'key 1000', 1)
  const cache = new CachingStrategyEngine({ clock, policy, maxBytes: size * entries, maxEntryShare: 1 })
  const readAll = (keys = KEYS) => {
    for (const key of keys) if (cache.get('n', key) === null) cache.set('n', key, 1, 60)
  }
  return { cache, clock, readAll, ghostHits: () => cache.getStats().ghostHits }
}

describe('ghost hits', () => {
  it('are about as many as the hits that twice the memory would have had', () => {
    for (const policy of ['lru', 's3-fifo'] as const) {
      const { readAll, ghostHits } = cacheOf(1_000, policy)
      readAll()
      expect(ghostHits()).toBe(0)
      for (let round = 0; round < 3; round += 1) readAll()
      const twice = cacheOf(2_000, policy)
      for (let round = 0; round < 4; round += 1) twice.readAll()
      const { hits } = twice.cache.getStats()
      expect(hits).toBe(3 * KEYS.length)
      const own = cacheOf(1_000, policy)
      for (let round = 0; round < 4; round += 1) own.readAll()
      const gained = hits - own.cache.getStats().hits
      expect(Math.abs(own.ghostHits() - gained)).toBeLessThan(gained * 0.15)
    }
  })

  it('are none for values that would not fit into twice the memory either', () => {
    const { readAll, ghostHits } = cacheOf(400)
    for (let round = 0; round < 4; round += 1) readAll()
    expect(ghostHits()).toBe(0)
  })

  it('are none for values that expired, or that were invalidated, since their eviction', () => {
    const ended: ((of: ReturnType<typeof cacheOf>) => void)[] = [
      ({ clock }) => clock.advance(60_000),
      ({ cache }) => cache.clear(),
      ({ cache }) => cache.clear('n'),
      ({ cache }) => void cache.invalidateByPattern('n:*'),
      ({ cache }) => void cache.invalidateDependencies('n', 'x'),
      ({ cache }) => void KEYS.map((key) => cache.delete('n', key)),
    ]
    for (const end of ended) {
      const of = cacheOf(1_000)
      of.readAll()
      end(of)
      of.readAll(KEYS.slice(0, 300))
      expect(of.ghostHits()).toBe(0)
    }
    const of = cacheOf(1_000)
    of.readAll()
    of.clock.advance(59_999)
    of.readAll(KEYS.slice(0, 300))
    expect(of.ghostHits()).toBeGreaterThan(200)
  })

  it('are none for results that a write has invalidated, and count the time of their loads', () => {
    const table = new TagTable({ now: () => 0, wall: () => 0 })
    const load = (key: string) => {
      const snapshot = table.snapshot([key.endsWith('7') ? 'seven' : 'other'])
      if (snapshot === undefined) throw new Error('no write is in flight')
      return new CachedValue(1, snapshot, undefined, { queriedAt: 0, freshUntil: 0, costMs: 2, ownTags: [] })
    }
    const cache = new CachingStrategyEngine({ policy: 'lru', maxBytes: 500_000 })
    for (const key of KEYS) cache.set('n', key, load(key))
    table.raise(['seven'])
    const evicted = KEYS.slice(0, 200)
    for (const key of evicted.filter((key) => key.endsWith('7'))) expect(cache.get('n', key)).toBe(null)
    expect(cache.getStats()).toMatchObject({ ghostHits: 0, ghostLoadMs: 0 })
    for (const key of evicted) cache.get('n', key)
    const { ghostHits, ghostLoadMs } = cache.getStats()
    expect(ghostHits).toBeGreaterThan(100)
    expect(ghostLoadMs).toBe(2 * ghostHits)
  })
})

describe('setMaxBytes', () => {
  it.each([0, 1.5, Number.NaN, '9'])('throws for %s', (bytes) => {
    expect(() => new CachingStrategyEngine().setMaxBytes(bytes as number)).toThrow(
      'Argument "maxBytes": expected an integer of at least 1',
    )
  })

  it.each(['lru', 'lfu', 'ttl', 's3-fifo'] as const)('evicts until the entries fit, with %s', (policy) => {
    const cache = new CachingStrategyEngine({ policy, maxBytes: 1_000_000 })
    for (const key of KEYS) cache.set('n', key, 1)
    const before = cache.getStats()
    cache.setMaxBytes(100_000)
    const { usedMemory, totalMemory, evictions, itemCount } = cache.getStats()
    expect(totalMemory).toBe(100_000)
    expect(usedMemory).toBeLessThanOrEqual(100_000)
    expect(usedMemory).toBeGreaterThan(99_000)
    expect(evictions - before.evictions).toBe(before.itemCount - itemCount)
  })

  it('accepts more and larger entries after it was raised', () => {
    const cache = new CachingStrategyEngine(20_000)
    cache.set('n', 'large', 'x'.repeat(5_000))
    expect(cache.getStats().rejected).toBe(1)
    cache.setMaxBytes(2_000_000)
    cache.set('n', 'large', 'x'.repeat(5_000))
    for (const key of KEYS) cache.set('n', key, 1)
    expect(cache.getStats()).toMatchObject({ rejected: 1, evictions: 0, itemCount: KEYS.length + 1 })
  })

  it('gives probation its share of the new budget', () => {
    const { cache, readAll } = cacheOf(10_000, 's3-fifo')
    cache.setMaxBytes(cache.getStats().totalMemory / 10)
    const popular = KEYS.slice(0, 500)
    for (let round = 0; round < 4; round += 1) readAll(popular)
    // With the former share, probation could take all of the memory, and popular entries would be evicted.
    readAll(Array.from({ length: 5_000 }, (_, id) => `scanned ${id}`))
    expect(popular.filter((key) => cache.get('n', key) !== null)).toHaveLength(500)
  })

  it('begins a new period of counters', () => {
    const { cache, clock, readAll } = cacheOf(1_000)
    for (let round = 0; round < 2; round += 1) readAll()
    cache.setMaxBytes(cache.getStats().totalMemory * 2)
    clock.advance(5_000)
    expect(cache.sizing()).toMatchObject({ periodMs: 5_000, reads: 0, hits: 0, evictions: 0, ghostHits: 0 })
    readAll()
    expect(cache.sizing().reads).toBe(KEYS.length)
  })
})
