import { describe, expect, it, onTestFinished } from 'vitest'
import { CachingStrategyEngine } from '../../src/cache/caching-strategy-engine.ts'
import { CachedValue } from '../../src/cache/coherence/cached-value.ts'
import { TagTable } from '../../src/cache/coherence/tag-table.ts'
import { SizeTrial } from '../../src/cache/size-trial.ts'
import { ManualClock } from '../monitoring/manual-clock.ts'
import { seeded } from '../monitoring/seeded.ts'

const VALUE = 'x'.repeat(500)
const { size } = new CachingStrategyEngine().set('n', 'key 1000', VALUE)

/** A cache of so many entries, compared with one of a different size. */
function trialOf(entries: number, others: number, policy: 'lru' | 's3-fifo' = 's3-fifo') {
  const clock = new ManualClock()
  const cache = new CachingStrategyEngine({ clock, policy, maxBytes: entries * size })
  const other = new CachingStrategyEngine({ clock, policy, maxBytes: others * size })
  const trial = new SizeTrial({ ...cache.settings, maxBytes: others * size })
  cache.watch(trial)
  onTestFinished(() => {
    cache.close()
    other.close()
    trial.close()
  })
  const random = seeded(7)
  const read = (id: number) => {
    for (const one of [cache, other]) if (one.get('n', `key ${id}`) === null) one.set('n', `key ${id}`, VALUE)
  }
  return { cache, other, trial, clock, read, random }
}

describe('SizeTrial', () => {
  it.each([
    [2_000, 1_000, 'lru'],
    [2_000, 1_000, 's3-fifo'],
    [1_000, 2_000, 's3-fifo'],
  ] as const)(
    'finds what a cache of another size would serve: %s and %s entries, %s',
    (mine, others, policy) => {
      const { cache, other, trial, read, random } = trialOf(mine, others, policy)
      // Popular keys come more often.
      const reads = (count: number) => {
        for (let at = 0; at < count; at += 1) read(Math.floor(random() ** 3 * 6_000))
      }
      reads(30_000)
      trial.restart()
      const before = [cache, other].map((one) => one.getStats().hits)
      reads(60_000)
      const [rate = 0, otherRate = 0] = [cache, other].map(
        (one, at) => (one.getStats().hits - (before[at] ?? 0)) / 60_000,
      )
      const { comparison } = trial
      expect(Math.abs(rate - otherRate)).toBeGreaterThan(0.05)
      expect(comparison.reads).toBeGreaterThan(60_000 / 12)
      // The sample has its own share of popular keys, which both sizes serve.
      expect(Math.abs(comparison.hitRate - comparison.otherHitRate - (rate - otherRate))).toBeLessThan(0.03)
      expect(comparison.margin).toBeLessThan(0.02)
    },
  )

  it('finds no difference where both sizes serve the same, and a margin of 0', () => {
    const { trial, read } = trialOf(2_000, 1_000)
    for (let round = 0; round < 3; round += 1) for (let id = 0; id < 500; id += 1) read(id)
    trial.restart()
    for (let id = 0; id < 500; id += 1) read(id)
    for (let id = 500; id < 9_000; id += 1) read(id)
    const { hitRate, otherHitRate, margin } = trial.comparison
    expect(hitRate).toBe(otherHitRate)
    expect(hitRate).toBeGreaterThan(0)
    expect(margin).toBe(0)
  })

  it('follows invalidation and expiry', () => {
    const ended: ((of: ReturnType<typeof trialOf>) => void)[] = [
      ({ cache }) => void cache.invalidateByPattern('n:*'),
      ({ cache }) => cache.clear(),
      ({ cache }) => cache.clear('n'),
      ({ clock }) => clock.advance(3_600_000),
      ({ cache }) => {
        for (let id = 0; id < 1_500; id += 1) cache.delete('n', `key ${id}`)
      },
    ]
    for (const end of ended) {
      const of = trialOf(1_000, 2_000)
      for (let id = 0; id < 1_500; id += 1) of.read(id)
      of.trial.restart()
      end(of)
      for (let id = 0; id < 1_500; id += 1) of.cache.get('n', `key ${id}`)
      const { reads, hitRate, otherHitRate } = of.trial.comparison
      expect(reads).toBeGreaterThan(100)
      expect([hitRate, otherHitRate]).toEqual([0, 0])
    }
  })

  it('does not count values that a write has invalidated: they are loaded with any size', () => {
    const { cache, trial } = trialOf(2_000, 1_000)
    const table = new TagTable({ now: () => 0, wall: () => 0 })
    const snapshot = table.snapshot(['a'])
    if (snapshot === undefined) throw new Error('no write is in flight')
    const terms = { queriedAt: 0, freshUntil: 0, costMs: 2, ownTags: [] }
    for (let id = 0; id < 300; id += 1)
      cache.set('n', `key ${id}`, new CachedValue(1, snapshot, undefined, terms))
    table.raise(['a'])
    for (let id = 0; id < 300; id += 1) cache.get('n', `key ${id}`)
    expect(trial.comparison.reads).toBe(0)
  })

  it('sees nothing more when the cache no longer has it', () => {
    const { cache, trial, read } = trialOf(2_000, 1_000)
    cache.watch(undefined)
    for (let id = 0; id < 30_000; id += 1) read(id)
    expect(trial.comparison.reads).toBe(0)
  })
})
