import type { Series } from './series.ts'

/** A forecast by a well-known rule. */
export interface Baseline {
  /** The next value of the series; `NaN` where it is missing. */
  add(value: number): void
  /** The value at a number of steps after the latest one. */
  predict(horizon: number): number
}

const DAY_MINUTES = 1440

export const baselines: Readonly<Record<string, (series: Series) => Baseline>> = {
  'last value': () => new LastValue(),
  'linear 30 min': ({ stepMinutes }) => new Linear(Math.max(2, Math.round(30 / stepMinutes))),
  'daily naive': ({ stepMinutes }) => new DailyNaive(DAY_MINUTES / stepMinutes),
  'Holt-Winters': ({ stepMinutes }) => new HoltWinters(DAY_MINUTES / stepMinutes),
}

class LastValue implements Baseline {
  #last = Number.NaN

  add(value: number): void {
    if (!Number.isNaN(value)) this.#last = value
  }

  predict(): number {
    return this.#last
  }
}

/** A least-squares line through the last values. */
class Linear implements Baseline {
  readonly #values: number[] = []

  constructor(private readonly steps: number) {}

  add(value: number): void {
    this.#values.push(Number.isNaN(value) ? (this.#values.at(-1) ?? Number.NaN) : value)
    if (this.#values.length > this.steps) this.#values.shift()
  }

  predict(horizon: number): number {
    const values = this.#values
    const middle = (values.length - 1) / 2
    let mean = 0
    let product = 0
    let squares = 0
    for (const [at, value] of values.entries()) {
      mean += value / values.length
      product += (at - middle) * value
      squares += (at - middle) ** 2
    }
    return Math.max(0, mean + (squares === 0 ? 0 : product / squares) * (middle + horizon))
  }
}

/** The value at the same time on the previous day. */
class DailyNaive implements Baseline {
  readonly #values: number[] = []

  constructor(private readonly stepsADay: number) {}

  add(value: number): void {
    this.#values.push(Number.isNaN(value) ? (this.#values.at(-1) ?? Number.NaN) : value)
  }

  predict(horizon: number): number {
    return (
      this.#values[this.#values.length - 1 + horizon - this.stepsADay] ?? this.#values.at(-1) ?? Number.NaN
    )
  }
}

const LEVEL_RATE = 0.5
const SEASON_RATE = 0.3
/** Added so that zeros have a logarithm. */
const OFFSET = 1

/** In logarithms, with a daily season, and without a trend, which is useless at such short steps. */
class HoltWinters implements Baseline {
  readonly #season: Float64Array
  readonly #known: Uint8Array
  #level = Number.NaN
  #step = -1

  constructor(stepsADay: number) {
    this.#season = new Float64Array(stepsADay)
    this.#known = new Uint8Array(stepsADay)
  }

  add(value: number): void {
    this.#step += 1
    if (Number.isNaN(value)) return
    const log = Math.log(Math.max(0, value) + OFFSET)
    const at = this.#step % this.#season.length
    const season = this.#season[at] ?? 0
    if (Number.isNaN(this.#level)) this.#level = log
    else this.#level += LEVEL_RATE * (log - season - this.#level)
    const seen = log - this.#level
    this.#season[at] = this.#known[at] === 0 ? seen : season + SEASON_RATE * (seen - season)
    this.#known[at] = 1
  }

  predict(horizon: number): number {
    return Math.max(
      0,
      Math.exp(this.#level + (this.#season[(this.#step + horizon) % this.#season.length] ?? 0)) - OFFSET,
    )
  }
}
