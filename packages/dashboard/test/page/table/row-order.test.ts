import { describe, expect, it } from 'vitest'
import { nextOrder, sortRows } from '../../../page/src/table/row-order.ts'

describe('nextOrder', () => {
  it('returns the wanted order if rows are not held', () => {
    expect(nextOrder(['a', 'b'], ['c', 'a'], false)).toEqual({ ids: ['c', 'a'], waiting: 0 })
  })

  it('keeps all rows in place while they are held, and counts waiting rows', () => {
    expect(nextOrder(['a', 'b'], ['d', 'c', 'b'], true)).toEqual({ ids: ['a', 'b'], waiting: 2 })
  })

  it('fills an empty table immediately', () => {
    expect(nextOrder([], ['a'], true)).toEqual({ ids: ['a'], waiting: 0 })
  })
})

describe('sortRows', () => {
  it('sorts numbers and names in both directions without modifying the list', () => {
    const rows = [3, 1, 2]
    expect(sortRows(rows, (row) => row, true)).toEqual([1, 2, 3])
    expect(sortRows(rows, (row) => row, false)).toEqual([3, 2, 1])
    expect(sortRows(['/b10', '/b9', '/a'], (row) => row, true)).toEqual(['/a', '/b9', '/b10'])
    expect(rows).toEqual([3, 1, 2])
  })

  it('puts missing values last in both directions', () => {
    const rows = [{ p95: null }, { p95: 1 }, { p95: 2 }]
    for (const isUp of [true, false])
      expect(sortRows(rows, ({ p95 }) => p95, isUp).at(-1)).toEqual({ p95: null })
  })
})
