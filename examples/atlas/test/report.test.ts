import { describe, expect, it } from 'vitest'
import { demoJson, formatHitRates, formatTable, formatVerdict } from '../src/report.ts'

const routes = [
  {
    route: 'GET /regions/:code/cities',
    requests: 2,
    identical: 2,
    bare: { queries: 1_202, ms: 104.26 },
    sluice: { queries: 10, ms: 8.04 },
    cache: { hits: 3, misses: 1 },
  },
  {
    route: 'GET /cities/:id',
    requests: 1,
    identical: 1,
    bare: { queries: 5, ms: 2 },
    sluice: { queries: 5, ms: 2 },
    cache: { hits: 0, misses: 0 },
  },
]
const warm = { requests: 600, calls: 59_000, queries: 931, hits: 43, misses: 7 }
const plain = { color: false, width: 120 }

describe('formatTable', () => {
  it('has a line for each route and one for all', () => {
    expect(formatTable(routes, plain).split('\n')).toEqual([
      'route                      requests  queries  → Sluice   ms  → Sluice  hit rate',
      'GET /regions/:code/cities         2    1,202        10  104         8       75%',
      'GET /cities/:id                   1        5         5    2         2         –',
      'all                               3    1,207        15  106        10       75%',
    ])
  })

  it.each([79, 60, 50, 40])('fits into %d columns', (width) => {
    const lines = formatTable(routes, { color: false, width }).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    expect(lines[1]).toContain('GET /regions/:code/cities')
  })

  it('prints colors only on request', () => {
    expect(formatTable(routes, plain)).not.toContain('\u001b')
    expect(formatTable(routes, { ...plain, color: true })).toContain('\u001b')
  })
})

describe('formatVerdict', () => {
  it('counts identical responses', () => {
    expect(formatVerdict(routes, undefined, plain)).toBe('✓ 3 of 3 responses identical')
  })

  it('shows the first difference', () => {
    const request = { route: 'GET /cities/:id', method: 'GET', path: '/cities/7' } as const
    const broken = routes.map((route) => ({ ...route, identical: 0 }))
    expect(formatVerdict(broken, { request, bare: 'left', sluice: 'right' }, plain)).toBe(
      '✗ 3 of 3 responses differ; the first: GET /cities/:id\n  GET /cities/7\n  without Sluice  left\n  with Sluice     right',
    )
  })
})

describe('formatHitRates', () => {
  it('shows the hit rate of a warm cache, and the rate from an empty cache on', () => {
    expect(formatHitRates(routes, warm, plain).split('\n')).toEqual([
      'cache hit rate 86%',
      '  of the reads of 600 more requests, with a warm cache: 59,000 calls of the ORMs → 931 queries',
      '  the 3 requests above, which start with an empty cache: 75%',
      expect.stringMatching(/^ {2}visitors/),
    ])
  })
})

describe('demoJson', () => {
  it('has the costs of each route, rounded, and no more', () => {
    expect(demoJson({ dataset: { cities: 4 }, routes, findings: [], warm })).toMatchObject({
      dataset: { cities: 4 },
      routes: [
        {
          route: 'GET /regions/:code/cities',
          requests: 2,
          identical: 2,
          bare: { queries: 1_202, ms: 104.3 },
          sluice: { queries: 10, ms: 8 },
        },
        {},
      ],
      findings: [],
      cache: { hitRate: 0.75, warm: { ...warm, hitRate: 0.86 } },
    })
  })
})
