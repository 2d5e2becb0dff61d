import { InvalidArgumentError, InvalidOptionError } from '../../shared/errors.ts'
import { crc32 } from '../../shared/late-modules.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'

/**
 * `mixture` weighs thirteen experts by how right they were of late; `linear` draws a line through the last 30
 * minutes.
 */
export type ForecastModelName = 'mixture' | 'linear'

export interface LoadForecasterOptions {
  /**
   * How far samples lie apart, in milliseconds: from 1,000 to 3,600,000, and a day must be a multiple of it.
   * @defaultValue 60_000
   */
  readonly stepMs?: number
  /**
   * Horizons in minutes for which forecasts are learned: up to 8 numbers above 0, at most 1,440 each. A
   * horizon that is shorter than a step counts as a step. Forecasts between two horizons are interpolated.
   * @defaultValue [5, 15, 60]
   */
  readonly horizonsMinutes?: readonly number[]
  /** @defaultValue 'mixture' */
  readonly model?: ForecastModelName
}

export interface ResolvedLoadForecasterOptions {
  readonly stepMs: number
  /** Ascending, each once. */
  readonly horizonsMinutes: readonly number[]
  readonly model: ForecastModelName
}

const DAY_MS = 86_400_000
const MOST_HORIZONS = 8
const LONGEST_HORIZON_MINUTES = 1440

const horizon: OptionRule = {
  expected: `one to ${MOST_HORIZONS} numbers above 0, at most ${LONGEST_HORIZON_MINUTES}`,
  accepts: (value) =>
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MOST_HORIZONS &&
    value.every((minutes) => option.positive.accepts(minutes) && minutes <= LONGEST_HORIZON_MINUTES),
}

const rules: Readonly<Record<keyof LoadForecasterOptions, OptionRule>> = {
  stepMs: option.integer(1000, 3_600_000),
  horizonsMinutes: horizon,
  model: option.oneOf('mixture', 'linear'),
}

/** @throws InvalidOptionError */
export function resolveLoadForecasterOptions(options: LoadForecasterOptions): ResolvedLoadForecasterOptions {
  checkOptions(options, rules)
  const stepMs = options.stepMs ?? 60_000
  if (DAY_MS % stepMs !== 0)
    throw new InvalidOptionError('stepMs', 'milliseconds of which a day is a multiple', stepMs)
  const horizonsMinutes = [...new Set(options.horizonsMinutes ?? [5, 15, 60])].sort((a, b) => a - b)
  return { stepMs, horizonsMinutes, model: options.model ?? 'mixture' }
}

/** A forecast of a load. */
export interface Prediction {
  /** At most 1.5 times the maximum of the last 8 days, times the growth that the load has proven: 1 to 3. */
  readonly value: number
  /** The 5th percentile: one load in twenty is below. */
  readonly lower: number
  /**
   * The 95th percentile: one load in twenty is above. At most twice the maximum, times that growth; 6 times
   * for the first 20 forecasts.
   */
  readonly upper: number
  /** The 90th percentile: what to be ready for. */
  readonly p90: number
  readonly model: ForecastModelName
  /**
   * The share of forecasts of about the last day, this far ahead, that were within 15%: from 0 to 1,
   * `undefined` while none has been checked.
   */
  readonly recentAccuracy: number | undefined
  /** After the latest sample. */
  readonly horizonMinutes: number
}

type NumberArray = Float64Array | Float32Array | Int16Array

/**
 * Visits the state of a forecaster, part by part and always in the same order: one visitor writes, one reads,
 * one counts. Each part lists its numbers once, so that it saves and restores the same ones.
 */
export interface StateVisitor {
  /**
   * A finite number.
   *
   * @returns Its new value.
   */
  number(value: number): number
  /**
   * An integer from `least` to `most`.
   *
   * @returns Its new value.
   */
  integer(value: number, least: number, most?: number): number
  /** @param mayLack - Allows `NaN` for missing values. */
  array(values: NumberArray, mayLack?: 'mayLack'): void
}

const NUMBER_BYTES = 8

class StateCounter implements StateVisitor {
  bytes = 0

  number(value: number): number {
    this.bytes += NUMBER_BYTES
    return value
  }

  integer(value: number): number {
    return this.number(value)
  }

  array(values: NumberArray): void {
    this.bytes += values.byteLength
  }
}

/** Writes what it is shown into bytes, little-endian as all processors that Node runs on. */
class StateWriter implements StateVisitor {
  readonly bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes)
    this.#view = new DataView(this.bytes.buffer)
  }

  number(value: number): number {
    this.#view.setFloat64(this.#at, value, true)
    this.#at += NUMBER_BYTES
    return value
  }

  integer(value: number): number {
    return this.number(value)
  }

  array(values: NumberArray): void {
    this.bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), this.#at)
    this.#at += values.byteLength
  }
}

/**
 * Reads what a writer wrote.
 *
 * @throws InvalidArgumentError at a number that cannot be one of a forecaster.
 */
class StateReader implements StateVisitor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  /** @param bytes - As many as will be read. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  number(): number {
    const value = this.#view.getFloat64(this.#at, true)
    this.#at += NUMBER_BYTES
    if (!Number.isFinite(value)) throw new InvalidArgumentError('state', 'finite numbers', value)
    return value
  }

  integer(_value: number, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
    const value = this.number()
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError('state', `an integer from ${least} to ${most}`, value)
  }

  array(values: NumberArray, mayLack?: 'mayLack'): void {
    const target = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    target.set(this.#bytes.subarray(this.#at, this.#at + values.byteLength))
    this.#at += values.byteLength
    const isBad = (value: number): boolean =>
      !Number.isFinite(value) && !(mayLack !== undefined && Number.isNaN(value))
    const bad = (values as Float64Array).find(isBad)
    if (bad !== undefined) throw new InvalidArgumentError('state', 'finite numbers', bad)
  }
}

const VERSION = 2

/** A forecaster as plain data, fit for `JSON.stringify`. */
export interface ForecasterState {
  readonly version: typeof VERSION
  readonly options: ResolvedLoadForecasterOptions
  /** CRC-32 of the data. */
  readonly checksum: number
  /** Base64. */
  readonly data: string
}

type Visit = (state: StateVisitor) => void

/** The bytes that the numbers of a forecaster take. */
export function countState(visit: Visit): number {
  const counter = new StateCounter()
  visit(counter)
  return counter.bytes
}

export function writeState(options: ResolvedLoadForecasterOptions, visit: Visit): ForecasterState {
  const writer = new StateWriter(countState(visit))
  visit(writer)
  const { bytes } = writer
  return {
    version: VERSION,
    options,
    checksum: crc32(bytes),
    data: Buffer.from(bytes.buffer).toString('base64'),
  }
}

/** @throws InvalidArgumentError if this is not the state of a forecaster. */
export function optionsOfState(state: unknown): ResolvedLoadForecasterOptions {
  const { version, options } = (state ?? {}) as Partial<ForecasterState>
  if (version !== VERSION)
    throw new InvalidArgumentError('state', `the state of a forecaster, version ${VERSION}`, state)
  try {
    return resolveLoadForecasterOptions(options as ResolvedLoadForecasterOptions)
  } catch (error) {
    throw new InvalidArgumentError('state', `a forecaster's options (${(error as Error).message})`, state)
  }
}

/** @throws InvalidArgumentError when the data are not those of a forecaster with these options. */
export function readState(state: unknown, visit: Visit): void {
  const { data, checksum } = state as Partial<ForecasterState>
  const bytes = Buffer.from(typeof data === 'string' ? data : '', 'base64')
  const expected = countState(visit)
  if (bytes.length !== expected)
    throw new InvalidArgumentError('state', `${expected} bytes of data`, bytes.length)
  if (crc32(bytes) !== checksum)
    throw new InvalidArgumentError('state', 'data that matches its checksum', checksum)
  visit(new StateReader(bytes))
}
