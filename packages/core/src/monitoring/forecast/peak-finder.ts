import type { StateVisitor } from './state-visitor.ts'

const LEAST_LAG = 3

/**
 * Takes the score of lag 1, 2, 3, … in turn and finds the best peak. Scores fall from lag 1 on, as neighbours are alike: peaks count after
 * they first fell. A longer lag has to be better by a twentieth: every multiple of a period is a period.
 */
export class PeakFinder {
  lag: number = 0
  score: number = 0
  #at = 0
  #before = 0
  #current = 0
  #fell = 0
  #sum = 0

  /** The mean of the scores so far, the first and the last one left out. */
  get mean(): number {
    return this.#sum / Math.max(1, this.#at - 2)
  }

  restart(): void {
    this.lag = 0
    this.score = 0
    this.#at = 0
    this.#fell = 0
    this.#sum = 0
  }

  add(score: number): void {
    this.#at += 1
    if (this.#at >= 3) this.#judge(this.#at - 1, score)
    this.#before = this.#current
    this.#current = score
  }

  #judge(lag: number, next: number): void {
    const current = this.#current
    this.#sum += current
    if (current < this.#before) this.#fell = 1
    if (this.#fell === 0 || lag < LEAST_LAG || current < this.#before || current <= next) return
    if (current <= this.score * 1.05 + (this.score > 0 ? 0.02 : 0)) return
    this.score = current
    this.lag = lag
  }

  visit(state: StateVisitor): void {
    this.lag = state.integer(this.lag, 0)
    this.score = state.number(this.score)
    this.#at = state.integer(this.#at, 0)
    this.#before = state.number(this.#before)
    this.#current = state.number(this.#current)
    this.#fell = state.integer(this.#fell, 0, 1)
    this.#sum = state.number(this.#sum)
  }
}
