import { describe, expect, it } from 'vitest'
import { LocalWrites } from '../../../src/cache/coherence/local-writes.ts'
import { LEASE_MS, TagTable } from '../../../src/cache/coherence/tag-table.ts'
import { EVERYTHING } from '../../../src/schema/catalog.ts'
import { FakeClock, touching } from '../../helpers.ts'

function setUp() {
  const clock = new FakeClock()
  return { clock, registry: new LocalWrites(new TagTable(clock)) }
}

describe('LocalWrites', () => {
  it('returns the same stamp while nothing is written', () => {
    const { registry } = setUp()
    const stamps = registry.stateOf(['a', 'b'])
    expect(registry.stateOf(['a', 'b'])).toEqual(stamps)
  })

  it('returns no stamp of a table while a write to it is in flight', () => {
    const { registry } = setUp()
    const intent = registry.begin(touching('a'))
    expect(registry.stateOf(['a'])).toBeUndefined()
    expect(registry.stateOf(['b'])).toBeDefined()
    intent.end('committed')
    expect(registry.stateOf(['a'])).toBeDefined()
  })

  it.each(['committed', 'rolled-back'] as const)('returns a new stamp after a write that %s', (outcome) => {
    const { registry } = setUp()
    const before = registry.stateOf(['a'])
    registry.begin(touching('a')).end(outcome)
    expect(registry.stateOf(['a'])).not.toBe(before)
  })

  it('returns no stamp until the last of several writes ends', () => {
    const { registry } = setUp()
    const first = registry.begin(touching('a'))
    const second = registry.begin(touching('a'))
    first.end('committed')
    first.end('committed')
    expect(registry.stateOf(['a'])).toBeUndefined()
    second.end('committed')
    expect(registry.stateOf(['a'])).toBeDefined()
  })

  it('returns no stamps while a write that may modify any table is in flight, and new ones afterwards', () => {
    const { registry } = setUp()
    const before = registry.stateOf(['a', 'b'])
    const intent = registry.begin(EVERYTHING)
    expect(registry.stateOf(['b'])).toBeUndefined()
    intent.end('committed')
    expect(registry.stateOf(['a', 'b'])).not.toBe(before)
  })

  it('returns no stamp for the lease after an unknown outcome, and a new one afterwards', () => {
    const { clock, registry } = setUp()
    const before = registry.stateOf(['a'])
    registry.begin(touching('a')).end('unknown')
    clock.advance(LEASE_MS - 1)
    expect(registry.stateOf(['a'])).toBeUndefined()
    clock.advance(1)
    const after = registry.stateOf(['a'])
    expect(after).toBeDefined()
    expect(after).not.toBe(before)
  })

  it('returns no stamps for the lease after an unknown outcome of a write that may modify any table', () => {
    const { clock, registry } = setUp()
    registry.begin(EVERYTHING).end('unknown')
    expect(registry.stateOf(['a'])).toBeUndefined()
    clock.advance(LEASE_MS)
    expect(registry.stateOf(['a'])).toBeDefined()
  })

  it('never returns an earlier stamp again', () => {
    const { registry } = setUp()
    const seen = new Set<number>()
    for (let round = 0; round < 50; round += 1) {
      const state = registry.stateOf(['a']) ?? -1
      expect(seen.has(state)).toBe(false)
      seen.add(state)
      if (round % 3 === 0) registry.invalidate(EVERYTHING)
      else registry.begin(touching('a')).end('committed')
    }
  })

  describe('transactions', () => {
    it('announce nothing before the commit', () => {
      const { registry } = setUp()
      const before = registry.stateOf(['a'])
      const writes = registry.transaction()
      writes.add(touching('a'))
      expect(registry.stateOf(['a'])).toBe(before)
      writes.beforeCommit()
      expect(registry.stateOf(['a'])).toBeUndefined()
      writes.end('committed')
      expect(registry.stateOf(['a'])).not.toBe(before)
    })

    it('change nothing when they roll back', () => {
      const { registry } = setUp()
      const before = registry.stateOf(['a'])
      const writes = registry.transaction()
      writes.add(touching('a'))
      writes.end('rolled-back')
      expect(registry.stateOf(['a'])).toBe(before)
    })

    it('change the stamps of an announced commit even if it failed', () => {
      const { registry } = setUp()
      const before = registry.stateOf(['a'])
      const writes = registry.transaction()
      writes.add(touching('a'))
      writes.beforeCommit()
      writes.end('rolled-back')
      expect(registry.stateOf(['a'])).not.toBe(before)
    })

    it('count a commit whose start was not observed', () => {
      const { registry } = setUp()
      const before = registry.stateOf(['a'])
      const writes = registry.transaction()
      writes.add(touching('a'))
      writes.end('committed')
      expect(registry.stateOf(['a'])).not.toBe(before)
    })

    it('support any number of writes in a savepoint', () => {
      const { registry } = setUp()
      const before = registry.stateOf(['a'])
      const writes = registry.transaction()
      writes.savepoint('s')
      for (let count = 0; count < 200_000; count += 1) writes.add(touching('a'))
      writes.release('s')
      writes.end('committed')
      expect(registry.stateOf(['a'])).not.toBe(before)
    })

    it('count writes that are rolled back to one of more than 1,000 savepoints', () => {
      const { registry } = setUp()
      const before = registry.stateOf(['a'])
      const writes = registry.transaction()
      writes.savepoint('s')
      writes.add(touching('a'))
      for (let count = 0; count < 2_000; count += 1) writes.savepoint('s')
      writes.rollbackTo('s')
      writes.end('committed')
      expect(registry.stateOf(['a'])).not.toBe(before)
    })

    it('discard the writes of a rolled-back savepoint, and keep those before and after it', () => {
      const { registry } = setUp()
      const before = Object.fromEntries(['a', 'b', 'c'].map((table) => [table, registry.stateOf([table])]))
      const writes = registry.transaction()
      writes.add(touching('a'))
      writes.savepoint('s')
      writes.add(touching('b'))
      writes.rollbackTo('s')
      writes.add(touching('c'))
      writes.end('committed')
      expect(registry.stateOf(['b'])).toBe(before.b)
      expect(registry.stateOf(['a'])).not.toBe(before.a)
      expect(registry.stateOf(['c'])).not.toBe(before.c)
    })

    it('keep the writes of a released savepoint', () => {
      const { registry } = setUp()
      const before = registry.stateOf(['b'])
      const writes = registry.transaction()
      writes.savepoint('outer')
      writes.savepoint('inner')
      writes.add(touching('b'))
      writes.release('outer')
      writes.end('committed')
      expect(registry.stateOf(['b'])).not.toBe(before)
    })
  })
})
