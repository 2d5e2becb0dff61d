import type { CachingStrategyEngine } from '../cache/caching-strategy-engine.ts'
import type { AsyncBatchProcessingEngine } from '../jobs/async-batch-processing-engine.ts'
import type { TuningFacts } from '../monitoring/report/tuning-advice.ts'

/** What the cache and the queues of a Sluice say of themselves, for the advice of its monitoring. */
export async function tuningFacts(
  cache: CachingStrategyEngine | undefined,
  jobs: AsyncBatchProcessingEngine | undefined,
): Promise<TuningFacts> {
  const stats = cache?.getStats()
  return {
    ...(stats === undefined ? {} : { cache: { ...stats, reads: stats.hits + stats.misses } }),
    // Looking opens no backend: that may make tables.
    ...(jobs?.isOpen !== true ? {} : { queues: await queuesOf(jobs) }),
  }
}

async function queuesOf(jobs: AsyncBatchProcessingEngine): Promise<NonNullable<TuningFacts['queues']>> {
  return await Promise.all(
    jobs.getQueues().map(async ({ name, maxConcurrency }) => ({ ...(await jobs.getProcessingStats(name)), queue: name, maxConcurrency })),
  )
}
