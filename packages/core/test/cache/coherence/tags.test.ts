import { describe, expect, it } from 'vitest'
import { tagsRead, tagsWritten } from '../../../src/cache/coherence/tags.ts'

describe('the tags of a write', () => {
  it('name its rows, and the set of each table', () => {
    const rows = new Map([['a', new Set([1, 2])]])
    expect(tagsWritten({ tables: new Set(['a', 'b']), rows, everything: false })).toEqual([
      'a#set',
      'a#r1',
      'a#r2',
      'b#set',
      'b#all',
    ])
  })

  it('name all rows if there are more than 64', () => {
    const rows = new Map([['a', new Set(Array.from({ length: 65 }, (_, at) => at))]])
    expect(tagsWritten({ tables: new Set(['a']), rows, everything: false })).toEqual(['a#set', 'a#all'])
  })
})

describe('the tags of a read', () => {
  it('end with the optional sets of its pinned tables', () => {
    const rows = new Map([
      ['a', [1, 1, 2]],
      ['c', [3]],
    ])
    expect(tagsRead({ tables: ['a', 'b', 'c'], rows })).toEqual({
      tags: ['a#r1', 'a#r2', 'a#all', 'b#set', 'c#r3', 'c#all', 'a#set', 'c#set'],
      optional: 2,
    })
  })

  it('are the sets of its tables if no row is pinned', () => {
    expect(tagsRead({ tables: ['a', 'b'], rows: new Map() })).toEqual({
      tags: ['a#set', 'b#set'],
      optional: 0,
    })
  })
})
