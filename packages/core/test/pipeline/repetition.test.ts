import { describe, expect, it } from 'vitest'
import { repetitionAmong } from '../../src/pipeline/repetition.ts'

const LIMITS = { threshold: 5, repeats: 3 }

/** Executions with these values; a `|` is a write of the scope between two of them. */
function judge(values: string, count?: number) {
  let writes = 0
  const samples = [...values].flatMap((value) => {
    if (value === '|') writes += 1
    return value === '|' ? [] : [{ values: value === '?' ? undefined : value, stack: undefined, writes }]
  })
  return repetitionAmong({ count: count ?? samples.length, samples }, LIMITS)
}

describe('repetitionAmong', () => {
  it.each([
    ['abcd', undefined],
    ['abcde', { code: 'N_PLUS_ONE', count: 5, needed: 1 }],
    ['?????', { code: 'N_PLUS_ONE', count: 5, needed: 1 }],
    ['aa', undefined],
    ['aaa', { code: 'REPEATED_QUERY', count: 3, needed: 1 }],
    ['aaab', { code: 'REPEATED_QUERY', count: 3, needed: 1 }],
    ['a|a|a', undefined],
    ['aaaa|aaaa', { code: 'REPEATED_QUERY', count: 8, needed: 2 }],
    // Most values differ: one query for all keys saves more than a remembered answer.
    ['aaabcdefgh', { code: 'N_PLUS_ONE', count: 10, needed: 1 }],
  ])('judges %s', (values, expected) => {
    expect(judge(values)).toEqual(expected)
  })

  it('takes the samples for the share of all executions', () => {
    expect(judge('aaaa', 100)).toEqual({ code: 'REPEATED_QUERY', count: 100, needed: 25 })
  })
})
