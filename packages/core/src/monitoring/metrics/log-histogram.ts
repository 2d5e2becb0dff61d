import { InvalidArgumentError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'

const MANTISSA_BITS = 5
const LEAST_EXPONENT = -10
const MOST_EXPONENT = 22
const BUCKETS: number = (MOST_EXPONENT - LEAST_EXPONENT) << MANTISSA_BITS
/** Below the first bucket. */
const UNDER = 0
const OVER: number = BUCKETS + 1
const EXPONENT_BIAS = 1023
const HIGH_MANTISSA_BITS = 20
const FIRST_BITS: number = (EXPONENT_BIAS + LEAST_EXPONENT) << MANTISSA_BITS

const double: Float64Array = new Float64Array(1)
const words: Uint32Array = new Uint32Array(double.buffer)
/** All processors that Node runs on are little-endian. */
const HIGH_WORD = 1

/**
 * Distribution of values in 4 KB: each power of two from 2⁻¹⁰ to 2²² has 32 buckets of the same width,
 * indexed by a value's exponent and its first five mantissa bits. A bucket is represented by its harmonic
 * middle, from which its values differ by at most 1.54%. Smaller values count as 0, greater ones as 2²².
 */
export class LogHistogram {
  readonly #counts: Uint32Array = new Uint32Array(BUCKETS + 2)
  #total = 0

  /** How many values were added. */
  get total(): number {
    return this.#total
  }

  /**
   * @param value - Finite and at least 0.
   * @param times - How often it was measured.
   * @throws InvalidArgumentError
   */
  add(value: number, times = 1): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
      throw new InvalidArgumentError('value', 'a number of at least 0', value)
    // -0 has the sign's bit, and 0 has not.
    double[0] = value + 0
    const bucket = ((words[HIGH_WORD] as number) >>> (HIGH_MANTISSA_BITS - MANTISSA_BITS)) - FIRST_BITS + 1
    const at = Math.max(UNDER, Math.min(OVER, bucket))
    this.#counts[at] = (this.#counts[at] as number) + times
    this.#total += times
  }

  /**
   * @param share - From 0 to 1.
   * @returns The smallest value that so many are not above; `undefined` of none.
   * @throws InvalidArgumentError
   */
  quantile(share: number): number | undefined {
    return this.quantileWith(undefined, share)
  }

  /** The quantile of the values of this and another histogram together. */
  quantileWith(other: LogHistogram | undefined, share: number): number | undefined {
    if (!(share >= 0 && share <= 1)) throw new InvalidArgumentError('share', 'a number from 0 to 1', share)
    const total = this.#total + (other?.total ?? 0)
    if (total === 0) return undefined
    const rank = Math.max(1, Math.ceil(share * total))
    const mine = this.#counts
    let others: Uint32Array | undefined
    if (other !== undefined) others = other.#counts
    let seen = 0
    for (let bucket = 0; bucket < mine.length; bucket += 1) {
      seen += (mine[bucket] as number) + (others === undefined ? 0 : (others[bucket] as number))
      if (seen >= rank) return middleOf(bucket)
    }
    return middleOf(OVER)
  }

  /** How often each value was added that was, the smallest first: a bucket's values as its middle. */
  entries(): [value: number, count: number][] {
    const entries: [number, number][] = []
    for (const [bucket, count] of this.#counts.entries())
      if (count > 0) entries.push([middleOf(bucket), count])
    return entries
  }

  /** Adds all values of another histogram. */
  merge(other: LogHistogram): void {
    const counts = this.#counts
    for (let bucket = 0; bucket < counts.length; bucket += 1)
      counts[bucket] = (counts[bucket] as number) + (other.#counts[bucket] as number)
    this.#total += other.total
  }

  /** Subtracts the values of another histogram, all of which must have been merged into this one. */
  subtract(other: LogHistogram): void {
    const counts = this.#counts
    for (let bucket = 0; bucket < counts.length; bucket += 1)
      counts[bucket] = (counts[bucket] as number) - (other.#counts[bucket] as number)
    this.#total -= other.total
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
  }
}

/** The harmonic mean of a bucket's ends: the same relative distance from both. */
function middleOf(bucket: number): number {
  if (bucket === UNDER) return 0
  if (bucket === OVER) return 2 ** MOST_EXPONENT
  const index = bucket - 1
  const power = 2 ** ((index >> MANTISSA_BITS) + LEAST_EXPONENT)
  const width = power / (1 << MANTISSA_BITS)
  const lower = power + (index & ((1 << MANTISSA_BITS) - 1)) * width
  const upper = lower + width
  return (2 * lower * upper) / (lower + upper)
}

interface WindowedHistogramOptions {
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
    this.#advance(nowMs)
    this.#current.add(value)
  }

  /**
   * Adds all values of a histogram.
   *
   * @param nowMs - Monotonic.
   */
  merge(nowMs: number, values: LogHistogram): void {
    this.#advance(nowMs)
    this.#current.merge(values)
  }

  /** How many values the window holds. */
  total(nowMs: number): number {
    this.#advance(nowMs)
    return this.#closed.total + this.#current.total
  }

  /**
   * @param share - From 0 to 1.
   * @returns `undefined` where the window holds nothing.
   * @throws InvalidArgumentError
   */
  quantile(nowMs: number, share: number): number | undefined {
    this.#advance(nowMs)
    return this.#closed.quantileWith(this.#current, share)
  }

  /** Adds all values of the window to a histogram. */
  addTo(nowMs: number, histogram: LogHistogram): void {
    this.#advance(nowMs)
    histogram.merge(this.#closed)
    histogram.merge(this.#current)
  }

  #advance(nowMs: number): void {
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
