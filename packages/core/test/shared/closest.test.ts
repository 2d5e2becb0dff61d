import { describe, expect, it } from 'vitest'
import { closest } from '../../src/shared/closest.ts'

describe('closest', () => {
  it.each([
    ['mod', 'mode'],
    ['cahce', 'cache'],
    ['mxBytse', 'maxBytes'],
    ['zzzz', undefined],
  ])('finds for %s: %s', (typed, expected) => {
    expect(closest(typed, ['cache', 'mode', 'maxBytes'])).toBe(expected)
  })
})
