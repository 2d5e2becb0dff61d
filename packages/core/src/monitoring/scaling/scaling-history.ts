import { InvalidArgumentError } from '../../shared/errors.ts'

/** Source of a number of workers. */
export type ScalingSource = 'load' | 'policy' | 'manual'

/** A decision to scale, or to use forecasts or not. */
export interface ScalingEvent {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** `none` if forecasts were turned off or on. */
  readonly direction: 'up' | 'down' | 'none'
  readonly from: number
  readonly to: number
  /**
   * Basis of the decision: a metric's name; `load` for the rule, `forecast` if forecasts were turned off or
   * on, `manual` for a user.
   */
  readonly metric: string
  /** That metric's value then; `undefined` where there is none. */
  readonly value: number | undefined
  /** Why, in words for people, with figures. */
  readonly reasons: readonly string[]
  readonly source: ScalingSource
  /** User who requested it, if any. */
  readonly by?: string
  /** Whether it was only recorded, because there is no target. */
  readonly isDryRun: boolean
}

/** A change that was considered and not made. */
export interface ScalingSkip {
  /** Time of the last occurrence, in milliseconds since 1970. */
  readonly timestamp: number
  readonly source: ScalingSource
  readonly reason: string
  /** How often so far. */
  readonly count: number
}

const MAX_EVENTS = 500
const MAX_SKIPS = 200

interface RecordedSkip {
  readonly source: ScalingSource
  /** The reason without its figures, which differ each time. */
  readonly kind: string
  timestamp: number
  reason: string
  count: number
}

/** Decisions, and separately changes that were not made; above the limit, the oldest are removed. */
export class ScalingHistory {
  readonly #events: ScalingEvent[] = []
  readonly #skips: RecordedSkip[] = []

  add(event: ScalingEvent): void {
    this.#events.push(event)
    if (this.#events.length > MAX_EVENTS) this.#events.shift()
  }

  /** A repeated entry is stored once, and counted. */
  skip(timestamp: number, source: ScalingSource, reason: string): void {
    const kind = reason.replaceAll(/\d+(?:\.\d+)?/g, '#')
    const at = this.#skips.findIndex((one) => one.source === source && one.kind === kind)
    const [known] = at < 0 ? [] : this.#skips.splice(at, 1)
    this.#skips.push({ source, kind, timestamp, reason, count: (known?.count ?? 0) + 1 })
    if (this.#skips.length > MAX_SKIPS) this.#skips.shift()
  }

  /**
   * The newest first.
   *
   * @throws InvalidArgumentError
   */
  events(limit = 50): ScalingEvent[] {
    return newest(this.#events, limit)
  }

  /**
   * The newest first.
   *
   * @throws InvalidArgumentError
   */
  skips(limit = 50): ScalingSkip[] {
    return newest(this.#skips, limit).map(({ timestamp, source, reason, count }) => ({
      timestamp,
      source,
      reason,
      count,
    }))
  }
}

function newest<T>(all: readonly T[], limit: number): T[] {
  if (!Number.isInteger(limit) || limit < 0)
    throw new InvalidArgumentError('limit', 'an integer of at least 0', limit)
  return all.slice(Math.max(0, all.length - limit)).reverse()
}
