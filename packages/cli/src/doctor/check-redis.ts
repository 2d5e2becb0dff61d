import { errorMessage } from '@sluice/core/siblings'
import type { Redis } from 'ioredis'
import { UsageError } from '../command.ts'
import { loadDriver } from '../connect/load-driver.ts'
import { shownAddress } from '../connect/own-connection.ts'
import { type Check, fail, ok, warn } from './check.ts'
import { isBelow, versionParts } from './installed-package.ts'

const LEAST_REDIS = '7.0.0'
const TIMEOUT_MS = 5_000

/** Whether Redis answers, and keeps what writers declare in it. */
export async function checkRedis(url: string): Promise<Check[]> {
  const address = shownAddress(url)
  let client: Redis
  try {
    client = await openRedis(url)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [warn(`Redis at ${address} was not asked`, error.message)]
  }
  let last: Error | undefined
  // Told beside what is waited for, this says why.
  client.on('error', (error: Error) => {
    last = error
  })
  try {
    await client.connect()
    await client.ping()
    return [...versionCheck(address, await client.info('server')), ...evictionCheck(await client.info('memory'))]
  } catch (error) {
    return [fail(`Redis at ${address} does not answer: ${errorMessage(last ?? error)}`, 'Start it, or correct REDIS_URL.')]
  } finally {
    client.disconnect()
  }
}

async function openRedis(url: string): Promise<Redis> {
  const { Redis: Client } = await loadDriver('ioredis', () => import('ioredis'))
  return new Client(url, { lazyConnect: true, connectTimeout: TIMEOUT_MS, commandTimeout: TIMEOUT_MS, retryStrategy: () => null })
}

function versionCheck(address: string, info: string): Check[] {
  const version = /^redis_version:(\S+)/m.exec(info)?.[1]
  if (version === undefined) return [ok(`Redis at ${address} answers`)]
  if (!isBelow(versionParts(version), versionParts(LEAST_REDIS))) return [ok(`Redis ${version} at ${address}`)]
  return [fail(`Redis ${version} at ${address} is too old`, 'Sluice needs Redis 7 or later.')]
}

/** Writers' declarations must not be evicted: they have no time to live. */
function evictionCheck(info: string): Check[] {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
  if (policy === undefined) return []
  if (policy === 'noeviction' || policy.startsWith('volatile-')) return [ok(`maxmemory-policy is ${policy}`)]
  const text = `maxmemory-policy is ${policy}: Redis may drop what writers have declared, and stale results are served then`
  return [fail(text, 'CONFIG SET maxmemory-policy volatile-lru, and in redis.conf')]
}
