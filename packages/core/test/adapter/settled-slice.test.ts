import { describe, expect, it } from 'vitest'
import { isSettledSlice, withNeighbors } from '../../src/adapter/settled-slice.ts'

/** The slices of up to 3 rows whose order `values` settles, as `skip+take`. */
function settled(values: readonly number[]): string[] {
  const slices = [0, 1, 2, 3].flatMap((skip) => [1, 2, 3].map((take) => ({ skip, take })))
  return slices
    .filter((slice) => isSettledSlice(values, slice, (left, right) => left === right))
    .map(({ skip, take }) => `${skip}+${take}`)
}

describe('isSettledSlice', () => {
  it('settles every slice of rows that all differ, of one row, and of none', () => {
    expect(settled([1, 2, 3, 4])).toHaveLength(12)
    expect(settled([1])).toHaveLength(12)
    expect(settled([])).toHaveLength(12)
  })

  it('settles no slice that has a tied row, or is next to one with which it is tied', () => {
    expect(settled([1, 1, 2, 3])).toEqual(['2+1', '2+2', '2+3', '3+1', '3+2', '3+3'])
    expect(settled([1, 2, 2, 3])).toEqual(['0+1', '3+1', '3+2', '3+3'])
    expect(settled([1, 2, 3, 3])).toEqual(['0+1', '0+2', '1+1'])
    expect(settled([1, 1])).toEqual(['2+1', '2+2', '2+3', '3+1', '3+2', '3+3'])
  })

  it('decides the same from the slice with its neighbors', () => {
    const rows = [1, 1, 2, 3, 3, 4, 4, 5, 6]
    for (let skip = 0; skip <= rows.length; skip++)
      for (let take = 1; take <= rows.length; take++) {
        const { outer, inner } = withNeighbors({ skip, take })
        const near = rows.slice(outer.skip, outer.skip + outer.take)
        const isTied = (left: number, right: number) => left === right
        expect(near.slice(inner.skip, inner.skip + inner.take)).toEqual(rows.slice(skip, skip + take))
        expect(isSettledSlice(near, inner, isTied)).toBe(isSettledSlice(rows, { skip, take }, isTied))
      }
  })
})
