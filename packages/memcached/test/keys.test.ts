import { describe, expect, it } from 'vitest'
import { Keys } from '../src/keys.ts'

describe('Keys', () => {
  it.each([
    ['\uD800', '\uD801'],
    ['a\uDC00', 'a\uFFFD'],
  ])('distinguishes keys of unpaired surrogates: %j and %j', (left, right) => {
    const keys = new Keys('app')
    expect(keys.entry(left)).not.toBe(keys.entry(right))
    expect(keys.tag(left)).not.toBe(keys.tag(right))
  })
})
