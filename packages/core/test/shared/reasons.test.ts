import { describe, expect, it } from 'vitest'
import { defineReasons, describeReason } from '../../src/shared/reasons.ts'

describe('describeReason', () => {
  it.each([
    ['NO_SCOPE', 'Outside any scope'],
    ['batch:NO_SCOPE', 'Not batched: Outside any scope'],
    ['cache:WRITES', 'Not cached: It writes'],
    ['batch:MADE_UP_CODE:having', 'Not batched: made up code: having'],
    ['of another release', 'of another release'],
  ])('returns the text of %s', (reason, text) => {
    expect(describeReason(reason)).toBe(text)
  })

  it('knows the codes that other packages define', () => {
    defineReasons({ OF_A_TEST: 'Only a test' })
    expect(describeReason('cache:OF_A_TEST')).toBe('Not cached: Only a test')
  })
})
