import { describe, expect, it } from 'vitest'
import { keysOf } from '../src/keys.ts'

describe('keysOf', () => {
  it.each([
    ['\uD800', '\uD801'],
    ['a\uDC00', 'a\uFFFD'],
  ])('distinguishes keys of unpaired surrogates: %j and %j', (left, right) => {
    const { entry, claim } = keysOf('app')
    expect(entry(left)).not.toBe(entry(right))
    expect(claim(left)).not.toBe(claim(right))
  })
})
