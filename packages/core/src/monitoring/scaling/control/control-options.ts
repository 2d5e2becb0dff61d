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

/** State of the workers at the time of a decision. Unknown values are omitted, and are not 0. */
export interface WorkerState {
  /** Workers that run or are starting. */
  readonly current: number
  /** CPU usage of the workers relative to their limits, in percent. */
  readonly cpu?: number | undefined
  /** Requests a second that are answered, by all of them. */
  readonly throughput?: number | undefined
  /** Share of recent measurements of the connection pools in which a caller waited: from 0 to 1. */
  readonly poolWaiting?: number | undefined
}

/** The required number of workers, with the reasons. */
export interface ScalingDecision {
  readonly from: number
  readonly desired: number
  readonly direction: 'up' | 'down' | null
  /** Why, in words for people, with figures. */
  readonly reasons: readonly string[]
  /** Changes that were considered and not made, with the reasons. */
  readonly skipped: readonly string[]
  /** Requests a second; `undefined` while it is not known. */
  readonly load: number | undefined
  /** Whether the load has risen so fast that nothing slows the way up. */
  readonly isPanic: boolean
  /**
   * Database connections for each worker, so that all together stay within the budget; `undefined` where
   * there is none.
   */
  readonly poolSize: number | undefined
  /** Why forecasts are turned off or on by this decision, if they are. */
  readonly forecastChange?: string
}

/** A number as reasons show it. */
export function shown(value: number): string {
  return String(
    Math.abs(value) >= 100 || Number.isInteger(value) ? Math.round(value) : Number(value.toPrecision(3)),
  )
}

export function percent(share: number): string {
  return `${shown(share * 100)}%`
}

export function workers(count: number): string {
  return `${count} ${count === 1 ? 'worker' : 'workers'}`
}

/** Forecast of a load for one time. */
export interface LoadForecast {
  /** In the unit of the load; as likely too high as too low. */
  readonly p50: number
  /** One load in ten is above. */
  readonly p90: number
  /** Share of recent forecasts with an error of at most 15%: from 0 to 1, `undefined` while it is unknown. */
  readonly accuracy?: number | undefined
}

/** Source of forecasts of the load. */
export interface Forecasts {
  /** Forecast of the load in this many seconds; `undefined` while there is none. */
  at(seconds: number): LoadForecast | undefined
}
