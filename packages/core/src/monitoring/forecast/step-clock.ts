import type { StateVisitor } from './state-visitor.ts'

/** So many samples in turn, each later than the one before, that are all too early: the clock was set back. */
const LATE_SAMPLES_OF_A_CLOCK_SET_BACK = 3

/**
 * Tells which step a sample belongs to. Steps are counted from the first sample on, and never backwards, whatever the wall clock does:
 * what comes out of order has no step, and after a clock was set back the count goes on from where it was.
 */
export class StepClock {
  /** That of the latest sample; -1 before the first one. */
  step: number = -1
  #originMs = 0
  #lateSamples = 0
  #lateMs = 0

  constructor(private readonly stepMs: number) {}

  /** @returns The sample's step, or `undefined` when it came too late. */
  stepOf(atMs: number): number | undefined {
    if (this.step < 0) this.#originMs = atMs
    let step = Math.round((atMs - this.#originMs) / this.stepMs)
    if (step < this.step) {
      if (!this.#wasSetBack(atMs)) return undefined
      step = this.step + 1
      this.#originMs = atMs - step * this.stepMs
    }
    this.#lateSamples = 0
    this.step = step
    return step
  }

  #wasSetBack(atMs: number): boolean {
    const follows = this.#lateSamples > 0 && atMs > this.#lateMs
    this.#lateSamples = follows ? this.#lateSamples + 1 : 1
    this.#lateMs = atMs
    return this.#lateSamples >= LATE_SAMPLES_OF_A_CLOCK_SET_BACK
  }

  visit(state: StateVisitor): void {
    this.step = state.integer(this.step, -1)
    this.#originMs = state.number(this.#originMs)
    this.#lateSamples = state.integer(this.#lateSamples, 0, LATE_SAMPLES_OF_A_CLOCK_SET_BACK)
    this.#lateMs = state.number(this.#lateMs)
  }
}
