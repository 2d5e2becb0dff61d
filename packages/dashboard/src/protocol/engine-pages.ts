import type { CacheStats, ProcessingStats, QueueHealth } from '@sluice/core'
import type { CacheEfficiency, LoadBalancerStats, PrimaryReason, TieredStats } from '@sluice/core/siblings'
import type { YieldReport } from '@sluice/core/yield'

export interface QueueRow extends ProcessingStats, QueueHealth {
  readonly maxConcurrency: number
  /** Waiting and running tasks of the last 2 minutes, one value per 5 seconds while a page is open. */
  readonly depth: readonly (readonly [at: number, depth: number])[]
}

export interface DeadLetterRow {
  readonly id: string
  readonly queue: string
  readonly attempts: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly failedAt: number | null
  readonly error: string
  /** Stack of the last failure, by line; empty if there is none. */
  readonly stack: readonly string[]
  /** Log lines of the processor in the last attempt. */
  readonly log: readonly string[]
  readonly batchId: string | null
  /** The data of the task as JSON; `null` if values are not shown. */
  readonly data: string | null
}

/** Dead letters of one queue with the same error, apart from numbers and quoted words. */
export interface DeadLetterGroup {
  /** ID of the group for `retry-dead-letters` and `discard-dead-letters`. */
  readonly key: string
  readonly queue: string
  readonly error: string
  readonly count: number
  readonly newestAt: number | null
  /** At most 10. */
  readonly letters: readonly DeadLetterRow[]
}

/** `GET api/jobs`; `null` if jobs are disabled. */
export interface JobsPage {
  /** `false` until the app uses the engine. The dashboard does not open it. */
  readonly isOpen: boolean
  /** Whether the tasks are in a backend that other processes share. */
  readonly isShared: boolean
  readonly queues: readonly QueueRow[]
  readonly deadLetters: {
    readonly total: number
    /** Number of dead letters that were grouped, oldest first. */
    readonly grouped: number
    /** Most frequent first. */
    readonly groups: readonly DeadLetterGroup[]
  }
}

export interface ReplicaRow {
  readonly id: string
  readonly region?: string
  readonly reads: number
  readonly failures: number
  readonly isUp: boolean
  /** Milliseconds; `null` if the lag exceeds the limit or is unknown. */
  readonly lagMs: number | null
}

/** The replicas of one client. */
export interface ReplicaGroup {
  readonly source: string
  readonly replicaReads: number
  readonly primaryReads: number
  readonly primaryReasons: Readonly<Record<PrimaryReason, number>>
  readonly replicas: readonly ReplicaRow[]
}

/** `GET api/nodes`; `null` if the balancer is disabled and there are no replicas. */
export interface NodesPage {
  /** `null` if the balancer is disabled. */
  readonly balancer: LoadBalancerStats | null
  /** Ratio of the highest to the lowest load; 1 is even, `null` if a node received no requests. */
  readonly imbalanceRatio: number | null
  readonly replicas: readonly ReplicaGroup[]
}

/** `GET api/cache`; `null` if the cache is disabled. */
export interface CachePage {
  readonly stats: CacheStats
  readonly efficiency: CacheEfficiency
  /** Requests for cached query results. */
  readonly results: TieredStats
  /** Requests for the app's values, from `sluice.tiered`. */
  readonly tiered: TieredStats
  /** Operations since startup, as the base of the other counters. */
  readonly operations: number
  /** Reads that were served from the cache, batched with another query, or prefetched. */
  readonly cacheHits: number
  readonly batched: number
  readonly prefetched: number
  /** Queries that were sent to the database. */
  readonly queries: number
  /** Operations that were passed through, by reason, most frequent first. */
  readonly passedThrough: readonly {
    readonly reason: string
    readonly text: string
    readonly count: number
  }[]
  /** Whether query results are cached in the current mode. */
  readonly isKeeping: boolean
}

/** `GET api/yield`: what `optimize` would have saved of the last statements in mode `observe`. */
export interface YieldPage {
  /**
   * Whether statements are recorded. The action `record-yield` begins it; it ends when this page was not
   * requested for 5 minutes.
   */
  readonly isRecording: boolean
  /** Number of processes that record. */
  readonly processes: number
  /** `null` before the first statement. Computed at most every 5 seconds. */
  readonly report: YieldReport | null
}
