import { CachingStrategyEngine } from '../../src/cache/caching-strategy-engine.ts'

/**
 * Prints, for each data set, the estimated bytes of a filled cache and the heap that filling it took. Needs
 * `--expose-gc`.
 */

const collect = globalThis.gc
if (collect === undefined) throw new Error('run with --expose-gc')

/** A new string as a driver creates it: neither a literal nor a concatenation. */
const text = (value: string): string => Buffer.from(value).toString()

const smallRow = (id: number) => ({ id, name: text(`city ${id}`), population: id * 7, capital: false })

const wideRow = (id: number): Record<string, unknown> => {
  const row: Record<string, unknown> = {
    id,
    price: id + 0.5,
    createdAt: new Date(1_700_000_000_000 + id),
    deletedAt: null,
  }
  for (let column = 0; column < 12; column++)
    row[`column${column}`] = text(`${column % 3 === 0 ? '東京' : 'value'} ${id} of column ${column}`)
  return row
}

const rowsOf = (page: number) => Array.from({ length: 100 }, (_, index) => smallRow(page * 100 + index))

const nested = (id: number) => ({
  id,
  name: text(`city ${id}`),
  total: BigInt(id) * 10n,
  photo: new Uint8Array(200),
  tags: new Set([text(`tag ${id}`), text(`mark ${id}`)]),
  scores: [id + 0.5, 1.5, 2.5],
  counts: new Map([[text(`first ${id}`), { seen: id }]]),
})

const dataSets: Record<string, { readonly entries: number; readonly make: (id: number) => unknown }> = {
  'small flat rows': { entries: 100_000, make: smallRow },
  'wide rows with strings': { entries: 10_000, make: wideRow },
  'arrays of 100 rows': { entries: 500, make: rowsOf },
  'long arrays, sampled': {
    entries: 20,
    make: (id) => Array.from({ length: 1_000 }, (_, index) => wideRow(id * 1_000 + index)),
  },
  'nested values': { entries: 10_000, make: nested },
}

const heap = (): number => {
  collect()
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/**
 * Fills a cache; the first run also warms up the code, so that allocations of the compiler are not measured.
 */
function fill(entries: number, make: (id: number) => unknown): CachingStrategyEngine {
  const cache = new CachingStrategyEngine({ maxBytes: 2 ** 30, maxEntryShare: 1 })
  for (let id = 0; id < entries; id++) cache.set('rows', text(`id-${id}`), make(id))
  return cache
}

const report = Object.entries(dataSets).map(([name, { entries, make }]) => {
  fill(Math.min(entries, 2_000), make).close()
  const before = heap()
  const cache = fill(entries, make)
  const measured = heap() - before
  const { usedMemory: estimated, itemCount } = cache.getStats()
  cache.close()
  return { name, itemCount, estimated, measured }
})

process.stdout.write(JSON.stringify(report))
