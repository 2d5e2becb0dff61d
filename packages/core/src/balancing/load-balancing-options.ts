import { checkOptions, option } from '../shared/options.ts'
import { checkRegionOptions, type RegionOptions } from './regions/region-options.ts'
import { type BalancingStrategy, balancingStrategies } from './strategies/create-picker.ts'

export interface LoadBalancingOptions {
  /**
   * How a node is chosen.
   * @defaultValue 'round-robin'
   */
  readonly strategy?: BalancingStrategy
  /**
   * Whether a node that fails is ejected: it receives no requests for a while.
   * @defaultValue true
   */
  readonly ejection?: boolean
  /**
   * Sessions that are remembered; of more, those unseen for the longest are forgotten. Minimum: `1`.
   * @defaultValue 100000
   */
  readonly maxSessions?: number
  /**
   * Selects nodes in the region of this process first. Each node must then have a `region`.
   * @defaultValue none: all nodes are equally near
   */
  readonly region?: RegionOptions
}

const rules = {
  strategy: option.oneOf(...balancingStrategies),
  ejection: option.boolean,
  maxSessions: option.integer(1),
  region: option.object,
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function checkLoadBalancingOptions(options: LoadBalancingOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
  if (options.region !== undefined) checkRegionOptions(options.region, `${prefix}region.`)
}
