import { checkOptions, option } from '../../shared/options.ts'
import { checkLoadBalancingOptions, type LoadBalancingOptions } from '../load-balancing-options.ts'

export interface ReplicaOptions {
  /**
   * Milliseconds that a replica may be behind the primary. What is further behind, or may be for all that is known, is not read from. Minimum: `50`.
   * @defaultValue 1000
   */
  readonly maxLagMs?: number
  /**
   * Milliseconds that a replica has to answer a read; then another one is asked, or the primary. Minimum: `50`.
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

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
export function resolveReplicaOptions(options: ReplicaOptions): ResolvedReplicaOptions {
  checkOptions(options, rules)
  const { maxLagMs = DEFAULT_MAX_LAG_MS, readTimeoutMs = 5_000, balancer = {} } = options
  checkLoadBalancingOptions(balancer, 'balancer.')
  return { maxLagMs, readTimeoutMs, balancer }
}
