import { ForecastRecord } from './forecast-model.ts'
import type { StateVisitor } from './forecaster-state.ts'

const SCALARS = 6
const blank: ForecastRecord = new ForecastRecord()
const WIDTH: number = partsOf(blank).reduce((width, part) => width + part.length, SCALARS)
/** For long horizons, not each step's forecast is stored: this total is enough to learn from. */
const KEPT_FORECASTS = 12

/** Forecasts of one horizon that wait for the actual value. */
export class PendingForecasts {
  /** Number of steps per stored forecast. */
  readonly every: number
  readonly #slots: number
  /** The steps at which they were made; -1 in a slot that is empty. */
  readonly #madeAt: Float64Array
  readonly #rows: Float32Array

  /** @param horizon - In steps. */
  constructor(private readonly horizon: number) {
    this.every = Math.ceil(horizon / KEPT_FORECASTS)
    this.#slots = Math.floor(horizon / this.every) + 1
    this.#madeAt = new Float64Array(this.#slots).fill(-1)
    this.#rows = new Float32Array(this.#slots * WIDTH)
  }

  /** Stores the forecast of a step, if it is one of those that are stored. */
  keep(step: number, record: ForecastRecord): void {
    if (step % this.every !== 0) return
    const slot = this.#slotOf(step)
    this.#madeAt[slot] = step
    let at = slot * WIDTH
    const rows = this.#rows
    for (const part of partsOf(record))
      for (let index = 0; index < part.length; index += 1, at += 1) rows[at] = part[index] as number
    rows[at] = record.stackBase
    rows[at + 1] = record.value
    rows[at + 2] = record.logValue
    rows[at + 3] = record.logLower
    rows[at + 4] = record.logUpper
    rows[at + 5] = record.spread
  }

  /**
   * Reads the forecast of a step.
   *
   * @returns Whether there is one.
   */
  read(step: number, record: ForecastRecord): boolean {
    const madeAt = step - this.horizon
    if (madeAt < 0 || madeAt % this.every !== 0) return false
    const slot = this.#slotOf(madeAt)
    if (this.#madeAt[slot] !== madeAt) return false
    const rows = this.#rows
    let at = slot * WIDTH
    for (const part of partsOf(record))
      for (let index = 0; index < part.length; index += 1, at += 1) part[index] = rows[at] as number
    record.stackBase = rows[at] as number
    record.value = rows[at + 1] as number
    record.logValue = rows[at + 2] as number
    record.logLower = rows[at + 3] as number
    record.logUpper = rows[at + 4] as number
    record.spread = rows[at + 5] as number
    return true
  }

  #slotOf(step: number): number {
    return (step / this.every) % this.#slots
  }

  visit(state: StateVisitor): void {
    state.array(this.#madeAt)
    state.array(this.#rows, 'mayLack')
  }
}

function partsOf({ experts, levels, periods, growths, stack }: ForecastRecord): Float64Array[] {
  return [experts, levels, periods, growths, stack]
}
