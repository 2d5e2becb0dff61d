import { describe, expect, it } from 'vitest'
import type { CacheKey } from '../../../src/cache/cache-entry.ts'
import { CachingStrategyEngine } from '../../../src/cache/caching-strategy-engine.ts'
import { Shelf } from '../../../src/cache/namespace-table.ts'
import { createPolicy, type EvictionPolicyName } from '../../../src/cache/policies/create-policy.ts'
import type { EvictionPolicy } from '../../../src/cache/policies/eviction-policy.ts'

/** Numbers from 0 to below a limit, the same in every run. */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return Math.floor((state / 2 ** 31) * below)
  }
}

/** A policy with shelves that are created on demand; the n-th call of `add` sets at millisecond n. */
export class PolicyRig {
  readonly policy: EvictionPolicy
  readonly #shelves = new Map<string, Shelf>()
  ms = 0

  constructor(name: EvictionPolicyName, maxBytes = 1_000) {
    this.policy = createPolicy(name, maxBytes)
  }

  shelf(namespace: string): Shelf {
    const shelf = this.#shelves.get(namespace) ?? new Shelf(namespace, this.policy)
    this.#shelves.set(namespace, shelf)
    return shelf
  }

  add(key: string, { namespace = 'n', size = 10, ttlMs = 60_000 } = {}): void {
    this.ms++
    const shelf = this.shelf(namespace)
    const predecessor = shelf.remove(key)
    shelf.add(key, { value: key, expires: this.ms + ttlMs, size, hits: 0, lastAccess: this.ms }, predecessor)
  }

  read(key: string, times = 1, namespace = 'n'): void {
    for (let time = 0; time < times; time++) {
      this.ms++
      const entry = this.shelf(namespace).read(key)
      if (entry !== undefined) entry.lastAccess = this.ms
    }
  }

  /** Evicts one entry; `undefined` if it is empty. */
  evict(): string | undefined {
    let victim: CacheKey
    try {
      victim = this.policy.victim()
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
    const { namespace, key } = victim
    if (this.shelf(namespace).remove(key) === undefined)
      throw new Error(`${namespace}:${key} was named as a victim and is not there`)
    return key
  }

  /** Evicts up to `most` entries, and returns their keys. */
  evictAll(most = Number.POSITIVE_INFINITY): readonly string[] {
    const keys: string[] = []
    for (let key: string | undefined; keys.length < most; keys.push(key)) {
      key = this.evict()
      if (key === undefined) break
    }
    return keys
  }
}

/** The tests that every policy must pass. */
export function describePolicyContract(policy: EvictionPolicyName): void {
  function setUp(options: object = {}) {
    const clock = { ms: 0, now: () => clock.ms, wall: () => clock.ms }
    return { clock, cache: new CachingStrategyEngine({ clock, policy, maxEntryShare: 1, ...options }) }
  }
  const entrySize = setUp().cache.set('n', '00', 1).size

  describe(`policy ${policy}`, () => {
    it('evicts every entry once and then throws', () => {
      const rig = new PolicyRig(policy)
      const random = seeded(1)
      const names = Array.from({ length: 300 }, (_, id) => `k${id}`)
      for (const name of names) rig.add(name, { namespace: `n${random(3)}`, ttlMs: 1_000 + random(50) })
      for (let read = 0; read < 600; read++) rig.read(`k${random(300)}`, 1, `n${random(3)}`)
      expect([...rig.evictAll()].sort()).toEqual(names.sort())
      expect(() => rig.policy.victim()).toThrow(RangeError)
    })

    it('works again after all entries were evicted', () => {
      const rig = new PolicyRig(policy)
      for (const round of [1, 2]) {
        for (const key of ['a', 'b', 'c']) rig.add(key + round)
        expect(rig.evictAll()).toHaveLength(3)
      }
    })

    it('does not evict an entry that was removed', () => {
      const rig = new PolicyRig(policy)
      for (const key of ['a', 'b', 'c', 'd', 'e']) rig.add(key)
      rig.read('b', 3)
      for (const key of ['a', 'c', 'e']) rig.shelf('n').remove(key)
      expect([...rig.evictAll()].sort()).toEqual(['b', 'd'])
    })

    it('is not affected by peeks', () => {
      const [looked, left] = [new PolicyRig(policy), new PolicyRig(policy)]
      for (const rig of [looked, left]) for (const key of ['a', 'b', 'c', 'd']) rig.add(key)
      for (let time = 0; time < 5; time++) looked.shelf('n').peek('a')
      expect(looked.evictAll()).toEqual(left.evictAll())
    })

    it('keeps a new entry, and as many others as fit', () => {
      const { cache, clock } = setUp({ maxBytes: 10 * entrySize })
      for (let id = 10; id < 60; id++) {
        clock.ms++
        cache.set('n', String(id), id)
        expect(cache.get('n', String(id))).toBe(id)
      }
      expect(cache.getStats()).toMatchObject({ itemCount: 10, evictions: 40, usedMemory: 10 * entrySize })
    })

    it('evicts until a large entry fits', () => {
      const { cache } = setUp({ maxBytes: 10 * entrySize })
      for (let id = 10; id < 20; id++) cache.set('n', String(id), id)
      const { size } = cache.set('n', 'large', 'x'.repeat(5 * entrySize))
      const { itemCount, usedMemory, evictions } = cache.getStats()
      expect(size).toBeGreaterThan(5 * entrySize)
      expect(itemCount).toBe(1 + Math.floor((10 * entrySize - size) / entrySize))
      expect(evictions).toBe(11 - itemCount)
      expect(usedMemory).toBe(size + (itemCount - 1) * entrySize)
    })

    it('replaces an entry and its size without evictions', () => {
      const { cache } = setUp({ maxBytes: 10 * entrySize })
      for (let id = 10; id < 20; id++) cache.set('n', String(id), id)
      for (let id = 10; id < 20; id++) cache.set('n', String(id), -id)
      expect(cache.getStats()).toMatchObject({ itemCount: 10, evictions: 0, usedMemory: 10 * entrySize })
      expect(cache.get('n', '10')).toBe(-10)
    })

    it('removes expired entries', () => {
      const { cache, clock } = setUp()
      cache.set('n', 'short', 1, 1)
      cache.set('n', 'long', 1, 2)
      clock.ms = 1_000
      expect([cache.get('n', 'short'), cache.get('n', 'long')]).toEqual([null, 1])
      expect(cache.getStats()).toMatchObject({ itemCount: 1, expirations: 1, evictions: 0 })
    })

    it('removes entries by pattern and by namespace, and evicts from the rest', () => {
      const { cache } = setUp({ maxBytes: 30 * entrySize })
      for (const namespace of ['a', 'b', 'c'])
        for (let id = 10; id < 20; id++) cache.set(namespace, String(id), id)
      expect(cache.invalidateByPattern('a:*')).toBe(10)
      cache.clear('b')
      expect(cache.getStats()).toMatchObject({ itemCount: 10, usedMemory: 10 * entrySize })
      for (let id = 10; id < 70; id++) cache.set('d', String(id), id)
      expect(cache.getStats()).toMatchObject({ itemCount: 30, usedMemory: 30 * entrySize, evictions: 40 })
    })

    it('counts hits by namespace and by entry', () => {
      const { cache } = setUp()
      const entry = cache.set('a', '1', 1)
      for (const key of ['1', '1', '2']) cache.get('a', key)
      cache.get('b', '1')
      expect(cache.getCacheEfficiency()).toMatchObject({
        hitRateByNamespace: { a: 2 / 3, b: 0 },
        entriesNeverHit: 0,
      })
      expect(entry.hits).toBe(2)
    })

    it('behaves like a plain map in random sequences of operations', () => {
      const maxBytes = 40 * entrySize
      const { cache, clock } = setUp({ maxBytes })
      const random = seeded(42)
      const model = new Map<
        string,
        { readonly value: string; readonly expires: number; readonly size: number }
      >()
      const namespaces = ['a', 'b', 'c', 'd']
      const drop = (matches: (id: string) => boolean) => {
        for (const id of [...model.keys()]) if (matches(id)) model.delete(id)
      }
      for (let step = 0; step < 8_000; step++) {
        clock.ms += random(40)
        const namespace = namespaces[random(4)] as string
        const key = String(random(40))
        const id = `${namespace}:${key}`
        const kind = random(100)
        if (kind < 55) {
          const found = cache.get(namespace, key)
          const known = model.get(id)
          if (found === null) model.delete(id)
          else
            expect({ value: found, isFresh: (known?.expires ?? 0) > clock.ms }).toEqual({
              value: known?.value,
              isFresh: true,
            })
        } else if (kind < 95) {
          const value = 'v'.repeat(random(entrySize))
          const ttl = 1 + random(5)
          const { size } = cache.set(namespace, key, value, ttl)
          model.set(id, { value, expires: clock.ms + ttl * 1_000, size })
          expect(cache.get(namespace, key)).toBe(value)
        } else if (kind < 97) {
          cache.delete(namespace, key)
          drop((other) => other === id)
        } else if (kind < 99) {
          cache.invalidateByPattern(`*:1${key.slice(-1)}`)
          drop((other) => other.endsWith(`:1${key.slice(-1)}`))
        } else {
          cache.clear(namespace)
          drop((other) => other.startsWith(`${namespace}:`))
        }
        expect(cache.getStats().usedMemory).toBeLessThanOrEqual(maxBytes)
      }
      const present = [...model].filter(([id]) => cache.get(id.slice(0, 1), id.slice(2)) !== null)
      const { itemCount, usedMemory, evictions, expirations, hits } = cache.getStats()
      expect(itemCount).toBe(present.length)
      expect(usedMemory).toBe(present.reduce((sum, [, { size }]) => sum + size, 0))
      expect(Math.min(evictions, hits)).toBeGreaterThan(500)
      expect(expirations).toBeGreaterThan(0)
    })
  })
}
