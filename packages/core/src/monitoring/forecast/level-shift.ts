import type { StateVisitor } from './state-visitor.ts'

/** So many values in turn must agree on the new level before it is taken for one. */
export const SHIFTED_STEPS = 3
/** A load that doubles or halves. Surges of events are often smaller, and pass. */
const LEAST_SHIFT: number = Math.log(2)
/** More is an outage, or its end. */
const MOST_SHIFT: number = Math.log(8)
const SURPRISING_SPREADS = 6
const AGREEING_SPREADS = 3
const LEAST_AGREEMENT = 0.2
/** Of the deviation, so much must have surprised the forecast, too. */
const SURPRISING_SHARE = 0.5
const OFFSET_RATE = 0.1
const SPREAD_RATE = 0.01
const START_SPREAD = 0.1

/** Sees when a load leaves the level that former days had, and stays there. */
export class LevelShift {
  #offset = 0
  #spread: number = START_SPREAD
  #known = 0
  #agreeing = 0
  #sum = 0

  /**
   * @param deviation - The logarithm of the latest value over what former days had at that time.
   * @param surprise - The logarithm of the latest value over its forecast.
   * @returns By how much the logarithm of the level changed when the last `SHIFTED_STEPS` values began; 0 while it did not, or is not certain.
   */
  add(deviation: number, surprise: number): number {
    const change = deviation - this.#offset
    if (this.#known > 0 && this.#agrees(change, surprise)) {
      this.#agreeing += 1
      this.#sum += change
      if (this.#agreeing < SHIFTED_STEPS) return 0
      const shift = this.#sum / this.#agreeing
      this.interrupt()
      return shift
    }
    this.interrupt()
    this.#known += 1
    const youngest = 1 / this.#known
    this.#spread += Math.max(SPREAD_RATE, Math.min(0.1, youngest)) * (Math.min(1, Math.abs(change)) - this.#spread)
    this.#offset += Math.max(OFFSET_RATE, youngest) * change
    return 0
  }

  /** Whether the latest values may be the first of a new level. */
  get isUncertain(): boolean {
    return this.#agreeing > 0
  }

  /** To be called when values are missing: what comes after is not in turn. */
  interrupt(): void {
    this.#agreeing = 0
    this.#sum = 0
  }

  #agrees(change: number, surprise: number): boolean {
    const size = Math.abs(change)
    if (size < Math.max(LEAST_SHIFT, SURPRISING_SPREADS * this.#spread) || size > MOST_SHIFT) return false
    if (this.#agreeing === 0) return surprise * Math.sign(change) > SURPRISING_SHARE * size
    return Math.abs(change - this.#sum / this.#agreeing) < Math.max(LEAST_AGREEMENT, AGREEING_SPREADS * this.#spread)
  }

  visit(state: StateVisitor): void {
    this.#offset = state.number(this.#offset)
    this.#spread = state.number(this.#spread)
    this.#known = state.integer(this.#known, 0)
    this.#agreeing = state.integer(this.#agreeing, 0, SHIFTED_STEPS)
    this.#sum = state.number(this.#sum)
  }
}
