import { describe, expect, it } from 'vitest'
import type {
  ColumnStatistics,
  TableSnapshot,
} from '../../../../src/database/inspectors/database-snapshot.ts'
import { withStatisticsOfPartitions } from '../../../../src/database/inspectors/postgresql/statistics.ts'
import { testSnapshot } from '../../test-snapshot.ts'

const { tables } = testSnapshot('postgresql', {
  log: 'id integer*, kind text*, at timestamp*',
  log_1: 'id integer*, kind text*, at timestamp*',
  log_2: 'id integer*, kind text*, at timestamp*',
})

function statistics(given: Partial<ColumnStatistics>): ColumnStatistics {
  return { distinct: 1, nullShare: 0, common: [], bounds: [], ...given }
}

function partition(
  name: string,
  parent: string,
  rows: number,
  own: Record<string, ColumnStatistics>,
): TableSnapshot {
  const table = tables.find((candidate) => candidate.name === name) as TableSnapshot
  const columns = table.columns.map((column) => {
    const found = own[column.name]
    return found === undefined ? column : { ...column, statistics: found }
  })
  return { ...table, kind: 'partition', parent, rows, columns }
}

const whole: TableSnapshot = { ...(tables[0] as TableSnapshot), kind: 'partitioned', rows: 4_000 }
const parts = [
  partition('log_1', whole.id, 1_000, {
    id: statistics({ distinct: 1_000, bounds: [1, 500, 1_000] }),
    kind: statistics({ distinct: 2, nullShare: 0.4, common: [{ value: 'a', share: 0.6 }] }),
  }),
  partition('log_2', whole.id, 3_000, {
    id: statistics({ distinct: 3_000, bounds: [1_001, 2_000, 4_000] }),
    kind: statistics({
      distinct: 3,
      common: [
        { value: 'b', share: 0.9 },
        { value: 'a', share: 0.1 },
      ],
    }),
  }),
]

describe('withStatisticsOfPartitions', () => {
  it('combines the statistics of partitions for a table without any', () => {
    const [found] = withStatisticsOfPartitions([whole, ...parts])
    const [id, kind, at] = found?.columns ?? []
    expect(id?.statistics).toMatchObject({ distinct: 4_000, bounds: [1, 500, 1_000, 1_001, 2_000, 4_000] })
    expect(kind?.statistics?.distinct).toBe(3)
    expect(kind?.statistics?.nullShare).toBeCloseTo(0.1)
    expect(kind?.statistics?.common.map(({ value, share }) => [value, share.toFixed(3)])).toEqual([
      ['b', '0.675'],
      ['a', '0.225'],
    ])
    expect(at?.statistics).toBeUndefined()
  })

  it('finds the partitions of partitions', () => {
    const middle = { ...(parts[0] as TableSnapshot), rows: 3_000, columns: whole.columns }
    const leaf = { ...(parts[1] as TableSnapshot), parent: middle.id }
    const found = withStatisticsOfPartitions([whole, middle, leaf])
    expect(found.map(({ columns }) => columns[0]?.statistics?.distinct)).toEqual([3_000, 3_000, 3_000])
  })

  it('preserves the statistics of the table itself', () => {
    const columns = whole.columns.map((column) => ({ ...column, statistics: statistics({ distinct: 7 }) }))
    const [found] = withStatisticsOfPartitions([{ ...whole, columns }, ...parts])
    expect(found?.columns[0]?.statistics?.distinct).toBe(7)
  })
})
