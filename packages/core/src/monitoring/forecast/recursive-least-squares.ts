import type { StateVisitor } from './forecaster-state.ts'

const MOST_FEATURES = 16
const MOST_GROWTH = 1000
const gain: Float64Array = new Float64Array(MOST_FEATURES)

export interface LeastSquaresStart {
  /** Factor of the past per sample: below 1. */
  readonly forgetting: number
  readonly weights: readonly number[]
  /** The variance of each weight then. */
  readonly variance: number
}

/**
 * Linear regression that learns sample by sample and forgets. The covariance is symmetric, so only its lower
 * half is stored. Source: Ljung, _System Identification_ (2nd ed.), 11.2.
 */
export class RecursiveLeastSquares {
  readonly #size: number
  /** The weights, then the covariance row by row: in one array, because each array costs 200 bytes. */
  readonly #numbers: Float64Array

  constructor(private readonly start: LeastSquaresStart) {
    this.#size = start.weights.length
    this.#numbers = new Float64Array(this.#size + (this.#size * (this.#size + 1)) / 2)
    this.#numbers.set(start.weights)
    this.#resetCovariance()
  }

  #resetCovariance(): void {
    const numbers = this.#numbers.fill(0, this.#size)
    for (let row = 0, at = this.#size; row < this.#size; row += 1, at += row + 1)
      numbers[at] = this.start.variance
  }

  estimate(features: Float64Array): number {
    const numbers = this.#numbers
    let sum = 0
    for (let at = 0; at < this.#size; at += 1) sum += (numbers[at] as number) * (features[at] as number)
    return sum
  }

  /** @param mostError - Larger errors count as this: one outlier must not bend the weights. */
  learn(features: Float64Array, target: number, mostError: number): void {
    const numbers = this.#numbers
    const size = this.#size
    gain.fill(0)
    for (let row = 0, at = size; row < size; row += 1) {
      for (let column = 0; column <= row; column += 1, at += 1) {
        const value = numbers[at] as number
        gain[row] = (gain[row] as number) + value * (features[column] as number)
        if (column < row) gain[column] = (gain[column] as number) + value * (features[row] as number)
      }
    }
    const { forgetting } = this.start
    let spread = forgetting
    for (let at = 0; at < size; at += 1) spread += (gain[at] as number) * (features[at] as number)
    // Because of rounding, the covariance may not be positive definite.
    if (!(spread >= forgetting)) {
      this.#resetCovariance()
      return
    }
    const error = Math.max(-mostError, Math.min(mostError, target - this.estimate(features)))
    for (let at = 0; at < size; at += 1)
      numbers[at] = (numbers[at] as number) + ((gain[at] as number) / spread) * error
    this.#shrinkCovariance(spread)
  }

  #shrinkCovariance(spread: number): void {
    const numbers = this.#numbers
    const size = this.#size
    let trace = 0
    for (let row = 0, at = size; row < size; row += 1, at += row + 1) trace += numbers[at] as number
    // A load that stands still teaches nothing: forgetting on would let the covariance grow without end.
    const forgetting = trace > MOST_GROWTH * this.start.variance * size ? 1 : this.start.forgetting
    for (let row = 0, at = size; row < size; row += 1) {
      const share = (gain[row] as number) / spread
      for (let column = 0; column <= row; column += 1, at += 1) {
        numbers[at] = ((numbers[at] as number) - share * (gain[column] as number)) / forgetting
      }
    }
  }

  /**
   * Makes estimates greater by `shift` where the first features after the constant one are.
   *
   * @param levels - How many of them there are.
   */
  translate(shift: number, levels: number): void {
    const numbers = this.#numbers
    let followed = 0
    for (let at = 1; at <= levels; at += 1) followed += numbers[at] as number
    numbers[0] = (numbers[0] as number) + shift * (1 - followed)
  }

  visit(state: StateVisitor): void {
    state.array(this.#numbers)
  }
}
