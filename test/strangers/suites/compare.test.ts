import { describe, expect, it } from 'vitest'
import { compare } from './compare.ts'
import type { SuiteResult } from './run-suite.ts'

function result(
  passed: readonly string[],
  failed: Readonly<Record<string, string>> = {},
  given: Partial<SuiteResult> = {},
): SuiteResult {
  const outcomes = {
    passed: new Set(passed),
    failed: new Map(Object.entries(failed)),
    skipped: new Set<string>(),
  }
  return { outcomes, hung: false, counters: { statements: 1 }, log: 'output.log', ...given }
}

describe('compare', () => {
  it('lists a test that fails only with Sluice', () => {
    expect(compare(result(['a', 'b']), result(['a'], { b: 'Error: no\n  at c' }))).toEqual([
      'FAILED  b: Error: no',
    ])
  })

  it('does not list a test that fails without Sluice, too', () => {
    expect(compare(result(['a'], { b: 'no' }), result(['a'], { b: 'other' }))).toEqual([])
  })

  it('does not list a test of internals that fails', () => {
    expect(compare(result(['a', 'b']), result(['a'], { b: 'no' }), new Set(['b']))).toEqual([])
  })

  it('lists a test that does not run with Sluice', () => {
    expect(compare(result(['a', 'b']), result(['a']))).toEqual(['NOT RUN b'])
  })

  it('lists a process that does not end', () => {
    expect(compare(result(['a']), result(['a'], {}, { hung: true }))).toEqual([
      'The process did not end: output.log',
    ])
  })

  it('lists a run without a report', () => {
    expect(compare(result(['a']), result([], {}, { outcomes: undefined }))).toEqual(['No report: output.log'])
  })

  it('lists a run whose statements do not pass through Sluice', () => {
    expect(compare(result(['a']), result(['a'], {}, { counters: { statements: 0 } }))).toEqual([
      'Sluice has seen no statement.',
    ])
  })

  it('lists differences that shadow mode finds', () => {
    const counters = { statements: 1, shadowDifferences: 2 }
    expect(compare(result(['a']), result(['a'], {}, { counters }))).toEqual(['2 differences in shadow mode.'])
  })
})
