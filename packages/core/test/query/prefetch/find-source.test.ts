import { createSluice } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../helpers.ts'
import { MemoryDatabase, type Row } from './memory-database.ts'

const COUNT = 100
const range = Array.from({ length: COUNT }, (_, at) => at + 1)

/** No foreign key contains SKUs. IDs of products and forecasts equal those of cities by coincidence. */
function tables(): Record<string, Row[]> {
  return {
    city: range.map((id) => ({ id })),
    product: range.map((id) => ({ id, name: `product ${id}`, sku: `s${id}` })),
    line: range.map((id) => ({ id: id + 1000, name: `product ${id}`, bay: id % 7, productSku: `s${id}` })),
    stock: range.map((id) => ({ id, shelf: id % 7, sku: `s${id}` })),
    visit: range.map((id) => ({ id, cityId: id, day: `d${id % 9}` })),
    forecast: range.map((id) => ({ id, day: `d${id % 9}` })),
    plan: range.map((id) => ({ id: id + 1000, cityId: id, day: `d${id % 9}` })),
  }
}

const toCity = (table: string) => ({
  table,
  columns: ['cityId'],
  references: 'city',
  referencedColumns: ['id'],
})

function setUp(isWhole = true): MemoryDatabase {
  const sluice = createSluice({ mode: 'optimize', cache: false, detection: false, clock: new FakeClock() })
  return new MemoryDatabase(sluice, tables(), [toCity('visit'), toCity('plan')], isWhole)
}

/** Runs a loop over a listing twice, and returns the number of queries of each run. */
async function counts(
  database: MemoryDatabase,
  listing: string,
  body: (row: Row, next: Row) => Promise<unknown>,
): Promise<number[]> {
  const found: number[] = []
  for (let time = 0; time < 2; time += 1) {
    const before = database.queries.length
    await database.sluice.run(async () => {
      const rows = await database.list(listing)
      for (const [at, row] of rows.entries()) await body(row, rows[(at + 1) % rows.length] ?? row)
    })
    found.push(database.queries.length - before)
  }
  return found
}

const NOT_PREFETCHED = [COUNT + 1, COUNT + 1]
/** Three individual queries, 8 keys and the others; then all keys. */
const PREFETCHED = [5, 2]

describe('findSource without a foreign key', () => {
  it('finds the values of a unique key', async () => {
    const database = setUp()
    const found: unknown[] = []
    const body = async ({ productSku }: Row) => found.push(await database.one('product', { sku: productSku }))
    expect(await counts(database, 'line', body)).toEqual(PREFETCHED)
    const { product = [] } = database.tables
    expect(found).toEqual([...product, ...product])
  })

  it('does not search for the values of columns that are not a unique key', async () => {
    const database = setUp()
    const body = ({ name }: Row) => database.ask('product', { where: { name } })
    expect(await counts(database, 'line', body)).toEqual(NOT_PREFETCHED)
  })

  it('finds the values of a primary key only in the same column', async () => {
    const database = setUp(false)
    const body = ({ id }: Row) => database.one('product', { id })
    expect(await counts(database, 'city', body)).toEqual(NOT_PREFETCHED)
    expect(await counts(database, 'product', body)).toEqual(PREFETCHED)
  })

  it('does not find the key of a row that the app has completely', async () => {
    const database = setUp()
    const body = ({ sku }: Row) => database.one('product', { sku })
    expect(await counts(database, 'product', body)).toEqual(NOT_PREFETCHED)
  })

  it('finds the values of a composite key in the order of its columns', async () => {
    const database = setUp()
    const found: unknown[] = []
    const body = async ({ productSku, bay }: Row) =>
      found.push(await database.one('stock', { sku: productSku, shelf: bay }))
    expect(await counts(database, 'line', body)).toEqual(PREFETCHED)
    const { stock = [] } = database.tables
    expect(found).toEqual([...stock, ...stock])
  })

  it('does not find a composite key whose values are in different rows', async () => {
    const database = setUp()
    const body = ({ productSku }: Row, { bay }: Row) => database.one('stock', { sku: productSku, shelf: bay })
    expect(await counts(database, 'line', body)).toEqual(NOT_PREFETCHED)
    expect(database.sluice.queries.getPrefetchLinks()).toEqual([])
  })

  it('finds a value that a foreign key explains only in columns of its domain', async () => {
    const database = setUp()
    const body = ({ id, cityId = id, day }: Row) => database.one('visit', { cityId, day })
    expect(await counts(database, 'forecast', body)).toEqual(NOT_PREFETCHED)
    expect(await counts(database, 'plan', body)).toEqual(PREFETCHED)
  })
})
