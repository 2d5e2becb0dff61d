import type { Cluster, Redis } from 'ioredis'

/** What may not be dropped when the memory of Redis is full. */
export interface EvictionRisk {
  readonly fits: (policy: string) => boolean
  /** What may happen, and what to use. */
  readonly text: string
}

/** Warns where Redis may evict what is needed. */
export async function warnOfEviction(client: Redis | Cluster, { fits, text }: EvictionRisk): Promise<void> {
  let policy: string | undefined
  try {
    policy = /^maxmemory_policy:(\S+)/m.exec(String(await client.info('memory')))?.[1]
  } catch {
    // Not every server tells; then there is nothing to go by.
    return
  }
  if (policy === undefined || fits(policy)) return
  process.emitWarning(`Redis has the maxmemory-policy ${policy}: ${text}`, { type: 'SluiceWarning', code: 'SLUICE_REDIS_EVICTION' })
}
