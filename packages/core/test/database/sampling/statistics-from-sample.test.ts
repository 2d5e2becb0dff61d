import { describe, expect, it } from 'vitest'
import type { ColumnSnapshot } from '../../../src/database/inspectors/database-snapshot.ts'
import type { TableSample } from '../../../src/database/sampling/sample-table.ts'
import {
  estimateDistinct,
  statisticsFromSample,
} from '../../../src/database/sampling/statistics-from-sample.ts'

const column = (name: string, more: Partial<ColumnSnapshot> = {}): ColumnSnapshot => {
  return { name, type: 'integer', databaseType: 'integer', nullable: true, ...more }
}
const sampleOf = (
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  more: Partial<TableSample> = {},
): TableSample => {
  return { dialect: 'sqlite', table: 'main.t', columns, rows, share: 0.1, ...more }
}
const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

describe('estimateDistinct', () => {
  it('counts all rows as distinct if no sampled value occurs twice', () => {
    expect(
      estimateDistinct(
        numbers(100).map(() => 1),
        5_000,
      ),
    ).toBe(5_000)
  })

  it('returns the number of sampled values if each occurs many times', () => {
    expect(estimateDistinct([50, 30, 20], 5_000)).toBe(3)
  })

  it('extrapolates if some values occur once', () => {
    // 2,000 values of 20 rows each, with a sample of 10%: Poisson with mean 2.
    const counts = [
      ...numbers(541).map(() => 1),
      ...numbers(541).map(() => 2),
      ...numbers(361).map(() => 3),
      ...numbers(287).map(() => 4),
    ]
    const size = counts.reduce((sum, count) => sum + count, 0)
    const estimate = estimateDistinct(counts, size * 10)
    expect(estimate).toBeGreaterThan(1_800)
    expect(estimate).toBeLessThan(2_200)
  })

  it('is 1 for no values, and never below the number of sampled values', () => {
    expect(estimateDistinct([], 100)).toBe(1)
    expect(estimateDistinct([1, 1, 1], 2)).toBe(3)
  })
})

describe('statisticsFromSample', () => {
  it('counts nulls, and distinct values without them', () => {
    const rows = numbers(100).map((at) => [at % 4 === 0 ? null : at % 3])
    const { columns } = statisticsFromSample(sampleOf(['a'], rows), { rows: 1_000, columns: [column('a')] })
    expect(columns.get('a')).toMatchObject({ distinct: 3, nullShare: 0.25, bounds: [] })
  })

  it('lists all values if there are few, most common first, with their share of all rows', () => {
    const rows = numbers(100).map((at) => [at < 70 ? 'new' : at < 90 ? 'paid' : null])
    const { columns } = statisticsFromSample(sampleOf(['a'], rows), {
      rows: 1_000,
      columns: [column('a', { type: 'text' })],
    })
    expect(columns.get('a')?.common).toEqual([
      { value: 'new', share: 0.7 },
      { value: 'paid', share: 0.2 },
    ])
  })

  it('lists only common values if there are many, and sorted bounds of the others', () => {
    const rows = numbers(1_000).map((at) => [at % 2 === 0 ? 7 : 10_000 - at])
    const { columns } = statisticsFromSample(sampleOf(['a'], rows), { rows: 10_000, columns: [column('a')] })
    const { common, bounds } = columns.get('a') ?? { common: [], bounds: [] }
    expect(common).toEqual([{ value: 7, share: 0.5 }])
    expect(bounds).toHaveLength(101)
    expect([bounds[0], bounds[50], bounds[100]]).toEqual([9_001, 9_501, 9_999])
  })

  it('accepts values of any type, and lists only those with a string or number form', () => {
    const values = [true, true, 5n, 5n, new Uint8Array([1]), new Uint8Array([1]), 'x', 'x']
    const { columns } = statisticsFromSample(
      sampleOf(
        ['a'],
        values.map((value) => [value]),
      ),
      { rows: 8, columns: [column('a')] },
    )
    expect(columns.get('a')?.distinct).toBe(4)
    expect(columns.get('a')?.common.map(({ value }) => value)).toEqual([1, 5, 'x'])
  })

  it.each([
    ['sqlite', 'NOCASE', 1],
    ['sqlite', undefined, 2],
    ['mysql', undefined, 1],
    ['mysql', 'utf8mb4_bin', 2],
  ] as const)('compares strings as %s does with collation %s', (dialect, collation, distinct) => {
    const rows = [['Paris'], ['paris'], ['Paris'], ['paris']]
    const known = column('a', { type: 'text', ...(collation === undefined ? {} : { collation }) })
    const { columns } = statisticsFromSample(sampleOf(['a'], rows, { dialect }), {
      rows: 4,
      columns: [known],
    })
    expect(columns.get('a')?.distinct).toBe(distinct)
  })

  it('estimates combinations of columns', () => {
    const rows = numbers(1_000).map((at) => [at % 10, at % 5, at % 7, at])
    const { distinctOf } = statisticsFromSample(sampleOf(['a', 'b', 'c', 'd'], rows), {
      rows: 10_000,
      columns: ['a', 'b', 'c', 'd'].map((name) => column(name)),
    })
    expect(distinctOf(['a', 'b'])).toBe(10)
    expect(distinctOf(['b', 'c'])).toBe(35)
    expect(distinctOf(['a', 'd'])).toBe(10_000)
    expect(distinctOf(['b'])).toBe(5)
  })

  it('returns defaults for an empty table', () => {
    const { columns } = statisticsFromSample(sampleOf(['a'], []), { rows: 0, columns: [column('a')] })
    expect(columns.get('a')).toEqual({ distinct: 1, nullShare: 0, common: [], bounds: [] })
  })
})
