import { InvalidArgumentError } from '../../shared/errors.ts'

type NumberArray = Float64Array | Float32Array | Int16Array

/**
 * Goes over the state of a forecaster, part by part and always in the same order: one writes, one reads, one counts.
 * So each part names its numbers once, and cannot save other ones than it restores.
 */
export interface StateVisitor {
  /** A finite number. @returns What it is from now on. */
  number(value: number): number
  /** An integer from `least` to `most`. @returns What it is from now on. */
  integer(value: number, least: number, most?: number): number
  /** @param mayLack - `NaN` stands for what is missing, and is allowed. */
  array(values: NumberArray, mayLack?: 'mayLack'): void
}

const NUMBER_BYTES = 8

/** Counts the bytes of what it is shown. */
export class StateCounter implements StateVisitor {
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
export class StateWriter implements StateVisitor {
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
export class StateReader implements StateVisitor {
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
    const isBad = (value: number): boolean => !Number.isFinite(value) && !(mayLack !== undefined && Number.isNaN(value))
    const bad = (values as Float64Array).find(isBad)
    if (bad !== undefined) throw new InvalidArgumentError('state', 'finite numbers', bad)
  }
}
