import { checkOptions, option } from '../shared/options.ts'
import { checkTrafficOptions, type TrafficOptions } from './traffic/traffic-options.ts'

export interface DatabaseOptions {
  /**
   * What is remembered of the statements that the app sends; `false`: nothing.
   * @defaultValue {}
   */
  readonly traffic?: TrafficOptions | false
}

const rules = { traffic: option.either(option.false, option.object) }

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
export function checkDatabaseOptions(options: DatabaseOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
  if (options.traffic) checkTrafficOptions(options.traffic, `${prefix}traffic.`)
}
