import type { RowSource } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { keepColumns, keepValues, RowSet } from '../../../src/query/prefetch/row-set.ts'

const source: RowSource = { table: 'main.city', shape: 'cities', isWhole: true, property: (column) => `${column}_` }
const rows = [
  { id_: 1, region_: 7, body: 'x'.repeat(1000) },
  { id_: 2, region_: 7, body: 'y' },
]

describe('row set', () => {
  it('lets go of rows but for the columns that hold keys', () => {
    const set = new RowSet(source, rows, undefined, keepColumns(source, ['id', 'region']))
    const { keys } = set.index(['region_'])
    set.settle(100)
    expect(set.rows).toEqual([
      { id_: 1, region_: 7 },
      { id_: 2, region_: 7 },
    ])
    expect(set.index(['region_']).keys).toEqual(keys)
    expect(set.index(['id_']).ordinalOf('i2')).toBe(1)
  })

  it('keeps short values where nothing tells which columns hold keys', () => {
    const set = new RowSet(source, rows, undefined, keepValues)
    set.settle(100)
    expect(set.rows).toEqual([
      { id_: 1, region_: 7 },
      { id_: 2, region_: 7, body: 'y' },
    ])
  })

  it('keeps nothing of more rows than it may', () => {
    const set = new RowSet(source, () => rows, undefined, keepValues)
    set.settle(1)
    expect(set.rows).toEqual([])
  })

  it('keeps no more of the rows of a growing set', () => {
    const set = new RowSet(source, [], [], keepColumns(source, ['id']))
    expect(set.append(rows, 1)).toEqual({ from: 0, to: 2 })
    expect(set.rows).toEqual([{ id_: 1 }, { id_: 2 }])
  })
})
