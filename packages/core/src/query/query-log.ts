import type { Scope } from '../pipeline/scope.ts'
import type { Clock } from '../shared/clock.ts'
import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import { Observations } from './advice/observations.ts'
import { AnomalyLog } from './anomalies/anomaly-log.ts'

/**
 * Records the statements and scopes that the advice of a query engine is based on. A Sluice records before
 * its engine is created.
 */
export class QueryLog {
  readonly observations: Observations = new Observations()
  readonly anomalies: AnomalyLog
  /** Statements of attached clients that were recorded. */
  readonly #seen = new WeakSet<AnalyzedSql>()

  constructor(clock: Clock) {
    this.anomalies = new AnomalyLog(clock)
  }

  /** Records a statement of an attached client. Each SQL string is inspected once. */
  statement(sql: string, dialect: Dialect, analyzed: AnalyzedSql): void {
    if (this.#seen.has(analyzed)) return
    this.#seen.add(analyzed)
    this.observations.text(analyzed.fingerprint, analyzed.shape, sql, dialect)
    this.anomalies.see(sql, dialect, analyzed)
  }

  /** Records the executions of a scope that has ended. */
  scope({ groups }: Scope): void {
    for (const { shape, count, databaseMs } of groups.values())
      this.observations.time(shape.fingerprint, shape.label, count, databaseMs)
  }
}
