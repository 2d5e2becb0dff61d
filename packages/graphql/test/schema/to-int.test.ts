import { describe, expect, it } from 'vitest'
import { toInt } from '../../src/schema/query-resolvers.ts'

describe('toInt', () => {
  it.each([
    [0, 0],
    [20.4, 20],
    [2_147_483_647, 2_147_483_647],
    [2_147_483_648, -1],
    [Number.NaN, -1],
    [Number.POSITIVE_INFINITY, -1],
  ])('converts %d to %d', (value, int) => {
    expect(toInt(value)).toBe(int)
  })
})
