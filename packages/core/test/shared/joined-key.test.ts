import { describe, expect, it } from 'vitest'
import { joinedKey } from '../../src/shared/joined-key.ts'

describe('joinedKey', () => {
  it('returns different keys for different lists', () => {
    const lists: readonly (readonly (string | undefined)[])[] = [
      [],
      [undefined],
      [''],
      ['', ''],
      ['a', 'b'],
      ['ab'],
      ['a\nb'],
      ['a1:b'],
      ['a', '1:b'],
      ['-'],
      ['a', undefined],
      [undefined, 'a'],
    ]
    expect(new Set(lists.map((list) => joinedKey(...list))).size).toBe(lists.length)
  })

  it('returns the same key for equal lists', () => {
    expect(joinedKey('a', undefined)).toBe(joinedKey('a', undefined))
  })
})
