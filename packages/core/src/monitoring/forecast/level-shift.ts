import type { StateVisitor } from './forecaster-state.ts'
import type { TimeGrid } from './time-grid.ts'

/** A new level is accepted at its first value, as long as no earlier level was temporary. */
const START_PATIENCE = 1
/** Number of consecutive values that must agree on a new level afterwards, and on the end of one. */
const LEAST_PATIENCE = 3
const MOST_PATIENCE_MINUTES = 180
/** A level that is left for the former one within this time was none. */
const PASSING_MINUTES: number = 12 * 60
const SAME_SHARE = 0.5
/** A load that doubles or halves. Surges of events are often smaller, and pass. */
const LEAST_SHIFT: number = Math.log(2)
/** More is an outage, or its end. */
const MOST_SHIFT: number = Math.log(5)
const SURPRISING_SPREADS = 6
const AGREEING_SPREADS = 3
const LEAST_AGREEMENT = 0.2
/** Share of the deviation by which the forecast must also be wrong. */
const SURPRISING_SHARE = 0.5
const OFFSET_RATE = 0.1
const SPREAD_RATE = 0.01
const YOUNG_SPREAD_RATE = 0.1
const START_SPREAD = 0.1

/** By how much the logarithm of a level changed, and over how many values until now. */
export interface Shift {
  readonly log: number
  readonly steps: number
}

/**
 * Detects when a load leaves the level of previous days permanently. It becomes more patient if levels are
 * temporary: after each temporary one, the next must last twice as long.
 */
export class LevelShift {
  #offset = 0
  #spread: number = START_SPREAD
  #known = 0
  #agreeing = 0
  #sum = 0
  #patience: number = START_PATIENCE
  /** The last shift, 0 when it was taken back or was long ago. */
  #lastLog = 0
  #steps = 0
  /** 1 while a level is measured that was accepted before `LEAST_PATIENCE` values. */
  #isSettling = 0

  constructor(private readonly grid: TimeGrid) {}

  /** Whether the latest values may be the first of a new level. */
  get isUncertain(): boolean {
    return this.#agreeing > 0 && this.#agreeing < LEAST_PATIENCE
  }

  /**
   * @param deviation - The logarithm of the latest value over what former days had at that time.
   * @param surprise - The logarithm of the latest value over its forecast.
   */
  add(deviation: number, surprise: number): Shift | undefined {
    this.#age()
    const change = deviation - this.#offset
    if (this.#isSettling === 1) {
      if (this.#isClose(change)) return this.#settle(change)
      this.interrupt()
    }
    if (this.#known === 0 || !this.#agrees(change, surprise)) {
      this.interrupt()
      this.#follow(change)
      return undefined
    }
    this.#agreeing += 1
    this.#sum += change
    const steps = this.#agreeing
    const log = this.#sum / steps
    const returns = this.#returns(log)
    if (steps < (returns ? LEAST_PATIENCE : this.#patience)) return undefined
    this.interrupt()
    this.#steps = 0
    if (!returns) {
      this.#lastLog = log
      if (steps < LEAST_PATIENCE) {
        this.#isSettling = 1
        this.#agreeing = steps
      }
      return { log, steps }
    }
    // The shift is reverted exactly, so that previous days have their original values.
    const back = -this.#lastLog
    const most = this.grid.stepsOf(MOST_PATIENCE_MINUTES)
    this.#patience = Math.min(most, Math.max(LEAST_PATIENCE, 2 * this.#patience))
    this.#lastLog = 0
    return { log: back, steps }
  }

  /** Corrects a level that was accepted early by the mean of the values that followed. */
  #settle(change: number): Shift | undefined {
    this.#agreeing += 1
    this.#sum += change
    const steps = this.#agreeing
    if (steps < LEAST_PATIENCE) return undefined
    const log = this.#sum / steps
    this.#lastLog += log
    this.interrupt()
    return { log, steps }
  }

  /** Called when values are missing: the next ones are not consecutive. */
  interrupt(): void {
    this.#agreeing = 0
    this.#sum = 0
    this.#isSettling = 0
  }

  #age(): void {
    this.#steps += 1
    if (this.#lastLog === 0 || this.#steps < this.grid.stepsOf(PASSING_MINUTES)) return
    this.#lastLog = 0
    this.#patience = Math.max(START_PATIENCE, this.#patience >> 1)
  }

  #follow(change: number): void {
    this.#known += 1
    const youngest = 1 / this.#known
    const spreadRate = Math.max(SPREAD_RATE, Math.min(YOUNG_SPREAD_RATE, youngest))
    this.#spread += spreadRate * (Math.min(1, Math.abs(change)) - this.#spread)
    this.#offset += Math.max(OFFSET_RATE, youngest) * change
  }

  /** Whether such a change takes the last shift back. */
  #returns(log: number): boolean {
    return this.#lastLog !== 0 && Math.abs(log + this.#lastLog) < SAME_SHARE * Math.abs(this.#lastLog)
  }

  #agrees(change: number, surprise: number): boolean {
    const isReturn = this.#returns(change)
    const size = Math.abs(change)
    const isLarge = size >= Math.max(LEAST_SHIFT, SURPRISING_SPREADS * this.#spread) && size <= MOST_SHIFT
    if (!isReturn && !isLarge) return false
    if (this.#agreeing === 0) return isReturn || surprise * Math.sign(change) > SURPRISING_SHARE * size
    return this.#isClose(change - this.#sum / this.#agreeing)
  }

  #isClose(difference: number): boolean {
    return Math.abs(difference) < Math.max(LEAST_AGREEMENT, AGREEING_SPREADS * this.#spread)
  }

  visit(state: StateVisitor): void {
    this.#offset = state.number(this.#offset)
    this.#spread = state.number(this.#spread)
    this.#known = state.integer(this.#known, 0)
    this.#agreeing = state.integer(this.#agreeing, 0)
    this.#sum = state.number(this.#sum)
    this.#patience = state.integer(this.#patience, START_PATIENCE)
    this.#lastLog = state.number(this.#lastLog)
    this.#steps = state.integer(this.#steps, 0)
    this.#isSettling = state.integer(this.#isSettling, 0, 1)
  }
}
