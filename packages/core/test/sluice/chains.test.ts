import { createSluice, type SluiceOptions } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { MemoryDatabase } from '../query/prefetch/memory-database.ts'

function setUp(options: SluiceOptions = {}): MemoryDatabase {
  const sluice = createSluice({ mode: 'optimize', cache: false, detection: false, ...options })
  return new MemoryDatabase(sluice, { district: [{ id: 1 }, { id: 2 }], region: [{ id: 1 }, { id: 2 }] }, [])
}

const two = (database: MemoryDatabase, table: string) => () =>
  Promise.all([database.one(table, { id: 1 }), database.one(table, { id: 2 })])

describe('disabling optimization', () => {
  it('passes reads in a bypass through unchanged, and no others', async () => {
    const database = setUp()
    await database.sluice.run(async () => {
      await Promise.all([database.sluice.bypass(two(database, 'region')), two(database, 'district')()])
    })
    expect(database.queries.toSorted()).toEqual([
      'district one by id × 2',
      'region one by id i1',
      'region one by id i2',
    ])
    expect(database.sluice.queries.getStats().passedThrough).toEqual({ BYPASSED: 2 })
  })

  it('discards prefetched rows when a bypass writes', async () => {
    const database = setUp()
    await database.sluice.run(async () => {
      await database.list('district')
      await database.sluice.bypass(() => database.write('region', () => {}))
    })
    expect(database.sluice.queries.getStats().prefetchDiscards).toBe(1)
  })

  it('passes reads of excluded tables through unchanged', async () => {
    const database = setUp({ exclude: ['region'] })
    await database.sluice.run(async () => {
      await two(database, 'region')()
      await two(database, 'district')()
    })
    expect(database.queries).toEqual(['region one by id i1', 'region one by id i2', 'district one by id × 2'])
  })

  it('applies the mode of a scope', async () => {
    const database = setUp({ mode: 'observe' })
    await database.sluice.run(two(database, 'region'))
    await database.sluice.run(two(database, 'region'), { mode: 'optimize' })
    expect(database.queries).toEqual(['region one by id i1', 'region one by id i2', 'region one by id × 2'])
    expect(() => database.sluice.openScope('x', { mode: 'none' as never })).toThrow(
      /expected "observe" or "shadow" or "optimize"/,
    )
  })
})
