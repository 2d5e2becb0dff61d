import type { RepetitionLimits } from '../pipeline/repetition.ts'
import type { Connection } from '../schema/connection.ts'
import type { Clock } from '../shared/clock.ts'
import type { RandomSource } from '../shared/random.ts'
import { analyzeSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { QueryAnalysis } from './checks/analyze-query.ts'
import type { DatabaseOptions, ObservedStatement } from './database-options.ts'
import { PoolMonitor } from './pool-monitor.ts'
import { WorkloadLog } from './workload/workload-log.ts'

/** Parts that a Sluice passes to its engine. */
export interface DatabaseEngineParts {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly onError?: (error: unknown) => void
  /** CPU usage of this process in percent; `0` if it is unknown. */
  readonly cpu?: () => number
  /** Numbers of statements from which `detectNPlusOneProblems` reports them. */
  readonly limits?: RepetitionLimits
  /** Dialect of the first attached client. */
  readonly dialect?: () => Dialect | undefined
  /** Through an attached client. */
  readonly connection?: () => Connection | undefined
  /** A new shape reads the whole of a table that has many rows. */
  readonly onFullScan?: (analysis: QueryAnalysis) => void
  /** Default: one that records the statements passed to `observe`. */
  readonly recorder?: WorkloadRecorder
}

export interface WorkloadRecorderParts {
  readonly clock: Clock
  readonly random: RandomSource
  readonly onError: (error: unknown) => void
}

const NO_BINDINGS: readonly unknown[] = []

/**
 * Records the statements and pools that a database engine analyzes. A Sluice records before its engine is
 * created.
 */
export class WorkloadRecorder {
  /** `undefined` if the option `workload` is `false`. */
  readonly log: WorkloadLog | undefined
  readonly pools: PoolMonitor
  /** Called for each execution of a read. */
  onRead: ((fingerprint: string, dialect: Dialect) => void) | undefined

  constructor(
    { workload }: Pick<DatabaseOptions, 'workload'>,
    private readonly parts: WorkloadRecorderParts,
  ) {
    const { clock, random, onError } = parts
    this.pools = new PoolMonitor(clock, onError)
    if (workload === false) return
    this.log = new WorkloadLog(workload, {
      clock,
      random,
      onError,
      onPeriod: () => this.pools.sample(),
      onRead: (fingerprint, dialect) => this.onRead?.(fingerprint, dialect),
    })
  }

  /** Records a statement that no attached client sent. */
  observe(
    { sql, bindings = NO_BINDINGS, executionTime, rows = 0, failed = false, stack }: ObservedStatement,
    dialect: Dialect,
  ): void {
    const watched = this.log?.begin(sql, dialect, analyzeSql(sql, dialect), bindings, stack && { stack })
    const now = this.parts.clock.now()
    watched?.ended(now - executionTime, now, rows, failed)
  }
}
