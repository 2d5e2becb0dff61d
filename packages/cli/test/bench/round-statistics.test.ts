import { describe, expect, it } from 'vitest'
import { compareFigures, compareRounds, signTest, summaryOf } from '../../src/bench/round-statistics.ts'
import { benchFailures, benchLimits } from '../../src/bench/run-bench.ts'
import { type LoadResult, readServerTiming } from '../../src/bench/run-load.ts'

const round = (requests: number, of: Partial<LoadResult> = {}): LoadResult => ({
  seconds: 1,
  requests,
  errors: 0,
  firstError: undefined,
  queries: 2,
  databaseMs: 1,
  latencies: Float64Array.from({ length: requests }, (_, at) => at + 1),
  ...of,
})
const rounds = (...requests: number[]) => requests.map((one) => round(one))

describe('summaryOf', () => {
  it('returns the median, minimum and maximum of the rounds', () => {
    expect(summaryOf(rounds(100, 300, 200)).figures.requestsPerSecond).toEqual({
      median: 200,
      least: 100,
      most: 300,
    })
    expect(summaryOf(rounds(100, 300)).figures.requestsPerSecond?.median).toBe(200)
  })

  it('omits a quantile when there are too few requests', () => {
    expect(Object.keys(summaryOf(rounds(50, 200)).figures)).toEqual([
      'requestsPerSecond',
      'p50',
      'p95',
      'queries',
      'databaseMs',
    ])
    expect(summaryOf(rounds(200, 200)).figures).toMatchObject({
      p50: { median: 101 },
      p95: { median: 191 },
      p99: { median: 199 },
    })
  })
})

describe('compareRounds', () => {
  it('reports a difference when all 5 rounds agree, and not when one disagrees', () => {
    const before = rounds(100, 100, 100, 100, 100)
    expect(compareRounds(rounds(150, 140, 160, 150, 150), before, 'requestsPerSecond')).toEqual({
      ratio: { median: 1.5, least: 1.4, most: 1.6 },
      verdict: 'better',
    })
    expect(compareRounds(rounds(150, 140, 160, 90, 150), before, 'requestsPerSecond')?.verdict).toBe('noise')
    expect(compareRounds(rounds(150, 140, 160, 150), before, 'requestsPerSecond')?.verdict).toBe('noise')
    expect(compareRounds(rounds(50, 40, 60, 50, 50), before, 'requestsPerSecond')?.verdict).toBe('worse')
  })

  it('treats a difference below 2% as noise, even if all rounds agree', () => {
    const before = rounds(1_000, 1_000, 1_000, 1_000, 1_000)
    expect(
      compareRounds(rounds(1_010, 1_010, 1_010, 1_010, 1_010), before, 'requestsPerSecond')?.verdict,
    ).toBe('noise')
  })

  it('compares pairs of rounds, so that a slowdown of both sides has no effect', () => {
    expect(
      compareRounds(rounds(150, 15, 300, 60, 150), rounds(100, 10, 200, 40, 100), 'requestsPerSecond')
        ?.verdict,
    ).toBe('better')
  })

  it('treats less time and fewer queries as better', () => {
    const many = rounds(100, 100, 100, 100, 100).map((one) => ({ ...one, queries: 101 }))
    const few = rounds(100, 100, 100, 100, 100)
    expect(compareRounds(few, many, 'queries')?.verdict).toBe('better')
    expect(compareRounds(many, few, 'queries')?.verdict).toBe('worse')
    expect(compareRounds(few, few, 'queries')).toEqual({
      ratio: { median: 1, least: 1, most: 1 },
      verdict: 'noise',
    })
  })

  it('omits a metric that one side does not have', () => {
    expect(compareRounds([round(10)], [round(10, { queries: undefined })], 'queries')).toBeUndefined()
  })
})

describe('compareFigures', () => {
  it('treats overlapping ranges as noise', () => {
    const past = { median: 100, least: 90, most: 110 }
    expect(compareFigures({ median: 120, least: 105, most: 130 }, past, 'requestsPerSecond').verdict).toBe(
      'noise',
    )
    expect(compareFigures({ median: 120, least: 111, most: 130 }, past, 'requestsPerSecond').verdict).toBe(
      'better',
    )
    expect(compareFigures({ median: 120, least: 111, most: 130 }, past, 'p50').verdict).toBe('worse')
  })
})

describe('signTest', () => {
  it.each([
    [5, 5, 0.0625],
    [4, 5, 0.375],
    [4, 4, 0.125],
    [8, 9, 0.0390625],
    [3, 5, 1],
  ])('returns the probability that %d of %d agree randomly', (agreeing, of, likely) => {
    expect(signTest(agreeing, of)).toBe(likely)
  })
})

describe('benchFailures', () => {
  const result = (of: object) => ({
    route: 'GET /a',
    own: { figures: {}, requests: 9, errors: 2 },
    comparisons: {},
    ...of,
  })
  const worse = (median: number, verdict: 'worse' | 'noise' = 'worse') => ({
    ratio: { median, least: median, most: median },
    verdict,
  })

  it('fails above the limit, and never within noise', () => {
    const limits = benchLimits(['slower=10'])
    const slower = (median: number, verdict?: 'noise') =>
      benchFailures([result({ comparisons: { requestsPerSecond: worse(median, verdict) } })], limits)
    expect(slower(0.8)).toEqual(['GET /a: 20% slower, 10% allowed'])
    expect(slower(0.95)).toEqual([])
    expect(slower(0.5, 'noise')).toEqual([])
  })

  it('fails for more queries, different bodies and errors if the limits include them', () => {
    const bad = result({
      comparisons: { queries: worse(2) },
      bodies: { kind: 'different', different: 1, of: 9, at: undefined },
    })
    expect(benchFailures([bad], benchLimits([]))).toEqual([])
    expect(benchFailures([bad], benchLimits(['more-queries', 'different', 'errors']))).toHaveLength(3)
  })

  it('rejects unknown limits', () => {
    for (const name of ['fast', 'slower=', 'slower=x'])
      expect(() => benchLimits([name])).toThrow('--fail-on: expected')
  })
})

describe('readServerTiming', () => {
  it('reads the entry of the middleware among other entries', () => {
    expect(readServerTiming('db;dur=12.3;desc="5 queries", sluice;desc="1 from cache"')).toEqual({
      databaseMs: 12.3,
      queries: 5,
    })
    expect(readServerTiming('total;dur=9, db;dur=0.0;desc="1 query"')).toEqual({ databaseMs: 0, queries: 1 })
    expect(readServerTiming(['total;dur=9', 'db;dur=4;desc="2 queries"'])).toEqual({
      databaseMs: 4,
      queries: 2,
    })
    expect(readServerTiming('mydb;dur=4;desc="2 queries"')).toBeUndefined()
    expect(readServerTiming(undefined)).toBeUndefined()
  })
})
