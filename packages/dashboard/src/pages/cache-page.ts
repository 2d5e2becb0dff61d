import type { Sluice } from '@sluice/core'
import type { CachePage } from '../protocol/cache.ts'

/** Does it pay? `null`: the cache is off. */
export function cachePage({ cache, tiered, queries, mode }: Sluice): CachePage | null {
  if (cache === undefined || tiered === undefined) return null
  const { seen, executed, statements, answered, merged, prefetched, passedThrough } = queries.getStats()
  const reasons = Object.entries(passedThrough).map(([reason, count]) => ({ reason, count }))
  return {
    stats: cache.getStats(),
    efficiency: cache.getCacheEfficiency(),
    tiered: tiered.getStats(),
    operations: Math.max(seen, executed),
    ...{ answered, merged, prefetched },
    queries: Math.max(statements, executed),
    passedThrough: reasons.sort((a, b) => b.count - a.count),
    isKeeping: mode === 'optimize',
  }
}
