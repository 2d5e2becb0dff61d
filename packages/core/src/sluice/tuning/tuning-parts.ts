import type { CachingStrategyEngine } from '../../cache/caching-strategy-engine.ts'
import type { PoolMonitor } from '../../database/pool-monitor.ts'
import type { AsyncBatchProcessingEngine } from '../../jobs/async-batch-processing-engine.ts'
import type { Services } from '../services.ts'

/** The engines whose settings can be tuned, as far as they are used. */
export interface TuningParts {
  readonly services: Services
  /** `false`: caching is off. */
  readonly cache: false | (() => CachingStrategyEngine | undefined)
  /** `undefined`: the database engine is off. */
  readonly pools: PoolMonitor | undefined
  /** `false`: jobs are off. */
  readonly jobs: false | (() => AsyncBatchProcessingEngine | undefined)
  /** The most that the server's connections allow for a pool; `undefined` if it is unknown. */
  readonly poolLimit: (max: number) => number | undefined
  /** CPU usage in percent; `0` if it is unknown. */
  readonly cpu: () => number
}
