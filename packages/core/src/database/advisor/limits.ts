import { type Clock, systemClock } from '../../shared/clock.ts'
import type { InspectionGap } from '../inspectors/database-snapshot.ts'

/** Minimum gains of an index. Costs are in units of one page of a sequential read: 3 to 10 microseconds. */
export interface Thresholds {
  /** Statements with a lower cost are ignored. */
  readonly minCost: number
  /** An index must save as much in one statement at least. */
  readonly minSaving: number
  /** Maximum remaining share of a statement's cost. */
  readonly maxLeft: number
  /** The same, for a wider index whose last column was added for a range. */
  readonly maxLeftOfRange: number
  /**
   * The same, for an index that provides the order of a limited statement: planners assume that strings are
   * compared as fast as numbers, and that rows with two given columns are more scattered than they are.
   */
  readonly maxLeftOfOrder: number
  /** The same, for columns that only avoid reading the table. */
  readonly maxLeftOfCarried: number
  /**
   * Minimum saving of columns that only avoid reading the table: about 250 random page reads, most of which
   * are in memory if they are frequent.
   */
  readonly minSavingOfCarried: number
  /** Minimum saving of one more column, compared with the best narrower index. */
  readonly minSavingOfWider: number
  /** Cost of one insert or delete for each index; an update of its columns costs twice as much. */
  readonly writeCost: number
  /** The share of the workload's cost that an index must save. */
  readonly minShare: number
  /** Minimum saving, as a share of the remaining cost, if another index begins with the same column. */
  readonly minShareOfSibling: number
}

export const THRESHOLDS: Thresholds = {
  minCost: 25,
  minSaving: 20,
  maxLeft: 0.5,
  maxLeftOfRange: 0.4,
  maxLeftOfOrder: 0.7,
  maxLeftOfCarried: 0.25,
  minSavingOfCarried: 1_000,
  minSavingOfWider: 40,
  writeCost: 2,
  minShare: 0.0002,
  minShareOfSibling: 0.02,
}

export interface TimeLimitOptions {
  /**
   * Maximum milliseconds for one statement: to plan it, to try indexes for it, and to measure it.
   * @defaultValue 2,000
   */
  readonly statementTimeoutMs?: number
  /**
   * Milliseconds after which the analysis starts no further work, and lists the rest as skipped.
   * @defaultValue 60,000
   */
  readonly timeLimitMs?: number
}

export const DEFAULT_LIMITS = { statementTimeoutMs: 2_000, timeLimitMs: 60_000 } as const

/**
 * Shares of the whole time after which a stage ends: plans, indexes per statement, indexes of the workload.
 */
export const STAGES = { plan: 0.5, consider: 0.7, grow: 0.85 } as const

export function noLimits(): TimeLimits {
  return new TimeLimits({
    statementTimeoutMs: Number.POSITIVE_INFINITY,
    timeLimitMs: Number.POSITIVE_INFINITY,
  })
}

/** Time that an analysis may take, from the creation of the object. */
export class TimeLimits {
  readonly statementTimeoutMs: number
  readonly timeLimitMs: number
  readonly #startedAt: number

  constructor(
    {
      statementTimeoutMs = DEFAULT_LIMITS.statementTimeoutMs,
      timeLimitMs = DEFAULT_LIMITS.timeLimitMs,
    }: TimeLimitOptions = {},
    private readonly clock: Clock = systemClock,
  ) {
    this.statementTimeoutMs = statementTimeoutMs
    this.timeLimitMs = timeLimitMs
    this.#startedAt = clock.now()
  }

  now(): number {
    return this.clock.now()
  }

  get remainingMs(): number {
    return Math.max(0, this.#startedAt + this.timeLimitMs - this.clock.now())
  }

  /** @param share - Share of the whole time: earlier stages leave the rest to later ones. */
  isOver(share = 1): boolean {
    return this.clock.now() - this.#startedAt >= this.timeLimitMs * share
  }

  isStatementOver(since: number): boolean {
    return this.clock.now() - since >= this.statementTimeoutMs
  }

  /** Reason for a skipped statement. */
  get overText(): string {
    return `The time limit of ${secondsOf(this.timeLimitMs)} for the analysis was reached.`
  }

  get statementOverText(): string {
    return `The limit of ${secondsOf(this.statementTimeoutMs)} per statement was reached.`
  }
}

/** The gap for statements that were not measured. */
export function notMeasured(count: number, limits: TimeLimits): InspectionGap {
  return {
    what: `measurements of ${count === 1 ? '1 statement' : `${count} statements`}`,
    why: limits.statementOverText,
  }
}

/** `2 s`, `0.5 s`. */
function secondsOf(ms: number): string {
  return `${Math.round(ms / 10) / 100} s`
}
