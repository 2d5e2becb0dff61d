import type { StateVisitor } from './state-visitor.ts'

const BINS = 128
const MIDDLE = 64
const BIN_WIDTH = 0.125
/** Residuals of about so many samples count. */
const WINDOW = 1000
const MOST_WEIGHT = 1e6

/** How residuals are spread, of late: each is weighed a little more than the one before. */
export class ResidualHistogram {
  readonly #bins: Float32Array = new Float32Array(BINS)
  #weight = 1
  #total = 0

  /** @param residual - In units of the typical one. */
  add(residual: number): void {
    const bin = Math.max(0, Math.min(BINS - 1, Math.floor(residual / BIN_WIDTH) + MIDDLE))
    this.#weight *= 1 + 1 / WINDOW
    this.#bins[bin] = (this.#bins[bin] as number) + this.#weight
    this.#total += this.#weight
    if (this.#weight > MOST_WEIGHT) this.#renormalise()
  }

  #renormalise(): void {
    for (let bin = 0; bin < BINS; bin += 1) this.#bins[bin] = (this.#bins[bin] as number) / this.#weight
    this.#total /= this.#weight
    this.#weight = 1
  }

  /** Something must have been added. */
  quantile(share: number): number {
    const target = this.#total * share
    let below = 0
    for (let bin = 0; bin < BINS; bin += 1) {
      const held = this.#bins[bin] as number
      if (held > 0 && below + held >= target) return (bin - MIDDLE + (target - below) / held) * BIN_WIDTH
      below += held
    }
    return (BINS - MIDDLE) * BIN_WIDTH
  }

  visit(state: StateVisitor): void {
    state.array(this.#bins)
    this.#weight = state.number(this.#weight)
    this.#total = state.number(this.#total)
  }
}
