import type { QueryStats, QueryStatsSnapshot } from '../pipeline/query-stats.ts'
import type { Detector } from './detect/detector.ts'
import type { Finding } from './detect/finding.ts'

/** What Sluice saw of an app's queries, and what it did about them. */
export class QueryOptimizationEngine {
  constructor(
    private readonly stats: QueryStats,
    private readonly detector: Detector | undefined,
  ) {}

  /** Counters since the Sluice was made. */
  getStats(): QueryStatsSnapshot {
    return this.stats.snapshot()
  }

  /** Every N+1 that was found, those that cost most first. At most 1,000 are kept. Empty when detection is off. */
  getNPlusOnePatterns(): readonly Finding[] {
    return this.detector?.findings() ?? []
  }
}
