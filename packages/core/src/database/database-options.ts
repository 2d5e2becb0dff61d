import { checkOptions, option } from '../shared/options.ts'
import { checkTrafficOptions, type TrafficOptions } from './traffic/traffic-options.ts'

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
}

const rules = { traffic: option.either(option.false, option.object), instances: option.integer(1) }

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
export function checkDatabaseOptions(options: DatabaseOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
  if (options.traffic) checkTrafficOptions(options.traffic, `${prefix}traffic.`)
}
