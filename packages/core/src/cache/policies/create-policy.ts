import type { EvictionPolicy } from './eviction-policy.ts'
import { LfuPolicy } from './lfu-policy.ts'
import { LruPolicy } from './lru-policy.ts'
import { S3FifoPolicy } from './s3-fifo-policy.ts'
import { TtlPolicy } from './ttl-policy.ts'

/**
 * Which entry is evicted when the budget is exceeded: `'lru'`: the least recently used; `'lfu'`: the least
 * frequently used, with aging; `'ttl'`: the one that expires soonest; `'s3-fifo'`: one that was not read
 * again soon after it was set.
 */
export type EvictionPolicyName = 'lru' | 'lfu' | 'ttl' | 's3-fifo'

const policies: Readonly<Record<EvictionPolicyName, (maxBytes: number) => EvictionPolicy>> = {
  lru: () => new LruPolicy(),
  lfu: () => new LfuPolicy(),
  ttl: () => new TtlPolicy(),
  's3-fifo': (maxBytes) => new S3FifoPolicy(maxBytes),
}

export const evictionPolicyNames: readonly EvictionPolicyName[] = Object.keys(
  policies,
) as EvictionPolicyName[]

/** @param maxBytes - The whole budget. */
export function createPolicy(name: EvictionPolicyName, maxBytes: number): EvictionPolicy {
  return policies[name](maxBytes)
}
