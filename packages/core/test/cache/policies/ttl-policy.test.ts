import { describe, expect, it } from 'vitest'
import { PolicyRig, seeded } from './policy-contract.ts'

describe('TtlPolicy', () => {
  it('evicts the entry that expires soonest, regardless of reads', () => {
    const rig = new PolicyRig('ttl')
    rig.add('late', { ttlMs: 9_000 })
    rig.add('soon', { ttlMs: 1_000 })
    rig.add('middle', { ttlMs: 5_000 })
    rig.read('soon', 10)
    expect(rig.evictAll()).toEqual(['soon', 'middle', 'late'])
  })

  it('evicts in order of arrival among entries that expire together', () => {
    const rig = new PolicyRig('ttl')
    const keys = Array.from({ length: 40 }, (_, id) => `k${id}`)
    keys.forEach((key, id) => {
      rig.add(key, { ttlMs: 1_000 - id })
    })
    expect(rig.evictAll()).toEqual(keys)
  })

  it('ranks a replacement by its new lifetime', () => {
    const rig = new PolicyRig('ttl')
    rig.add('a', { ttlMs: 1_000 })
    rig.add('b', { ttlMs: 5_000 })
    rig.add('a', { ttlMs: 9_000 })
    expect(rig.evictAll()).toEqual(['b', 'a'])
  })

  it('keeps the order while entries come and go', () => {
    const rig = new PolicyRig('ttl')
    const random = seeded(3)
    const expires = new Map<string, number>()
    for (let id = 0; id < 1_000; id++) {
      const ttlMs = random(100_000)
      rig.add(`k${id}`, { ttlMs })
      expires.set(`k${id}`, rig.ms + ttlMs)
      const gone = `k${random(id + 1)}`
      if (id % 3 > 0) continue
      rig.shelf('n').remove(gone)
      expires.delete(gone)
    }
    const order = rig.evictAll().map((key) => expires.get(key) as number)
    expect(order).toHaveLength(expires.size)
    expect(order).toEqual([...order].sort((first, second) => first - second))
  })
})
