import type { CachingStrategyEngine } from '../../cache/caching-strategy-engine.ts'
import type { MeteredPool } from '../../database/pool-monitor.ts'
import type { AsyncBatchProcessingEngine } from '../../jobs/async-batch-processing-engine.ts'
import type { TuningChange } from '../../monitoring/report/advice.ts'
import type { TuningFacts } from '../../monitoring/report/tuning-advice.ts'

/** Engines that advice is about, as far as they were used. */
export interface TuningSources {
  readonly cache: CachingStrategyEngine | undefined
  readonly jobs: AsyncBatchProcessingEngine | undefined
  readonly pools: readonly MeteredPool[]
  /** The most that the server's connections allow for a pool; `undefined` if it is unknown. */
  readonly poolLimit: (max: number) => number | undefined
  readonly tuning: readonly TuningChange[]
}

/** Statistics for the advice of the monitoring engine. */
export async function tuningFacts({
  cache,
  jobs,
  pools,
  poolLimit,
  tuning,
}: TuningSources): Promise<TuningFacts> {
  return {
    ...(cache === undefined ? {} : { cache: cache.sizing() }),
    // An unused backend must not be opened here: that may create tables.
    ...(jobs?.isOpen !== true ? {} : { queues: await queuesOf(jobs) }),
    pools: pools.map(({ name, now: { max }, recent }) => ({
      name,
      max,
      limit: poolLimit(max),
      waits: recent,
    })),
    tuning,
  }
}

async function queuesOf(jobs: AsyncBatchProcessingEngine): Promise<NonNullable<TuningFacts['queues']>> {
  return await Promise.all(
    jobs.getQueues().map(async ({ name, maxConcurrency }) => ({
      ...(await jobs.getProcessingStats(name)),
      queue: name,
      maxConcurrency,
    })),
  )
}
