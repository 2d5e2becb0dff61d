// The gains and costs of the cache, compared with other caches and with none.
import { parseArgs } from 'node:util'
import { startMemcached } from '../services/memcached.ts'
import { startPostgres } from '../services/postgres.ts'
import { startRedisServer } from '../services/redis-server.ts'
import { ServiceUnavailableError, type TestService } from '../services/service.ts'
import { type CacheFigure, printFigures, toJson } from './cache/figure.ts'
import { measureHeap, serveHeap } from './cache/heap.ts'
import { figureOf, hitRatesOf } from './cache/hit-rates.ts'
import { measureMemcached, memcachedContenders } from './cache/memcached-hits.ts'
import { measureMemoryHits, memoryContenders } from './cache/memory-hits.ts'
import { MEMCACHED_ADDRESS, POSTGRES_URL, REDIS_URL } from './cache/services.ts'
import { measureStoreHits, storeContenders } from './cache/store-hits.ts'
import { measureTagInvalidation } from './cache/tag-invalidation.ts'
import { readTrace, type Trace, zipfTrace } from './cache/trace.ts'
import { measureWriteOverhead, writeContenders } from './cache/write-overhead.ts'
import { type Measured, printTable, serveContender } from './harness.ts'

interface Options {
  readonly json: boolean
  readonly quick: boolean
  /** The keys that an app read. Default: a synthetic trace. */
  readonly trace: string | undefined
}

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    trace: { type: 'string' },
  },
}) as { values: Options }

/** `undefined` if this machine has none. */
async function ifThere(name: string, start: () => Promise<TestService>): Promise<TestService | undefined> {
  try {
    return await start()
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.error(`What needs ${name} is left out: ${error.message}`)
    return undefined
  }
}

async function main({ json, quick, trace: path }: Options): Promise<void> {
  const rounds = quick ? 7 : 41
  const trace =
    path === undefined
      ? zipfTrace(quick ? 300_000 : 2_000_000, quick ? 20_000 : 100_000, 0.9)
      : readTrace(path)
  const print = (title: string, measured: readonly Measured[]): void => {
    if (!json) printTable(title, measured, [])
  }
  if (!json)
    console.log(
      `Node ${process.version}, medians of ${rounds} interleaved rounds, CPU time; each contender in its own process`,
    )
  const figures: CacheFigure[] = []

  const redis = await ifThere('Redis', startRedisServer)
  const memcached = await ifThere('Memcached', startMemcached)
  const postgres = await ifThere('PostgreSQL', startPostgres)
  try {
    if (redis !== undefined) process.env[REDIS_URL] = redis.url
    const memory = await measureMemoryHits(rounds, quick ? 4_000 : 8_000)
    print(
      'Hits in memory, 10,000 keys in random order; awaited ones with two tags each, and trusted only during heartbeats of the store',
      memory.measured,
    )
    figures.push(...memory.figures)
    if (redis !== undefined) {
      const hits = await measureStoreHits(rounds, quick ? 192 : 640)
      print(
        'Hits in Redis: memory caches nothing, so that each value comes from Redis; in `strict` it caches values, and validates them in Redis',
        hits.one,
      )
      print('The same, 64 in flight', hits.many)
      figures.push(...hits.figures, ...(await measureTagInvalidation(redis.url, quick ? 7 : 31)))
    }
    if (redis !== undefined && memcached !== undefined) {
      process.env[MEMCACHED_ADDRESS] = memcached.url
      const compared = await measureMemcached(quick ? 7 : 21, quick ? 640 : 2_560)
      for (const measured of compared.measured) print('Stores in Redis and in Memcached', measured)
      figures.push(...compared.figures)
    }
    if (postgres !== undefined) {
      process.env[POSTGRES_URL] = postgres.url
      const writes = await measureWriteOverhead(rounds, quick ? 30 : 60)
      for (const measured of writes.measured) print('An update of one row, PostgreSQL', measured)
      figures.push(...writes.figures)
    }
  } finally {
    await redis?.stop()
    await memcached?.stop()
    await postgres?.stop()
  }
  const heap = await measureHeap(quick ? 1 : 5)
  if (!json) printHeap(heap.bytesPerEntry)
  figures.push(...heap.figures, ...measureHitRates(trace, quick, json))
  if (json) for (const figure of figures) console.log(toJson(figure))
  else {
    console.log()
    printFigures(figures)
  }
}

function measureHitRates(trace: Trace, quick: boolean, json: boolean): CacheFigure[] {
  if (!json) console.log(`\nHit rates, ${trace.about}: ${trace.reads.length} reads of ${trace.keys} keys`)
  return (quick && !trace.isSynthetic ? [0.05] : [0.01, 0.05, 0.1]).map((share) => {
    const found = hitRatesOf(trace, share)
    const line = Object.entries(found.rates).map(([name, rate]) => `${name} ${rate.toFixed(1)} %`)
    if (!json) console.log(`  room for ${found.capacity} keys (${share * 100} %): ${line.join(', ')}`)
    return figureOf(found, trace.isSynthetic)
  })
}

function printHeap(bytesPerEntry: Readonly<Record<string, number>>): void {
  console.log('\nHeap of 100,000 small entries, keys and values included')
  for (const [name, bytes] of Object.entries(bytesPerEntry))
    console.log(`  ${name.padEnd(34)} ${bytes.toFixed(0).padStart(8)} bytes an entry`)
}

const isServed =
  (await serveContender([
    ...memoryContenders,
    ...storeContenders,
    ...memcachedContenders,
    ...writeContenders,
  ])) || (await serveHeap())
if (!isServed) await main(options)
