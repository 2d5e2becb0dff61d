import { checkOptions, option } from '../../shared/options.ts'
import { checkLoadBalancingOptions, type LoadBalancingOptions } from '../load-balancing-options.ts'

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
}

export interface ResolvedReplicaOptions extends Required<ReplicaOptions> {}

export const DEFAULT_MAX_LAG_MS = 1_000

const rules = { maxLagMs: option.number(50), readTimeoutMs: option.number(50), balancer: option.object }

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveReplicaOptions(options: ReplicaOptions): ResolvedReplicaOptions {
  checkOptions(options, rules)
  const { maxLagMs = DEFAULT_MAX_LAG_MS, readTimeoutMs = 5_000, balancer = {} } = options
  checkLoadBalancingOptions(balancer, 'balancer.')
  return { maxLagMs, readTimeoutMs, balancer }
}
