import { describe, expect, it } from 'vitest'
import { PolicyRig, seeded } from './policy-contract.ts'

describe('LruPolicy', () => {
  it('evicts the entry read longest ago', () => {
    const rig = new PolicyRig('lru')
    for (const key of ['a', 'b', 'c']) rig.add(key)
    rig.read('a')
    expect(rig.evictAll()).toEqual(['b', 'c', 'a'])
  })

  it('treats a replacement as a read', () => {
    const rig = new PolicyRig('lru')
    for (const key of ['a', 'b', 'a']) rig.add(key)
    expect(rig.evictAll()).toEqual(['b', 'a'])
  })

  it('compares recency across many namespaces', () => {
    const rig = new PolicyRig('lru')
    const random = seeded(7)
    const order: number[] = []
    for (let id = 0; id < 500; id++) {
      rig.add(String(id), { namespace: `n${id % 50}` })
      order.push(id)
    }
    for (let read = 0; read < 2_000; read++) {
      const [id] = order.splice(random(order.length), 1) as [number]
      rig.read(String(id), 1, `n${id % 50}`)
      order.push(id)
    }
    expect(rig.evictAll()).toEqual(order.map(String))
  })
})
