import { InvalidOptionError } from '@sluice/core'
import { checkOptions, MAX_TIMER_MS, type OptionRule, option } from '@sluice/core/siblings'
import { hashTagOf } from '../server/server-of.ts'

export interface BullmqJobBackendOptions {
  /**
   * Prefix of all keys, like BullMQ's `prefix`. Use the same one in dashboards. 1 to 64 letters, digits, `.`,
   * `_`, `-`, `{` and `}`. In a Redis Cluster, it must contain a hash tag.
   * @defaultValue 'bull'; in a Redis Cluster '\{bull\}'
   */
  readonly prefix?: string
  /**
   * Timeout of Redis calls, in milliseconds, not counting time in which the process itself is blocked. A
   * slower connection is closed and replaced. Use a value well below the engine's `leaseMs`. Minimum: `1`.
   * @defaultValue 2000
   */
  readonly commandTimeoutMs?: number
}

export type ResolvedBullmqJobBackendOptions = Required<BullmqJobBackendOptions>

const prefixRule: OptionRule = {
  expected: '1 to 64 letters, digits, ".", "_", "-", "{" and "}"',
  accepts: (value) => typeof value === 'string' && /^[A-Za-z0-9._{}-]{1,64}$/.test(value),
}
const rules = { prefix: prefixRule, commandTimeoutMs: option.integer(1, MAX_TIMER_MS) }

/** @throws InvalidOptionError that names the option and the expected value. */
export function resolveBullmqJobBackendOptions(
  options: BullmqJobBackendOptions,
  isCluster: boolean,
): ResolvedBullmqJobBackendOptions {
  checkOptions(options, rules)
  const prefix = options.prefix ?? (isCluster ? '{bull}' : 'bull')
  if (isCluster && hashTagOf(prefix) === undefined)
    throw new InvalidOptionError(
      'prefix',
      'a prefix with a hash tag, such as "{bull}", in a Redis Cluster',
      prefix,
    )
  return { prefix, commandTimeoutMs: options.commandTimeoutMs ?? 2_000 }
}
