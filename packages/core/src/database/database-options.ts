import { InvalidOptionError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import { checkExplainNew, type ExplainNewOptions } from './plan-watch.ts'
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
