import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { LogHistogram } from './log-histogram.ts'

export interface WindowedHistogramOptions {
  /**
   * How far back it looks, in milliseconds: more than 0.
   * @defaultValue 60_000
   */
  readonly windowMs?: number
  /**
   * In how many steps old values are forgotten: from 2 to 60. Each takes 4 KB.
   * @defaultValue 6
   */
  readonly slices?: number
}

const rules: Readonly<Record<keyof WindowedHistogramOptions, OptionRule>> = {
  windowMs: option.positive,
  slices: option.integer(2, 60),
}

/**
 * Distribution of recent values. The window is divided into slices, one of which is filled. The sum of the
 * others is stored, so that reads do not compute it: a slice is added when it is full, and subtracted when it
 * is too old.
 */
export class WindowedHistogram {
  readonly #sliceMs: number
  readonly #slices: LogHistogram[]
  /** Sum of all slices except the one that is filled. */
  readonly #closed: LogHistogram = new LogHistogram()
  #current: LogHistogram
  #at = 0
  #sliceAt = Number.NEGATIVE_INFINITY

  /** @throws InvalidOptionError */
  constructor(options: WindowedHistogramOptions = {}) {
    checkOptions(options, rules)
    const slices = options.slices ?? 6
    this.#sliceMs = (options.windowMs ?? 60_000) / slices
    this.#slices = Array.from({ length: slices }, () => new LogHistogram())
    this.#current = this.#slices[0] as LogHistogram
  }

  /**
   * @param nowMs - Monotonic.
   * @param value - Finite and at least 0.
   * @throws InvalidArgumentError
   */
  add(nowMs: number, value: number): void {
    this.#turn(nowMs)
    this.#current.add(value)
  }

  /**
   * Adds all values of a histogram.
   *
   * @param nowMs - Monotonic.
   */
  merge(nowMs: number, values: LogHistogram): void {
    this.#turn(nowMs)
    this.#current.merge(values)
  }

  /** How many values the window holds. */
  total(nowMs: number): number {
    this.#turn(nowMs)
    return this.#closed.total + this.#current.total
  }

  /**
   * @param share - From 0 to 1.
   * @returns `undefined` where the window holds nothing.
   * @throws InvalidArgumentError
   */
  quantile(nowMs: number, share: number): number | undefined {
    this.#turn(nowMs)
    return this.#closed.quantileWith(this.#current, share)
  }

  /** Adds all values of the window to a histogram. */
  addTo(nowMs: number, histogram: LogHistogram): void {
    this.#turn(nowMs)
    histogram.merge(this.#closed)
    histogram.merge(this.#current)
  }

  #turn(nowMs: number): void {
    const slice = Math.floor(nowMs / this.#sliceMs)
    const passed = Math.min(this.#slices.length, slice - this.#sliceAt)
    if (!(passed > 0)) return
    for (let turned = 0; turned < passed; turned += 1) this.#next()
    this.#sliceAt = slice
  }

  #next(): void {
    this.#closed.merge(this.#current)
    this.#at = (this.#at + 1) % this.#slices.length
    this.#current = this.#slices[this.#at] as LogHistogram
    this.#closed.subtract(this.#current)
    this.#current.clear()
  }
}
