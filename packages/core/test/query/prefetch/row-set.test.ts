import type { RowSource } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { keepColumns, keepValues, RowSet } from '../../../src/query/prefetch/row-set.ts'

const source: RowSource = {
  table: 'main.city',
  shape: 'cities',
  isWhole: true,
  property: (column) => `${column}_`,
}
const rows = [
  { id_: 1, region_: 7, body: 'x'.repeat(1000) },
  { id_: 2, region_: 7, body: 'y' },
]

describe('row set', () => {
  it('releases rows except the columns with keys', () => {
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

  it('retains short values if the key columns are unknown', () => {
    const set = new RowSet(source, rows, undefined, keepValues)
    set.settle(100)
    expect(set.rows).toEqual([
      { id_: 1, region_: 7 },
      { id_: 2, region_: 7, body: 'y' },
    ])
  })

  it('retains nothing above the row limit', () => {
    const set = new RowSet(source, () => rows, undefined, keepValues)
    set.settle(1)
    expect(set.rows).toEqual([])
  })

  it('retains only the key columns of a growing set', () => {
    const set = new RowSet(source, [], [], keepColumns(source, ['id']))
    expect(set.append(rows, 1)).toEqual({ from: 0, to: 2 })
    expect(set.rows).toEqual([{ id_: 1 }, { id_: 2 }])
  })
})
