import { InvalidOptionError } from '../shared/errors.ts'
import { checkArgument, checkOptions, option } from '../shared/options.ts'
import { checkRegionOptions, placeName, type RegionOptions } from './regions/region-options.ts'
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

export interface NodeOptions {
  /**
   * Share relative to the other nodes. Above `0`.
   * @defaultValue 1
   */
  readonly weight?: number
  /**
   * Maximum number of connections. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly maxConnections?: number
  /**
   * Region of the node. Required if the balancer has the option `region`.
   * @defaultValue none
   */
  readonly region?: string
  /**
   * Zone of the node within its region. Required for nodes in the local region if the balancer has the option
   * `region.zone`.
   * @defaultValue none
   */
  readonly zone?: string
}

export interface ResolvedNodeOptions {
  readonly weight: number
  readonly maxConnections: number
  readonly region: string | undefined
  readonly zone: string | undefined
}

const whole = option.integer(1)
const nodeRules = { weight: option.positive, maxConnections: whole, region: placeName, zone: placeName }

/**
 * @param input - The weight, or all options.
 * @param regions - The balancer's option `region`.
 * @throws InvalidArgumentError; InvalidOptionError.
 */
export function resolveNodeOptions(
  input: number | NodeOptions,
  maxConnections: number,
  regions: RegionOptions | undefined,
): ResolvedNodeOptions {
  if (typeof input !== 'object' || input === null) {
    checkArgument('weight', option.positive, input)
    checkArgument('maxConnections', whole, maxConnections)
    return checkPlace({ weight: input, maxConnections, region: undefined, zone: undefined }, regions)
  }
  checkOptions(input, nodeRules)
  const { weight = 1, region, zone } = input
  return checkPlace({ weight, maxConnections: input.maxConnections ?? 1_000, region, zone }, regions)
}

/** A node without a place would be selected last, or never, and nothing would show why. */
function checkPlace(node: ResolvedNodeOptions, regions: RegionOptions | undefined): ResolvedNodeOptions {
  if (regions === undefined) return node
  if (node.region === undefined)
    throw new InvalidOptionError(
      'region',
      'the region of the node, because the balancer has the option `region`',
      undefined,
    )
  if (regions.zone !== undefined && node.region === regions.local && node.zone === undefined)
    throw new InvalidOptionError(
      'zone',
      'the zone of the node, because the balancer has the option `region.zone`',
      undefined,
    )
  return node
}
