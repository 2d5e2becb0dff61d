import { describe, expect, it } from 'vitest'
import { trimEnd } from '../../src/shared/trim-end.ts'

describe('trimEnd', () => {
  it.each([
    ['a//', '/', 'a'],
    ['a/b', '/', 'a/b'],
    ['int[][]', '[]', 'int'],
    ['...', '.', ''],
    ['', '.', ''],
  ])('turns %j without trailing %j into %j', (text, characters, expected) => {
    expect(trimEnd(text, characters)).toBe(expected)
  })
})
