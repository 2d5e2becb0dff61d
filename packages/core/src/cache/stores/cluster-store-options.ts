import { checkOptions, type OptionRule, option } from '../../shared/options.ts'

const MAX_TIMER_MS = 2 ** 31 - 1

/** Rule and default of the name of a store in a `node:cluster`. */
export const clusterNamespace: { readonly fallback: string; readonly rule: OptionRule } = {
  fallback: 'sluice',
  rule: {
    expected: 'a string of 1 to 64 characters',
    accepts: (value) => typeof value === 'string' && value.length > 0 && value.length <= 64,
  },
}

export interface ClusterStoreOptions {
  /**
   * Which store this is, if there are several. 1 to 64 characters.
   * @defaultValue 'sluice'
   */
  readonly namespace?: string
  /**
   * How long the primary process may take to answer, in milliseconds. Minimum: `1`.
   * @defaultValue 500
   */
  readonly timeoutMs?: number
  /**
   * As given to `serveClusterStore`, in milliseconds.
   * @defaultValue 30000
   */
  readonly leaseMs?: number
  /**
   * As given to `serveClusterStore`, in milliseconds.
   * @defaultValue 86400000 (a day)
   */
  readonly maxTtlMs?: number
}

export type ResolvedClusterStoreOptions = Required<ClusterStoreOptions>

const rules = {
  namespace: clusterNamespace.rule,
  timeoutMs: option.integer(1, MAX_TIMER_MS),
  leaseMs: option.integer(1, MAX_TIMER_MS),
  maxTtlMs: option.integer(1),
}

/** @throws InvalidOptionError that names the option and what was expected. */
export function resolveClusterStoreOptions(options: ClusterStoreOptions): ResolvedClusterStoreOptions {
  checkOptions(options, rules)
  return {
    namespace: options.namespace ?? clusterNamespace.fallback,
    timeoutMs: options.timeoutMs ?? 500,
    leaseMs: options.leaseMs ?? 30_000,
    maxTtlMs: options.maxTtlMs ?? 24 * 60 * 60 * 1_000,
  }
}
