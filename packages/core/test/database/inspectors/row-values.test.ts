import { describe, expect, it } from 'vitest'
import type { StatisticsValue } from '../../../src/database/inspectors/database-snapshot.ts'
import { likelyValue, valuesInOrder } from '../../../src/database/inspectors/row-values.ts'

const of = (common: readonly StatisticsValue[], bounds: readonly StatisticsValue[] = []) => ({
  distinct: 100,
  nullShare: 0,
  common: common.map((value) => ({ value, share: 0.1 })),
  bounds,
})

describe('likelyValue', () => {
  it('returns the common values in order', () => {
    expect([0, 1, 2].map((nth) => likelyValue(of(['a', 'b'], ['x', 'y', 'z']), nth, true))).toEqual([
      'a',
      'b',
      'a',
    ])
  })

  it('returns a value from the middle', () => {
    expect([0, 1, 2].map((nth) => likelyValue(of(['a', 'b'], ['x', 'y', 'z']), nth, false))).toEqual([
      'y',
      'z',
      'x',
    ])
    expect(likelyValue(of(['a', 'b', 'c']), 0, false)).toBe('b')
  })

  it('returns any known value', () => {
    expect(likelyValue(of([], ['x']), 0, true)).toBe('x')
    expect(likelyValue(of([]), 0, true)).toBeUndefined()
  })
})

describe('valuesInOrder', () => {
  it('sorts numeric strings numerically', () => {
    expect(valuesInOrder(of(['10', '9', '-1']))).toEqual(['-1', '9', '10'])
    expect(valuesInOrder(of(['b', 'a']))).toEqual(['a', 'b'])
  })

  it('returns the bounds if there are several', () => {
    expect(valuesInOrder(of(['5'], ['1', '7']))).toEqual(['1', '7'])
    expect(valuesInOrder(of(['5'], ['1']))).toEqual(['5'])
  })
})
