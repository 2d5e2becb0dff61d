// The effects on an app when Redis is killed and restarted: failures, latency, and how long nothing is served
// from the cache.
import { redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import { endWithout } from '../services/end-without.ts'
import { startRedisServer } from '../services/redis-server.ts'
import { ServiceUnavailableError } from '../services/service.ts'
import { benchOptions } from './harness.ts'
import {
  type Mode,
  type OutageResult,
  outageFigures,
  printOutage,
  printOutageHeader,
} from './outage/report.ts'
import { runLoad } from './outage/run-load.ts'
import { type Clients, openBare, openWithSluice } from './query/clients.ts'
import { type BenchDatabase, openPostgres, openSqlite } from './query/databases.ts'
import { printFigures } from './query/report.ts'

const { json, quick } = benchOptions()
const PER_SECOND = 200
const SECONDS = quick ? { before: 3, down: 3, after: 8 } : { before: 8, down: 8, after: 12 }
const SEED = 7
const TTL_SECONDS = 300
const WARM_UP_SECONDS = 4
/**
 * Redis starts without state, so nothing is cached for the store's `quarantineMs` of 3 s; then the cache
 * fills again.
 */
const RECOVERY_MS = 6_000

async function measure(database: BenchDatabase, mode: Mode): Promise<OutageResult> {
  const redis = mode === 'bare' ? undefined : await startRedisServer()
  const connection = redis && new Redis(redis.url, { lazyConnect: true })
  const clients = await openClients(database, mode, connection)
  try {
    await runLoad({
      clients,
      redis: undefined,
      perSecond: PER_SECOND,
      seconds: { before: WARM_UP_SECONDS, down: 0, after: 0 },
      seed: SEED,
    })
    const result = await runLoad({ clients, redis, perSecond: PER_SECOND, seconds: SECONDS, seed: SEED + 1 })
    return { ...result, mode, phases: mode === 'bare' ? ['before'] : ['before', 'down', 'after'] }
  } finally {
    await clients.close()
    connection?.disconnect()
    await redis?.stop()
  }
}

function openClients(
  database: BenchDatabase,
  mode: Mode,
  redis: Redis | undefined,
): Promise<Clients> | Clients {
  if (mode === 'bare' || redis === undefined) return openBare(database)
  return openWithSluice(database, { ttl: TTL_SECONDS, store: redisStore(redis), consistency: mode })
}

async function openDatabase(): Promise<BenchDatabase> {
  try {
    return await openPostgres()
  } catch (error) {
    if (!(error instanceof ServiceUnavailableError)) throw error
    console.error(`SQLite instead of PostgreSQL: ${error.message}`)
    return openSqlite()
  }
}

const strays: unknown[] = []
process.on('unhandledRejection', (error) => strays.push(error))
const database = await openDatabase()
const { before, down, after } = SECONDS
if (!json) {
  console.log(`Node ${process.version}; ${database.name}, ${database.about}`)
  console.log(
    `${PER_SECOND} operations a second, one in ten a write; Redis killed after ${before} s, back ${down} s later, then ${after} s; ms`,
  )
  printOutageHeader()
}
try {
  const results: OutageResult[] = []
  for (const mode of ['bare', 'bounded', 'strict'] as const) {
    const result = await measure(database, mode)
    results.push(result)
    if (!json) printOutage(result)
  }
  const figures = results.flatMap((result) => outageFigures(result, { recoveryMs: RECOVERY_MS }))
  if (json) for (const figure of figures) console.log(JSON.stringify(figure))
  else {
    console.log()
    printFigures(figures)
  }
  if (strays.length > 0) {
    console.error(`${strays.length} unhandled rejections; the first:`, strays[0])
    process.exitCode = 1
  }
} catch (error) {
  endWithout(error)
} finally {
  await database.close()
}
