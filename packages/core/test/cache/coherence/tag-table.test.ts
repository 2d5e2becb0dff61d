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

describe('a write to rows', () => {
  const effect = { tables: new Set(['t']), rows: new Map([['t', new Set([7])]]), everything: false }
  const state = (table: TagTable, tag: string) => table.snapshot([tag]) !== undefined

  it('is in flight for the tags of its rows and the set of its table', () => {
    const table = new TagTable(new FakeClock())
    for (let time = 0; time < 2; time += 1) {
      const open = table.beginWrite(effect)
      const tags = ['t#set', 't#all', 't#r7', 't#r8', 'u#r7']
      expect(tags.map((tag) => state(table, tag))).toEqual([false, true, false, true, true])
      table.end(open, 'committed')
      expect(tags.every((tag) => state(table, tag))).toBe(true)
    }
  })

  it('is in flight for everything if it can modify everything', () => {
    const table = new TagTable(new FakeClock())
    table.beginWrite({ tables: new Set(), everything: true })
    expect(state(table, 't#r7')).toBe(false)
  })

  it('is in flight after idle tags were removed', () => {
    const table = new TagTable(new FakeClock())
    table.end(table.beginWrite(effect), 'committed')
    const many = new Set(Array.from({ length: 64 }, (_, at) => at + 100))
    const tables = Array.from({ length: 4_000 }, (_, at) => `x${at}`)
    for (const name of tables) {
      const rows = new Map([[name, many]])
      table.end(table.beginWrite({ tables: new Set([name]), rows, everything: false }), 'committed')
    }
    table.beginWrite(effect)
    expect(['t#set', 't#r7'].map((tag) => state(table, tag))).toEqual([false, false])
  })
})
