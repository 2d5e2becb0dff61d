import { InvalidOptionError } from '../../../shared/errors.ts'
import { checkOptions, option } from '../../../shared/options.ts'

export interface LoadRuleOptions {
  /** Requests a second that one worker can answer. Above `0`. */
  readonly capacity: number
  /**
   * Seconds from the decision to a worker that answers. Minimum: `0`.
   * @defaultValue 60
   */
  readonly startUpSeconds?: number
  /**
   * Seconds back over which the most that was recommended stands against scaling down; `600` is calmer.
   * Minimum: `0`.
   * @defaultValue 300
   */
  readonly scaleDownSeconds?: number
  /**
   * Database connections that all workers may have together. Minimum: `1`.
   * @defaultValue no limit
   */
  readonly maxConnections?: number
}

export interface ControlOptions extends LoadRuleOptions {
  /**
   * Workers at least. Minimum: `0`.
   * @defaultValue 1
   */
  readonly minWorkers?: number
  /**
   * Workers at most. Minimum: `1`.
   * @defaultValue 10
   */
  readonly maxWorkers?: number
}

export interface ResolvedControlOptions extends Required<Omit<ControlOptions, 'maxConnections'>> {
  readonly maxConnections?: number
}

const rules = {
  capacity: option.positive,
  minWorkers: option.integer(0),
  maxWorkers: option.integer(1),
  startUpSeconds: option.number(0),
  scaleDownSeconds: option.number(0),
  maxConnections: option.integer(1),
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function resolveControlOptions(options: ControlOptions, prefix = ''): ResolvedControlOptions {
  checkOptions(options, rules, prefix)
  if (options.capacity === undefined)
    throw new InvalidOptionError(`${prefix}capacity`, option.positive.expected, undefined)
  const { minWorkers = 1, maxWorkers = Math.max(10, minWorkers), maxConnections } = options
  if (maxWorkers < minWorkers)
    throw new InvalidOptionError(`${prefix}maxWorkers`, `an integer of at least ${minWorkers}`, maxWorkers)
  if (maxConnections !== undefined && maxConnections < minWorkers) {
    throw new InvalidOptionError(
      `${prefix}maxConnections`,
      `an integer of at least ${minWorkers}, one connection for each worker`,
      maxConnections,
    )
  }
  return {
    capacity: options.capacity,
    minWorkers,
    maxWorkers,
    startUpSeconds: options.startUpSeconds ?? 60,
    scaleDownSeconds: options.scaleDownSeconds ?? 300,
    ...(maxConnections !== undefined && { maxConnections }),
  }
}
