import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { type Consistency, startAppProcess } from './app-process-handle.ts'
import { openClients } from './clients.ts'
import type { DatabaseTarget } from './database-target.ts'
import { type Freshness, measureFreshness } from './freshness.ts'
import { startPrivateRedis } from './private-redis.ts'
import type { Progress } from './progress.ts'
import { createRandom } from './random.ts'
import { reviewedCities } from './requests.ts'
import { httpSite, type Site } from './site.ts'
import { StatementCounter } from './statement-counter.ts'
import { createWorkingCopy } from './working-copy.ts'

export interface TwoProcessesOptions {
  readonly loaded: DatabaseTarget
  /** Default: a separate Redis. */
  readonly redisUrl?: string
  /** Run sequentially, each with two new processes. */
  readonly consistencies: readonly Consistency[]
  readonly tries: number
  readonly progress: Progress
  /** What Node is started with in the processes. */
  readonly execArgv?: readonly string[]
}

export interface TwoProcessesResult extends Freshness {
  readonly consistency: Consistency
}

/** Redis does not answer at the address that was given. */
export class NoConnectionToRedisError extends Error {}

const SEED = 7
/** The most popular ones are selected most often, so that several visitors meet at one. */
const CITIES = 100
const VISITORS = 4
const KEEPS_WITHIN_MS = 30_000

/**
 * Has two processes of the app share one database and one Redis, and looks whether what is posted to one is
 * seen through the other.
 *
 * @throws NoRedisError, NoConnectionToRedisError
 */
export async function runTwoProcesses(options: TwoProcessesOptions): Promise<TwoProcessesResult[]> {
  const own = options.redisUrl === undefined ? await startPrivateRedis() : undefined
  try {
    const redisUrl = own?.url ?? options.redisUrl ?? ''
    await checkConnection(redisUrl)
    const results: TwoProcessesResult[] = []
    for (const consistency of options.consistencies)
      results.push(await runOne(options, redisUrl, consistency))
    return results
  } finally {
    await own?.stop()
  }
}

async function runOne(
  { loaded, tries, progress, execArgv }: TwoProcessesOptions,
  redisUrl: string,
  consistency: Consistency,
): Promise<TwoProcessesResult> {
  const { target, remove } = await createWorkingCopy(loaded)
  const plan = { target, redisUrl, namespace: `atlas-${randomBytes(6).toString('hex')}`, consistency }
  const starting = [startAppProcess(plan, execArgv), startAppProcess(plan, execArgv)] as const
  try {
    const cities = await citiesOf(target)
    const [first, second] = await Promise.all(starting)
    const sites = [httpSite(first.origin), httpSite(second.origin)] as const
    await Promise.all(sites.map((site) => untilItKeeps(site, cities)))
    progress.start(`Two processes, ${consistency}: ${tries.toLocaleString('en')} reviews`, tries)
    const startedAt = performance.now()
    const freshness = await measureFreshness({
      sites,
      cities,
      tries,
      visitors: VISITORS,
      random: createRandom(SEED),
      now: () => performance.now(),
      onTry: () => progress.advance(1),
    })
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    progress.finish(`Two processes, ${consistency}: ${tries.toLocaleString('en')} reviews in ${seconds} s`)
    return { consistency, ...freshness }
  } finally {
    for (const started of await Promise.allSettled(starting))
      if (started.status === 'fulfilled') await started.value.close()
    remove()
  }
}

/** Nothing is cached in the first 3 seconds of a new Redis, and uncached reads prove nothing. */
async function untilItKeeps(site: Site, [city]: readonly number[]): Promise<void> {
  if (city === undefined) throw new RangeError('No city has reviews.')
  const until = performance.now() + KEEPS_WITHIN_MS
  while ((await site.readCity(city)).cached === 0) {
    if (performance.now() > until)
      throw new Error(`The cache stored nothing within ${KEEPS_WITHIN_MS / 1_000} s.`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function citiesOf(target: DatabaseTarget): Promise<number[]> {
  const clients = openClients(target, new StatementCounter())
  try {
    return (await reviewedCities(clients.db)).slice(0, CITIES).map(({ id }) => id)
  } finally {
    await clients.close()
  }
}

async function checkConnection(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
  let reason: unknown
  redis.on('error', (error) => {
    reason = error
  })
  try {
    await redis.connect()
    await redis.ping()
  } catch (error) {
    const { message } = (reason ?? error) as Error
    throw new NoConnectionToRedisError(`No connection to the Redis of --redis: ${message}`)
  } finally {
    redis.disconnect()
  }
}
