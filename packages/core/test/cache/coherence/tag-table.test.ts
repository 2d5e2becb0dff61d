import { describe, expect, it } from 'vitest'
import { TagTable } from '../../../src/cache/coherence/tag-table.ts'
import { FakeClock } from '../../helpers.ts'

describe('snapshots of tags', () => {
  it('are one while nothing is written to the tags', () => {
    const table = new TagTable(new FakeClock())
    const snapshot = table.snapshot(['a', 'b'])
    expect(snapshot).toBeDefined()
    expect(table.snapshot(['a', 'b'])).toBe(snapshot)
  })

  it.each([[['a']], [['a', 'c']], [['a', 'b', 'c']], [['b', 'a']], [[]]])(
    'are others for other tags: %j',
    (tags) => {
      const table = new TagTable(new FakeClock())
      const snapshot = table.snapshot(['a', 'b'])
      const other = table.snapshot(tags)
      expect(other).not.toBe(snapshot)
      table.raise(['b'])
      expect([snapshot?.isCurrent, other?.isCurrent]).toEqual([false, !tags.includes('b')])
      table.raise(['c'])
      expect(other?.isCurrent).toBe(!tags.includes('b') && !tags.includes('c'))
    },
  )

  it.each(['a', 'b', '*'])('are others after a write to %s', (tag) => {
    const table = new TagTable(new FakeClock())
    const before = table.snapshot(['a', 'b'])
    table.end(table.begin([tag]), 'committed')
    const after = table.snapshot(['a', 'b'])
    expect([before?.isCurrent, after?.isCurrent, after === before]).toEqual([false, true, false])
  })

  it('are none while a write is in flight', () => {
    const table = new TagTable(new FakeClock())
    table.snapshot(['a', 'b'])
    table.begin(['b'])
    expect(table.snapshot(['a', 'b'])).toBeUndefined()
  })

  it('is not current while a write waits for its connection, and is again after that', () => {
    const table = new TagTable(new FakeClock())
    const snapshot = table.snapshot(['t#set'])
    const { changes } = table
    const end = table.hold(['t#set'])
    expect(snapshot?.isCurrent).toBe(false)
    expect(table.snapshot(['t#set'])).toBeUndefined()
    expect(table.snapshot(['u#set'])).toBeDefined()
    expect(table.changes).toBeGreaterThan(changes)
    end()
    expect(snapshot?.isCurrent).toBe(true)
  })

  it('is not current while a write to everything waits for its connection', () => {
    const table = new TagTable(new FakeClock())
    const snapshot = table.snapshot(['t#set'])
    const end = table.hold(['*'])
    expect(snapshot?.isCurrent).toBe(false)
    end()
    expect(snapshot?.isCurrent).toBe(true)
  })
})
