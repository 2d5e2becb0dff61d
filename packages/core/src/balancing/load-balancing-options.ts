import { checkOptions, option } from '../shared/options.ts'
import { checkEjectionOptions, type EjectionOptions } from './health/ejection-options.ts'
import { checkRegionOptions, type RegionOptions } from './regions/region-options.ts'
import { type BalancingStrategy, balancingStrategies } from './strategies/create-picker.ts'

export interface LoadBalancingOptions {
  /**
   * How a node is chosen.
   * @defaultValue 'round-robin'
   */
  readonly strategy?: BalancingStrategy
  /**
   * When a node that fails gets no requests for a while; `false`: never.
   * @defaultValue {}
   */
  readonly ejection?: EjectionOptions | false
  /**
   * Milliseconds in which a returning node's load rises from 10% of its share to all of it. Minimum: `0`.
   * @defaultValue 5000
   */
  readonly slowStartMs?: number
  /**
   * The part of its share that a degraded node gets. From `0.001` to `1`.
   * @defaultValue 0.25
   */
  readonly degradedShare?: number
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
  ejection: option.either(option.false, option.object),
  slowStartMs: option.number(0),
  degradedShare: option.number(0.001, 1),
  maxSessions: option.integer(1),
  region: option.object,
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function checkLoadBalancingOptions(options: LoadBalancingOptions, prefix = ''): void {
  checkOptions(options, rules, prefix)
  if (options.ejection) checkEjectionOptions(options.ejection, `${prefix}ejection.`)
  if (options.region !== undefined) checkRegionOptions(options.region, `${prefix}region.`)
}
