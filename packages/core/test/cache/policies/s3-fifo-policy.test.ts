import { describe, expect, it } from 'vitest'
import { PolicyRig } from './policy-contract.ts'

/** A budget of 10 entries of 100 bytes, 1 of them on probation. */
const BUDGET = 1_000
const SIZE = { size: 100 }

describe('S3FifoPolicy', () => {
  it('evicts entries that were not read twice in order of arrival', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['a', 'b', 'c']) rig.add(key, SIZE)
    rig.read('a', 1)
    expect(rig.evictAll()).toEqual(['a', 'b', 'c'])
  })

  it('keeps entries that were read twice through a scan of any length', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['a', 'b', 'c', 'd', 'e']) rig.add(key, SIZE)
    for (const key of ['a', 'b', 'c']) rig.read(key, 2)
    for (let id = 0; id < 200; id++) {
      if (id >= 5) rig.evict()
      rig.add(`scan ${id}`, SIZE)
    }
    expect(['a', 'b', 'c', 'd', 'e'].filter((key) => rig.shelf('n').peek(key) !== undefined)).toEqual([
      'a',
      'b',
      'c',
    ])
  })

  it('gives an entry of the main queue another round for each read, up to three', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['a', 'b', 'c', 'd']) rig.add(key, SIZE)
    for (const key of ['a', 'b', 'c']) rig.read(key, 2)
    expect(rig.evict()).toBe('d')
    rig.read('a', 100)
    rig.read('b', 1)
    expect(rig.evictAll()).toEqual(['c', 'b', 'a'])
  })

  it('adds an entry that returns soon after its eviction to the main queue', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['a', 'b', 'c']) rig.add(key, SIZE)
    expect(rig.evict()).toBe('a')
    rig.add('a', SIZE)
    rig.add('d', SIZE)
    expect(rig.evictAll()).toEqual(['b', 'c', 'd', 'a'])
  })

  it('does not recognize an entry that was evicted long ago', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['a', 'z']) rig.add(key, SIZE)
    for (let id = 0; id < 10; id++) {
      rig.evict()
      rig.add(`k${id}`, SIZE)
    }
    rig.add('a', SIZE)
    rig.add('b', SIZE)
    expect(rig.evictAll()).toEqual(['k8', 'k9', 'a', 'b'])
  })

  it('does not treat a removed entry as evicted', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['a', 'b']) rig.add(key, SIZE)
    rig.shelf('n').remove('a')
    rig.add('a', SIZE)
    rig.add('c', SIZE)
    expect(rig.evictAll()).toEqual(['b', 'a', 'c'])
  })

  it('measures the probation queue in bytes', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['main', 'out']) rig.add(key, SIZE)
    rig.read('main', 2)
    expect(rig.evict()).toBe('out')
    for (let id = 0; id < 9; id++) rig.add(`small ${id}`, { size: 10 })
    // Nine small entries take less than 10% of the budget.
    expect(rig.evict()).toBe('main')
    rig.add('small 9', { size: 10 })
    expect(rig.evict()).toBe('small 0')
  })

  it('keeps the queue and the read count of a replaced entry', () => {
    const rig = new PolicyRig('s3-fifo', BUDGET)
    for (const key of ['a', 'b']) rig.add(key, SIZE)
    rig.read('a', 2)
    rig.add('a', SIZE)
    expect(rig.evictAll()).toEqual(['b', 'a'])
  })
})
