import type { Cluster, Redis } from 'ioredis'

/** Warns once where Redis may evict writers' intents, which have no time to live, when its memory is full. */
export async function warnOfEviction(client: Redis | Cluster): Promise<void> {
  let policy: string | undefined
  try {
    policy = /^maxmemory_policy:(\S+)/m.exec(String(await client.info('memory')))?.[1]
  } catch {
    // Not every server tells; then there is nothing to go by.
    return
  }
  if (policy === undefined || policy === 'noeviction' || policy.startsWith('volatile-')) return
  process.emitWarning(
    `Redis has the maxmemory-policy ${policy}: it may drop what writers have declared, and stale results may be served then. ` +
      'Use noeviction or one of the volatile policies.',
    { type: 'SluiceWarning', code: 'SLUICE_REDIS_EVICTION' },
  )
}
