import type { StatementCaller } from '../pipeline/statement-watch.ts'
import type { Connection } from '../schema/connection.ts'
import { InvalidArgumentError, InvalidOptionError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { AdvisorTools } from './advisor/advise-database.ts'
import { checkWorkloadOptions, type WorkloadOptions } from './workload/workload-log.ts'
import type { WorkloadEntry } from './workload/workload-record.ts'

export interface DatabaseOptions {
  /**
   * How the query workload is recorded. `false`: not at all.
   * @defaultValue {}
   */
  readonly workload?: WorkloadOptions | false
  /**
   * Number of your app's processes that have separate pools to the same server and share its connections.
   * Minimum: `1`.
   * @defaultValue 1
   */
  readonly instances?: number
  /**
   * Requests the plan of each new normalized read from the database, one at a time, so that full scans are
   * detected as they appear: `getPlans()` returns them, and a Sluice emits each as the event `fullScan`.
   * Nothing is executed; planning uses a connection of the app. Requires `workload`.
   * @defaultValue false
   */
  readonly explainNew?: boolean
  /**
   * Interval of automatic inspections in milliseconds. `false`: only `inspect` and `analyze` inspect the
   * database. Minimum: `1000`.
   * @defaultValue false
   */
  readonly inspectEveryMs?: number | false
}

/** Inputs of an analysis. */
export interface AnalyzeOptions {
  /** @defaultValue The connection of the last inspection; otherwise one of an attached client. */
  readonly connection?: Connection
  /** @defaultValue The recorded workload; if it is empty, the statements that the server counted. */
  readonly workload?: readonly WorkloadEntry[]
  /** Scratch databases, for databases that cannot plan with a hypothetical index. */
  readonly tools?: AdvisorTools
  /**
   * Maximum milliseconds for one statement: to plan it, to try indexes for it, and to measure it.
   * @defaultValue 2,000
   */
  readonly statementTimeoutMs?: number
  /**
   * Milliseconds after which the analysis starts no further work, and lists the rest as skipped.
   * @defaultValue 60,000
   */
  readonly timeLimitMs?: number
}

/** A statement that was sent by other means than an attached client. */
export interface ObservedStatement {
  readonly sql: string
  /** Default: that of the other SQL that you pass. */
  readonly dialect?: Dialect
  readonly bindings?: readonly unknown[]
  /** Milliseconds. */
  readonly executionTime: number
  /** Rows that it returned. */
  readonly rows?: number
  readonly failed?: boolean
  /** Returns the call site; `captureStack`, for example. */
  readonly stack?: StatementCaller['stack']
}

const rules = {
  workload: option.either(option.false, option.object),
  instances: option.integer(1),
  explainNew: option.boolean,
  inspectEveryMs: option.either(option.false, option.number(1_000)),
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function checkDatabaseOptions(options: DatabaseOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
  const { workload, explainNew } = options
  if (workload) checkWorkloadOptions(workload, `${prefix}workload.`)
  if (explainNew && workload === false)
    throw new InvalidOptionError(`${prefix}explainNew`, 'false, because workload is false', explainNew)
}

/** @throws InvalidArgumentError for an argument that is not a string, or empty. */
export function checkText(argument: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '')
    throw new InvalidArgumentError(argument, 'a non-empty string', value)
}

/** @throws InvalidArgumentError for an argument that is not a number of at least 0. */
export function checkAmount(argument: string, value: unknown, unit: string): void {
  if (!option.number(0).accepts(value))
    throw new InvalidArgumentError(argument, `${unit}, a number of at least 0`, value)
}
