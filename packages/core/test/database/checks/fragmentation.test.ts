import type { DatabaseSnapshot, TableSnapshot } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { fragmentation } from '../../../src/database/checks/fragmentation.ts'
import { columnOf, indexOf, snapshotOf, tableOf } from '../snapshots.ts'

const MIB = 1024 * 1024
const statistics = { distinct: 100, nullShare: 0, averageWidth: 8, common: [], bounds: [] }

describe('fragmentation', () => {
  const of = (table: Partial<TableSnapshot>, snapshot: Partial<DatabaseSnapshot> = {}) =>
    fragmentation(snapshotOf([tableOf('t', table)], snapshot))

  it('finds dead rows on PostgreSQL', () => {
    const [report] = of({ rows: 600_000, deadRows: 400_000, bytes: 100 * MIB })
    expect(report).toMatchObject({ table: 't', wastedBytes: 40 * MIB, ratio: 0.4 })
    expect(report?.advice).toContain('VACUUM (ANALYZE) "t"')
  })

  it('ignores small amounts, as a share or in absolute size', () => {
    expect(of({ rows: 900_000, deadRows: 100_000, bytes: 1000 * MIB })).toEqual([])
    expect(of({ rows: 1, deadRows: 9, bytes: 5 * MIB })).toEqual([])
    expect(of({ rows: 600_000, bytes: 100 * MIB })).toEqual([])
    expect(of({ rows: -1, deadRows: 5, bytes: 100 * MIB })).toEqual([])
  })

  it('finds pages on PostgreSQL that the rows do not need', () => {
    const columns = [
      columnOf('id', { statistics }),
      columnOf('name', { statistics: { ...statistics, averageWidth: 20 } }),
    ]
    const [report] = of({ rows: 100_000, pages: 10_000, bytes: 10_000 * 8192, columns })
    expect(report?.advice).toContain('VACUUM FULL "t"')
    // 28 bytes for the header, 12 and 24 for columns: 127 rows per page, 788 pages.
    expect(report?.wastedBytes).toBe((10_000 - 788) * 8192)
    expect(of({ rows: 100_000, pages: 900, bytes: 900 * 8192, columns })).toEqual([])
    expect(of({ rows: 100_000, pages: 10_000, bytes: 10_000 * 8192, columns: [columnOf('id')] })).toEqual([])
  })

  it('finds indexes that are larger than their keys require', () => {
    const columns = [columnOf('id', { statistics })]
    const [report] = of({ rows: 100_000, columns, indexes: [indexOf('t_id', ['id'], { bytes: 40 * MIB })] })
    expect(report).toMatchObject({ table: 't', index: 't_id', advice: 'REINDEX INDEX CONCURRENTLY "t_id";' })
    expect(report?.ratio).toBeGreaterThan(0.9)
    expect(of({ rows: 100_000, columns, indexes: [indexOf('t_id', ['id'], { bytes: 3 * MIB })] })).toEqual([])
    expect(
      of({
        rows: 100_000,
        columns,
        indexes: [indexOf('t_id', ['id'], { bytes: 40 * MIB, where: 'id > 5' })],
      }),
    ).toEqual([])
  })

  it('finds free space that MySQL has allocated for a table', () => {
    expect(of({ bytes: 60 * MIB, freeBytes: 40 * MIB }, { dialect: 'mysql' })).toMatchObject([
      { wastedBytes: 40 * MIB, ratio: 0.4, advice: expect.stringContaining('OPTIMIZE TABLE `t`') },
    ])
  })

  it('finds unused bytes of a SQLite file above 1 MB', () => {
    expect(of({ bytes: 4 * MIB, freeBytes: 2 * MIB }, { dialect: 'sqlite' })).toMatchObject([
      { wastedBytes: 2 * MIB, ratio: 0.5, advice: expect.stringContaining('VACUUM;') },
    ])
    expect(of({ bytes: MIB, freeBytes: MIB / 2 }, { dialect: 'sqlite' })).toEqual([])
  })

  it('sorts by wasted bytes', () => {
    const found = fragmentation(
      snapshotOf([
        tableOf('a', { rows: 1, deadRows: 1, bytes: 40 * MIB }),
        tableOf('b', { rows: 1, deadRows: 1, bytes: 80 * MIB }),
      ]),
    )
    expect(found.map(({ table }) => table)).toEqual(['b', 'a'])
  })
})
