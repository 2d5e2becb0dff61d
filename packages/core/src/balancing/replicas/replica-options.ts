import { checkOptions, option } from '../../shared/options.ts'
import { checkLoadBalancingOptions, type LoadBalancingOptions } from '../load-balancing-options.ts'
import { placeName } from '../regions/region-options.ts'
import { checkReplicaPlaces, type ReplicaPlace } from './placed-replicas.ts'

export interface ReplicaOptions {
  /**
   * Maximum replication lag in milliseconds. Sluice does not read from a replica whose lag is higher or
   * unknown. Minimum: `50`.
   * @defaultValue 1000
   */
  readonly maxLagMs?: number
  /**
   * Timeout in milliseconds of a read on a replica. Then Sluice retries it on another replica, or on the
   * primary. Minimum: `50`.
   * @defaultValue 5000
   */
  readonly readTimeoutMs?: number
  /**
   * How one of several replicas is chosen.
   * @defaultValue {}
   */
  readonly balancer?: LoadBalancingOptions
  /**
   * Region of the primary. It then serves reads before replicas in regions that are further away. Requires
   * `balancer.region`.
   * @defaultValue none: only reads that no replica can serve go to the primary
   */
  readonly primaryRegion?: string
}

export interface ResolvedReplicaOptions extends Required<Omit<ReplicaOptions, 'primaryRegion'>> {
  readonly primaryRegion: string | undefined
}

export const DEFAULT_MAX_LAG_MS = 1_000

const rules = {
  maxLagMs: option.number(50),
  readTimeoutMs: option.number(50),
  balancer: option.object,
  primaryRegion: placeName,
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveReplicaOptions(
  options: ReplicaOptions,
  places: readonly ReplicaPlace[],
): ResolvedReplicaOptions {
  checkOptions(options, rules)
  const { maxLagMs = DEFAULT_MAX_LAG_MS, readTimeoutMs = 5_000, balancer = {}, primaryRegion } = options
  checkLoadBalancingOptions(balancer, 'balancer.')
  checkReplicaPlaces(places, balancer.region, primaryRegion)
  return { maxLagMs, readTimeoutMs, balancer, primaryRegion }
}
