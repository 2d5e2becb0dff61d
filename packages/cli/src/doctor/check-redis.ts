import { errorMessage } from '@sluice/core/siblings'
import type { Redis } from 'ioredis'
import { UsageError } from '../command.ts'
import { loadDriver } from '../connect/load-driver.ts'
import { shownAddress } from '../connect/open-connection.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { isBelow, versionParts } from './installed-package.ts'

const LEAST_REDIS = '7.0.0'
const TIMEOUT_MS = 5_000

interface CheckRedisOptions {
  /** Whether processes share a cache. Otherwise the app uses Redis for other data. */
  readonly isShared: boolean
  /** Namespace of the shared cache. */
  readonly namespace: string
}

/**
 * Checks the version of Redis, and with a shared cache, that it does not evict write intents, and that the
 * relays from other regions keep their bounds.
 */
export async function checkRedis(url: string, { isShared, namespace }: CheckRedisOptions): Promise<Check[]> {
  const address = shownAddress(url)
  let client: Redis
  try {
    client = await openRedis(url)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [warn(`Redis at ${address} was not checked`, error.message)]
  }
  let last: Error | undefined
  // The event contains the cause, unlike the error of the rejected promise.
  client.on('error', (error: Error) => {
    last = error
  })
  try {
    await client.connect()
    await client.ping()
    return [
      ...versionCheck(address, await client.info('server')),
      ...(isShared
        ? [...evictionCheck(await client.info('memory')), ...(await relayChecks(client, namespace))]
        : []),
    ]
  } catch (error) {
    return [
      fail(
        `Redis at ${address} does not respond: ${errorMessage(last ?? error)}`,
        'Start Redis, or correct REDIS_URL.',
      ),
    ]
  } finally {
    client.disconnect()
  }
}

async function openRedis(url: string): Promise<Redis> {
  const { Redis: Client } = await loadDriver('ioredis', () => import('ioredis'))
  return new Client(url, {
    lazyConnect: true,
    connectTimeout: TIMEOUT_MS,
    commandTimeout: TIMEOUT_MS,
    retryStrategy: () => null,
  })
}

function versionCheck(address: string, info: string): Check[] {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1]
  if (version === undefined) return [ok(`Redis at ${address} responds`)]
  if (!isBelow(versionParts(version), versionParts(LEAST_REDIS)))
    return [ok(`Redis ${version} at ${address}`)]
  return [fail(`Redis ${version} at ${address} is too old`, 'Sluice needs Redis 7 or later.')]
}

/** Redis must not evict write intents. They have no TTL, so `volatile-` policies are safe. */
function evictionCheck(info: string): Check[] {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  if (policy === undefined) return []
  if (policy === 'noeviction' || policy.startsWith('volatile-')) return [ok(`maxmemory-policy is ${policy}`)]
  const text = `maxmemory-policy is ${policy}: Redis can evict the announcements of writers, and Sluice then serves stale results`
  return [fail(text, 'CONFIG SET maxmemory-policy volatile-lru, and set it in redis.conf')]
}

/** The confirmations of the relays, on the clock of this Redis. */
async function relayChecks(client: Redis, namespace: string): Promise<Check[]> {
  const key = `{${namespace}}relays`
  const [seconds, microseconds] = await client.time()
  const now = Number(seconds) * 1_000 + Number(microseconds) / 1_000
  return Object.entries(await client.hgetall(key)).map(([region, text]) => {
    const { at, maxLagMs, lagP50Ms, lagP99Ms } = JSON.parse(text) as Readonly<Record<string, number>>
    const ageMs = Math.max(0, Math.round(now - Number(at)))
    const lag = `lag p50 ${Math.round(Number(lagP50Ms))} ms, p99 ${Math.round(Number(lagP99Ms))} ms`
    if (ageMs <= Number(maxLagMs))
      return ok(`relay from ${region}: ${lag}, bound ${maxLagMs} ms, confirmed ${ageMs} ms ago`)
    return fail(
      `the relay from ${region} has confirmed nothing for ${Math.round(ageMs / 1_000)} s: nothing is served from the cache here`,
      `Start it: npx sluice relay --region ${region} --from <url> --to <url>. If the region was removed: HDEL ${key} ${region}`,
    )
  })
}
