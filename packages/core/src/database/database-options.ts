import type { StatementCaller } from '../pipeline/statement-watch.ts'
import type { Connection } from '../schema/connection.ts'
import { InvalidArgumentError, InvalidOptionError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { AdvisorTools } from './advisor/advise-database.ts'
import { checkExplainNew, type ExplainNewOptions } from './plan-watch.ts'
import type { TrafficEntry } from './traffic/traffic-entry.ts'
import { checkTrafficOptions, type TrafficOptions } from './traffic/traffic-log.ts'

export interface DatabaseOptions {
  /**
   * What is remembered of the statements that the app sends; `false`: nothing.
   * @defaultValue {}
   */
  readonly traffic?: TrafficOptions | false
  /**
   * Processes of the app that have pools of their own to the same server: they share its connections. Minimum: `1`.
   * @defaultValue 1
   */
  readonly instances?: number
  /**
   * Asks the database for the plan of reads whose shape is new, one at a time, so that what reads a whole table is seen as it appears: `getPlans()`
   * has them, and a Sluice tells of each by the event `fullScan`. Nothing is run, only planned; it takes a connection of the app's for that. Needs
   * `traffic`.
   * @defaultValue false
   */
  readonly explainNew?: boolean | ExplainNewOptions
  /**
   * Milliseconds after which the database is inspected anew, by itself; `false`: only by `inspect` and `analyze`. Minimum: `1000`.
   * @defaultValue false
   */
  readonly inspectEveryMs?: number | false
}

/** What an analysis is made with. */
export interface AnalyzeOptions {
  /** @defaultValue The one of the last inspection, else one of an attached client. */
  readonly connection?: Connection
  /** @defaultValue What was observed; where that is nothing, what the server counted. */
  readonly traffic?: readonly TrafficEntry[]
  /** Scratch databases, where the database itself cannot tell what an index would change. */
  readonly tools?: AdvisorTools
}

/** A statement that was sent by other means than an attached client. */
export interface ObservedStatement {
  readonly sql: string
  /** Left out: as of the texts that are handed in otherwise. */
  readonly dialect?: Dialect
  readonly bindings?: readonly unknown[]
  /** Milliseconds. */
  readonly executionTime: number
  /** Rows that it returned. */
  readonly rows?: number
  readonly failed?: boolean
  /** Tells where it came from; `captureStack`, for example. */
  readonly stack?: StatementCaller['stack']
}

const rules = {
  traffic: option.either(option.false, option.object),
  instances: option.integer(1),
  explainNew: option.either(option.boolean, option.object),
  inspectEveryMs: option.either(option.false, option.number(1_000)),
}

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
export function checkDatabaseOptions(options: DatabaseOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
  const { traffic, explainNew } = options
  if (traffic) checkTrafficOptions(traffic, `${prefix}traffic.`)
  if (typeof explainNew === 'object') checkExplainNew(explainNew, `${prefix}explainNew.`)
  if (explainNew && traffic === false) throw new InvalidOptionError(`${prefix}explainNew`, 'false, where traffic is', explainNew)
}

/** @throws InvalidArgumentError for an argument that is not a string, or empty. */
export function checkText(argument: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '') throw new InvalidArgumentError(argument, 'a text that is not empty', value)
}

/** @throws InvalidArgumentError for an argument that is not a number of at least 0. */
export function checkAmount(argument: string, value: unknown, unit: string): void {
  if (!option.number(0).accepts(value)) throw new InvalidArgumentError(argument, `${unit}, a number of at least 0`, value)
}
