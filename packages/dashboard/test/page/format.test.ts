import { describe, expect, it } from 'vitest'
import {
  ago,
  amount,
  bytes,
  count,
  duration,
  exact,
  groupTime,
  isError,
  percent,
  plural,
  savedShare,
  span,
  withUnit,
} from '../../page/src/format.ts'
import type { RequestSummary, WaterfallRow } from '../../src/protocol/index.ts'

describe('number formats', () => {
  it('group digits and abbreviate from 10,000', () => {
    const values = [0, 1_204, 9_999, 12_345, 999_999, 2_450_000]
    expect(values.map(count)).toEqual(['0', '1,204', '9,999', '12.3k', '1M', '2.5M'])
    expect(values.map(exact)).toEqual([undefined, undefined, undefined, '12,345', '999,999', '2,450,000'])
  })

  it('show a dash for missing values, which are not 0', () => {
    expect([
      count(undefined),
      amount(Number.NaN),
      duration(undefined),
      percent(undefined),
      bytes(undefined),
    ]).toEqual(['–', '–', '–', '–', '–'])
  })

  it('show one decimal below 10', () => {
    expect([0.35, 3, 9.96, 41.2].map(amount)).toEqual(['0.4', '3', '10.0', '41'])
  })

  it('show durations with at most 3 digits', () => {
    const texts = [0, 0.04, 0.44, 9.949, 9.96, 312.4, 999.6, 1_240, 45_000, 200_000].map(duration)
    expect(texts).toEqual([
      '0 ms',
      '<0.1 ms',
      '0.4 ms',
      '9.9 ms',
      '10 ms',
      '312 ms',
      '1.00 s',
      '1.24 s',
      '45.0 s',
      '3 min 20 s',
    ])
  })

  it('show seconds with at most 2 units', () => {
    expect([0, 45, 60, 3_661, 90_000].map(span)).toEqual(['0 s', '45 s', '1 min', '1 h 1 min', '1 d 1 h'])
  })

  it('show shares close to 0 and 1 as <1% and >99%', () => {
    expect([0, 0.004, 0.505, 0.996, 1].map(percent)).toEqual(['0%', '<1%', '51%', '>99%', '100%'])
  })

  it('show bytes with a base of 1,024', () => {
    expect([0, 1_023, 1_024, 16 * 1024 ** 2, 2.1 * 1024 ** 2].map(bytes)).toEqual([
      '0 B',
      '1,023 B',
      '1.0 KB',
      '16 MB',
      '2.1 MB',
    ])
  })

  it('add units and plurals', () => {
    expect([
      plural(1, 'query', 'queries'),
      plural(2, 'query', 'queries'),
      withUnit(42, '%'),
      withUnit(4, 'ms'),
      withUnit(4, ''),
    ]).toEqual(['1 query', '2 queries', '42%', '4 ms', '4'])
  })
})

describe('ago', () => {
  it('shows the age in one unit', () => {
    const now = 10_000_000
    expect([0, 1_900, 12_000, 61_000, 7_300_000].map((before) => ago(now - before, now))).toEqual([
      'now',
      'now',
      '12 s ago',
      '1 min ago',
      '2 h ago',
    ])
  })
})

describe('request facts', () => {
  it('calculate the share of reads without a query', () => {
    expect(savedShare({ queries: 1, batched: 2, prefetched: 0, cacheHits: 1 } as RequestSummary)).toBe('75%')
    expect(savedShare({ queries: 9, batched: 0, prefetched: 0, cacheHits: 0 } as RequestSummary)).toBe('–')
  })

  it('show the time of overlapping queries once', () => {
    const row = { fill: 'database', startMs: 10, endMs: 540 } as WaterfallRow
    expect(groupTime({ ...row, databaseMs: 16_700 })).toBe('530 ms')
    expect(groupTime({ ...row, databaseMs: 200 })).toBe('200 ms')
    expect(groupTime({ ...row, databaseMs: 0 })).toBe('530 ms')
  })

  it('treat a status of 500 and above, and a failure without a status, as an error', () => {
    expect([200, 404, 500, null].map((statusCode) => isError({ failed: false, statusCode }))).toEqual([
      false,
      false,
      true,
      false,
    ])
    expect(isError({ failed: true, statusCode: null })).toBe(true)
  })
})
