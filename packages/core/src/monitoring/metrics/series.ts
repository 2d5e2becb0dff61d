import { InvalidArgumentError } from '../../shared/errors.ts'
import { alertKey } from '../alerts/alert-book.ts'
import { LogHistogram, WindowedHistogram } from './log-histogram.ts'
import type { MetricType } from './metric-type.ts'

/** One value that was recorded. */
export interface Metric {
  readonly type: string
  readonly value: number
  readonly unit: string
  readonly source: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
}

/** Records values of one metric from one source: for what happens often. */
export interface Meter {
  /** @throws InvalidArgumentError if it is not a finite number of at least 0. */
  record(value: number): void
}

/** Values of a stretch of time, as one. */
export interface Cell {
  /** When it begins, in seconds of the series. */
  readonly second: number
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/**
 * The latest cells of one length; older ones are overwritten. A cell in which nothing came is not there:
 * missing is not zero.
 */
export class CellRing {
  /** Which cell a place holds, by its number since the beginning. */
  readonly #numbers: Int32Array
  readonly #counts: Uint32Array
  readonly #sums: Float64Array
  readonly #mins: Float64Array
  readonly #maxs: Float64Array

  constructor(
    readonly stepSeconds: number,
    readonly size: number,
  ) {
    this.#numbers = new Int32Array(size).fill(-1)
    this.#counts = new Uint32Array(size)
    this.#sums = new Float64Array(size)
    this.#mins = new Float64Array(size)
    this.#maxs = new Float64Array(size)
  }

  /** How far back it goes. */
  get seconds(): number {
    return this.stepSeconds * this.size
  }

  add(second: number, count: number, sum: number, min: number, max: number): void {
    const number = Math.floor(second / this.stepSeconds)
    const at = number % this.size
    if (this.#numbers[at] !== number) {
      this.#numbers[at] = number
      this.#counts[at] = 0
      this.#sums[at] = 0
      this.#mins[at] = Number.POSITIVE_INFINITY
      this.#maxs[at] = Number.NEGATIVE_INFINITY
    }
    this.#counts[at] = (this.#counts[at] as number) + count
    this.#sums[at] = (this.#sums[at] as number) + sum
    this.#mins[at] = Math.min(this.#mins[at] as number, min)
    this.#maxs[at] = Math.max(this.#maxs[at] as number, max)
  }

  /** @param from - In seconds, as `to`, which belongs to it: the cells that begin between them, in order. */
  between(from: number, to: number): Cell[] {
    const cells: Cell[] = []
    const last = Math.floor(to / this.stepSeconds)
    const first = Math.max(Math.ceil(from / this.stepSeconds), last - this.size + 1, 0)
    for (let number = first; number <= last; number += 1) {
      const at = number % this.size
      if (this.#numbers[at] !== number) continue
      cells.push({
        second: number * this.stepSeconds,
        count: this.#counts[at] as number,
        sum: this.#sums[at] as number,
        min: this.#mins[at] as number,
        max: this.#maxs[at] as number,
      })
    }
    return cells
  }
}

const WINDOW_MS = 300_000
const SLICES = 6
/** Two minutes by the second, half an hour by ten, six hours by the minute, three days by ten: 35 KB. */
const LEVELS: readonly (readonly [stepSeconds: number, size: number])[] = [
  [1, 120],
  [10, 180],
  [60, 360],
  [600, 432],
]

/** Statistics of a series for a time range. */
export interface MetricSummary {
  readonly count: number
  readonly min: number
  readonly max: number
  readonly avg: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** The values of one type from one source. Recorded values are aggregated, and stored once a second. */
export class Series {
  readonly #levels: readonly CellRing[] = LEVELS.map(([step, size]) => new CellRing(step, size))
  readonly #window = new WindowedHistogram({ windowMs: WINDOW_MS, slices: SLICES })
  /** Values of the current second. */
  readonly #fresh = new LogHistogram()
  #count = 0
  #sum = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY
  #last = Number.NaN
  #total = 0
  #totalSum = 0

  /** Key of the series; built once, because it is used with each value. */
  readonly key: string

  constructor(
    /** Replaced when a type of the same name is registered again. */
    public type: MetricType,
    readonly source: string,
  ) {
    this.key = alertKey(type.name, source)
  }

  /** The latest value; `NaN` before the first. */
  get last(): number {
    return this.#last
  }

  /** Values since the beginning. */
  get total(): number {
    return this.#total + this.#count
  }

  get totalSum(): number {
    return this.#totalSum + this.#sum
  }

  /**
   * @param times - The number of equal measurements.
   * @throws InvalidArgumentError if `value` is not a finite number of at least 0.
   */
  record(value: number, times = 1): void {
    if (typeof value !== 'number' || !(value >= 0 && value < Number.POSITIVE_INFINITY))
      throw new InvalidArgumentError('value', 'a finite number of at least 0', value)
    this.#last = value
    this.#count += times
    this.#sum += value * times
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
    this.#fresh.add(value, times)
  }

  /**
   * Stores the values since the last call.
   *
   * @param second - Their second, on the store's monotonic clock.
   * @returns Their cell; `undefined` if there were none.
   */
  fold(second: number): Cell | undefined {
    const count = this.#count
    if (count === 0) return undefined
    const cell = { second, count, sum: this.#sum, min: this.#min, max: this.#max }
    for (const level of this.#levels) level.add(second, count, cell.sum, cell.min, cell.max)
    this.#window.merge(second * 1_000, this.#fresh)
    this.#fresh.clear()
    this.#total += count
    this.#totalSum += cell.sum
    this.#count = 0
    this.#sum = 0
    this.#min = Number.POSITIVE_INFINITY
    this.#max = Number.NEGATIVE_INFINITY
    return cell
  }

  /**
   * Its cells since a time, each from the finest level that goes back so far.
   *
   * @param now - In seconds, as `from`.
   */
  cells(from: number, now: number): readonly Cell[] {
    const parts: (readonly Cell[])[] = []
    let until = now
    for (const [at, level] of this.#levels.entries()) {
      const next = this.#levels[at + 1]
      const oldest = now - level.seconds + level.stepSeconds
      // Ends where a coarser level begins, at the start of one of its cells.
      const cut = next === undefined ? oldest : Math.ceil(oldest / next.stepSeconds) * next.stepSeconds
      parts.unshift(level.between(Math.max(from, cut), until))
      if (cut <= from) break
      until = cut - 1
    }
    return parts.flat()
  }

  /** Statistics of the last 5 minutes; `undefined` if there were no values. */
  summary(now: number): MetricSummary | undefined {
    const cells = this.cells(now - WINDOW_MS / 1_000 + 1, now)
    let [count, sum, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (const cell of cells) {
      count += cell.count
      sum += cell.sum
      min = Math.min(min, cell.min)
      max = Math.max(max, cell.max)
    }
    if (count === 0) return undefined
    const at = now * 1_000
    const quantile = (share: number) =>
      Math.min(max, Math.max(min, this.#window.quantile(at, share) ?? sum / count))
    return { count, min, max, avg: sum / count, p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) }
  }

  /** Adds its values of the last five minutes to a histogram. */
  addTo(now: number, histogram: LogHistogram): void {
    this.#window.addTo(now * 1_000, histogram)
  }

  /** @param share - From 0 to 1. */
  quantile(now: number, share: number): number | undefined {
    return this.#window.quantile(now * 1_000, share)
  }
}
