import { describe, expect, it } from 'vitest'
import { PolicyRig } from './policy-contract.ts'

describe('LfuPolicy', () => {
  it('evicts the entry read least often', () => {
    const rig = new PolicyRig('lfu')
    for (const key of ['a', 'b', 'c', 'd']) rig.add(key)
    rig.read('a', 3)
    rig.read('b', 1)
    rig.read('d', 2)
    expect(rig.evictAll()).toEqual(['c', 'b', 'd', 'a'])
  })

  it('evicts among equally frequent entries the one read longest ago', () => {
    const rig = new PolicyRig('lfu')
    for (const key of ['a', 'b', 'c']) rig.add(key)
    for (const key of ['b', 'a', 'c']) rig.read(key)
    expect(rig.evictAll()).toEqual(['b', 'a', 'c'])
  })

  it('keeps a frequently read entry through a scan', () => {
    const rig = new PolicyRig('lfu')
    rig.add('often')
    rig.read('often', 20)
    for (let id = 0; id < 10; id++) rig.add(`fill ${id}`)
    for (let id = 0; id < 15; id++) {
      rig.evict()
      rig.add(`scan ${id}`)
    }
    expect(rig.shelf('n').peek('often')).toBeDefined()
  })

  it('evicts a formerly popular entry when others are read instead', () => {
    const rig = new PolicyRig('lfu')
    rig.add('old favourite')
    rig.read('old favourite', 10_000)
    for (let id = 0; id < 9; id++) rig.add(`fill ${id}`)
    let turns = 0
    for (; rig.shelf('n').peek('old favourite') !== undefined && turns < 10_000; turns++) {
      rig.evict()
      rig.add(`new ${turns}`)
      rig.read(`new ${turns}`, 2)
    }
    expect(turns).toBeGreaterThan(30)
    expect(turns).toBeLessThan(300)
  })

  it('gives a replacement the read count of its predecessor', () => {
    const rig = new PolicyRig('lfu')
    for (const key of ['a', 'b', 'c']) rig.add(key)
    rig.read('a', 2)
    rig.read('b', 1)
    rig.add('a')
    rig.read('c', 1)
    expect(rig.evictAll()).toEqual(['b', 'c', 'a'])
  })
})
