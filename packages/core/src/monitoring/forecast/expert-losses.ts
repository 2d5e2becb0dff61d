import { EXPERTS } from './experts/experts.ts'
import { HEDGE, MIXTURES } from './forecast-model.ts'
import type { StateVisitor } from './forecaster-state.ts'

const ERROR_MINUTES: number = 12 * 60
const MISS_MINUTES: number = 24 * 60
const MIXTURE_MISS_MINUTES: number = 48 * 60
/**
 * A forecast this close is a hit, one that is further off than the other a miss, and between them it is
 * something of both.
 */
const HIT = 0.05
const MISS = 0.25

/** How wrong each expert and each mixture was of late, in percent. */
export class ExpertLosses {
  /** Mean absolute percentage errors, each counted as 100 at most. */
  readonly errors: Float64Array = new Float64Array(EXPERTS)
  /** How often they missed. */
  readonly misses: Float64Array = new Float64Array(EXPERTS + MIXTURES)
  /**
   * 1 after the first forecast. Before that, an expert counts as good as the hedge: waking up for the first
   * time is not a merit.
   */
  readonly #wasAwake: Float32Array = new Float32Array(EXPERTS + MIXTURES)
  #scored = 0

  /**
   * @param minutes - Passed since the last one was scored.
   * @param actual - Above 0.
   */
  score(forecasts: Float64Array, actual: number, minutes: number): void {
    this.#scored += 1
    const youngest = 1 / (this.#scored + 2)
    const errorRate = Math.max(youngest, rateOf(minutes, ERROR_MINUTES))
    const missRate = Math.max(youngest, rateOf(minutes, MISS_MINUTES))
    const mixtureRate = Math.max(youngest, rateOf(minutes, MIXTURE_MISS_MINUTES))
    for (let at = 0; at < forecasts.length; at += 1) {
      const sleeps = Number.isNaN(forecasts[at])
      if (sleeps && this.#wasAwake[at] === 1) continue
      if (!sleeps) this.#wasAwake[at] = 1
      const forecast = forecasts[sleeps ? HEDGE : at] as number
      const error = Math.abs(forecast - actual) / Math.max(1e-9, actual)
      if (at < EXPERTS)
        this.errors[at] = follow(this.errors[at] as number, Math.min(1, error) * 100, errorRate)
      const miss = Math.max(0, Math.min(1, (error - HIT) / (MISS - HIT))) * 100
      this.misses[at] = follow(this.misses[at] as number, miss, at < EXPERTS ? missRate : mixtureRate)
    }
  }

  visit(state: StateVisitor): void {
    state.array(this.errors)
    state.array(this.misses)
    state.array(this.#wasAwake)
    this.#scored = state.integer(this.#scored, 0)
  }
}

function rateOf(minutes: number, memory: number): number {
  return 1 - Math.exp(-minutes / memory)
}

function follow(average: number, value: number, rate: number): number {
  return average + rate * (value - average)
}
