import { InvalidArgumentError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import type { Dialect } from '../sql/dialect.ts'
import { checkAmount, checkText, type ObservedStatement } from './database-options.ts'
import type { PoolReader } from './pool-monitor.ts'
import { writeWorkload } from './workload/workload-file.ts'
import type { OtherWorkload } from './workload/workload-log.ts'
import type { WorkloadEntry } from './workload/workload-record.ts'
import type { WorkloadRecorder } from './workload-recorder.ts'

/** The part of a database engine that records: the statements of the app and its pools. */
export abstract class RecordedWorkload {
  constructor(protected readonly recorder: WorkloadRecorder) {}

  /** The dialect of SQL that is passed without one. */
  protected abstract dialectOf(sql: string): Dialect

  /**
   * Records a statement that no attached client sent. Statements of attached clients are recorded
   * automatically.
   *
   * @throws InvalidArgumentError for an empty string, or a time that is negative or not a number.
   */
  observe(statement: ObservedStatement): void {
    const { sql, executionTime, rows = 0 } = statement
    checkText('statement.sql', sql)
    checkAmount('statement.executionTime', executionTime, 'milliseconds')
    checkAmount('statement.rows', rows, 'rows')
    this.recorder.observe(statement, statement.dialect ?? this.dialectOf(sql))
  }

  /** The recorded workload by normalized query: those with the most total time first. */
  getWorkload(): WorkloadEntry[] {
    return this.recorder.log?.snapshot() ?? []
  }

  /** Statements that are not in `getWorkload()`, because there were too many normalized queries. */
  getOtherWorkload(): OtherWorkload {
    return this.recorder.log?.others ?? { forgotten: 0, calls: 0, errors: 0, totalMs: 0, rows: 0 }
  }

  /**
   * Approximate quantile of the execution times of one normalized query, in milliseconds: they are counted in
   * buckets (1, 5, 10, 50, 100 …), whose bounds can be far apart.
   *
   * @param share - 0 to 1: 0.95 for the 95th percentile.
   * @returns `undefined` if it was never seen, or was removed.
   * @throws InvalidArgumentError for an invalid share.
   */
  getWorkloadQuantile(fingerprint: string, dialect: Dialect, share: number): number | undefined {
    const rule = option.number(0, 1)
    if (!rule.accepts(share)) throw new InvalidArgumentError('share', rule.expected, share)
    return this.recorder.log?.quantile(fingerprint, dialect, share)
  }

  /**
   * The workload as the content of a file for `sluice analyze --workload`. Contains parameter values, unless
   * the workload is redacted.
   */
  exportWorkload(): string {
    return writeWorkload(this.getWorkload())
  }

  /** Clears the recorded workload. */
  resetWorkload(): void {
    this.recorder.log?.reset()
  }

  /**
   * Attaches a connection pool; an adapter can attach those of its ORM. It is observed while statements are
   * sent.
   *
   * @param name - Name for people. Replaces a pool of the same name.
   * @returns A function that detaches it.
   * @example
   * ```ts
   * engine.attachPool('pg', () => ({
   *   min: 0, max: pool.options.max, used: pool.totalCount - pool.idleCount, idle: pool.idleCount,
   *   waiting: pool.waitingCount,
   * }))
   * ```
   */
  attachPool(name: string, read: PoolReader): () => void {
    checkText('name', name)
    if (typeof read !== 'function')
      throw new InvalidArgumentError('read', 'a function that returns the state of the pool', read)
    this.recorder.pools.attach(name, read)
    return () => this.recorder.pools.detach(name)
  }
}
