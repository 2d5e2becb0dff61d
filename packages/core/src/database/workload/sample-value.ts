import { copyValue, isCopyable } from '../../shared/copy.ts'

/**
 * Replaces a value that was not stored in a sample of parameter values. A statement cannot be executed with
 * it.
 */
export class OmittedValue {
  constructor(
    readonly what: 'text' | 'bytes' | 'list' | 'object',
    /** Characters, bytes, items or fields that it has. */
    readonly length: number,
    /** Beginning of a string. */
    readonly start?: string,
  ) {}
}

const MAX_TEXT = 500
const START = 60
const MAX_BYTES = 64
const MAX_ITEMS = 100
const MAX_DEPTH = 4
/** Bytes of one sample. */
const MAX_SAMPLE = 8_000

/** A sample and its memory. */
export interface StoredSample {
  readonly values: readonly unknown[]
  /** An estimate. */
  readonly bytes: number
}

/**
 * An independent copy of parameter values, without long ones: strings over 500 characters, bytes over 64.
 * `undefined`: there are too many.
 */
export function storedSample(bindings: readonly unknown[]): StoredSample | undefined {
  if (bindings.length * 8 > MAX_SAMPLE) return undefined
  let bytes = 16
  const values: unknown[] = []
  for (const binding of bindings) {
    const value = keepValue(binding, 0)
    bytes += sizeOf(value)
    if (bytes > MAX_SAMPLE) return undefined
    values.push(value)
  }
  return { values, bytes }
}

/** Whether a statement can be run with a sample of its bindings. */
export function isRunnable(sample: readonly unknown[]): boolean {
  return sample.every(
    (value) => !(value instanceof OmittedValue) && (!Array.isArray(value) || isRunnable(value)),
  )
}

function keepValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string')
    return value.length <= MAX_TEXT
      ? detached(value)
      : new OmittedValue('text', value.length, detached(value.slice(0, START)))
  if (typeof value === 'function' || typeof value === 'symbol') return new OmittedValue('object', 0)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Uint8Array)
    return value.length <= MAX_BYTES ? Buffer.from(value) : new OmittedValue('bytes', value.length)
  if (Array.isArray(value)) {
    const isStored = value.length <= MAX_ITEMS && depth < MAX_DEPTH
    return isStored ? value.map((item) => keepValue(item, depth + 1)) : new OmittedValue('list', value.length)
  }
  return isSmall(value) ? copyValue(value) : new OmittedValue('object', Object.keys(value).length)
}

/** Plain, and short as JSON. */
function isSmall(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  if (
    (prototype !== Object.prototype && prototype !== null) ||
    Object.keys(value).length > MAX_ITEMS ||
    !isCopyable(value)
  )
    return false
  try {
    return JSON.stringify(value).length <= MAX_TEXT
  } catch {
    return false
  }
}

/** A part of a string keeps the whole string in memory, unless it is copied. */
function detached(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf16le').toString('utf16le')
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 24 + value.length * 2
  if (Buffer.isBuffer(value)) return 100 + value.length
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeOf(item), 32)
  return typeof value === 'object' && value !== null ? 200 : 8
}
