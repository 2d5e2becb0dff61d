import { expect, it } from 'vitest'
import { median } from '../../src/shared/median.ts'

it.each<[readonly number[], number | undefined]>([
  [[], undefined],
  [[Number.NaN], undefined],
  [[3], 3],
  [[10, 9, 1], 9],
  [[4, -1, 100, 2], 3],
  [[Number.NaN, 5, Number.NaN, 1], 3],
])('median(%j) is %s', (values, expected) => {
  expect(median(values)).toBe(expected)
})
