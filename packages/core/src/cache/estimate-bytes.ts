const WORD = 8
const BOXED_NUMBER = 16
/** An object has 4 in-object slots, and grows by arrays with room for 3 more at a time. */
const OBJECT_HEADER = 3 * WORD
const OWN_SLOTS = 4
const SLOT_STEP = 3
/** Above this number of fields, V8 uses a hash table with the field names instead of hidden classes. */
const MAX_FAST_FIELDS = 132
const TABLE_HEADER = 2 * WORD
export const DATE_BYTES: number = 12 * WORD + BOXED_NUMBER
const TYPED_ARRAY = 13 * WORD
const ARRAY_BUFFER = 10 * WORD
const FUNCTION = 8 * WORD

/** Maximum number of visited objects, divided evenly among the items of a collection at each level. */
const BUDGET = 2_000
const MIN_SAMPLE = 4
const MAX_WHOLE_LENGTH = 256
const SAMPLE_LENGTH = 64
/** Limits what the budget cannot: the minimum samples of many levels, and long chains. */
const MAX_NODES = 20_000
const MAX_SCANNED_CHARACTERS = 4_096

/** Objects that report their own size. */
export abstract class Sized {
  abstract readonly bytes: number
}

/**
 * Estimates the heap that a value retains on 64-bit V8, in bytes: plain objects, arrays, strings, numbers,
 * big integers, dates, bytes, `Map`, `Set`, nested. An object that occurs several times counts once. Strings
 * always count, because it is unknown whether two equal ones are the same. The size of a long array is
 * extrapolated from a sample, and that of a very large value from a part: the cost is limited.
 */
export function estimateBytes(value: unknown): number {
  if (typeof value !== 'object' || value === null) return leafBytes(value)
  return value instanceof Sized ? value.bytes : Math.round(new Walk().measure(value))
}

/** Size of a value that is not an object, besides the slot that refers to it. */
export function leafBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return stringBytes(value)
    case 'number':
      // V8 stores 32-bit integers in the slot itself.
      return (value | 0) === value && !Object.is(value, -0) ? 0 : BOXED_NUMBER
    case 'bigint':
      return bigintBytes(value)
    case 'function':
      return FUNCTION
    default:
      return 0
  }
}

function stringBytes(text: string): number {
  const wide = isTwoByte(text)
  // V8 shares one copy of the empty string and of each one-byte character.
  if (text.length < 2 && !wide) return 0
  return 2 * WORD + roundUp(text.length * (wide ? 2 : 1), WORD)
}

function isTwoByte(text: string): boolean {
  if (text.length <= MAX_SCANNED_CHARACTERS) return WIDE_CHARACTER.test(text)
  const part = MAX_SCANNED_CHARACTERS / 2
  return WIDE_CHARACTER.test(text.slice(0, part)) || WIDE_CHARACTER.test(text.slice(-part))
}

const WIDE_CHARACTER = /[^\0-\xff]/

function bigintBytes(value: bigint): number {
  if (value === 0n) return 2 * WORD
  if (BigInt.asIntN(64, value) === value) return 3 * WORD
  return 2 * WORD + roundUp(value.toString(16).length / 2, WORD)
}

const roundUp = (bytes: number, step: number): number => Math.ceil(bytes / step) * step

const powerOfTwo = (atLeast: number): number => 2 ** Math.ceil(Math.log2(Math.max(atLeast, 4)))

/**
 * Visits the objects below a value. Each has a weight (the number of objects that it represents) and a share
 * of the budget.
 */
class Walk {
  readonly #seen = new Set<object>()
  readonly #pending: object[] = []
  readonly #weights: number[] = []
  readonly #budgets: number[] = []

  measure(root: object): number {
    this.#enqueue(root, 1, BUDGET)
    let bytes = 0
    let visited = 0
    let visitedWeight = 0
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const weight = this.#weights.pop() ?? 1
      bytes += weight * this.#visit(next, weight, this.#budgets.pop() ?? 1)
      visitedWeight += weight
      visited++
      if (visited >= MAX_NODES) break
    }
    const remaining = this.#weights.reduce((sum, weight) => sum + weight, 0)
    return bytes * (1 + remaining / visitedWeight)
  }

  #enqueue(value: object, weight: number, budget: number): void {
    if (this.#seen.has(value)) return
    this.#seen.add(value)
    this.#pending.push(value)
    this.#weights.push(weight)
    this.#budgets.push(budget)
  }

  /** The size of a child that is not an object. An object is visited later. */
  #child(value: unknown, weight: number, budget: number): number {
    if (typeof value !== 'object' || value === null) return leafBytes(value)
    this.#enqueue(value, weight, budget)
    return 0
  }

  #visit(value: object, weight: number, budget: number): number {
    if (Array.isArray(value)) return this.#array(value, weight, budget)
    if (value instanceof Date) return DATE_BYTES
    if (ArrayBuffer.isView(value)) return this.#view(value)
    if (value instanceof ArrayBuffer) return ARRAY_BUFFER + value.byteLength
    if (value instanceof Map) {
      return (
        mapBytes(value.size) +
        this.#first(value.keys(), value.size, weight, budget / 2) +
        this.#first(value.values(), value.size, weight, budget / 2)
      )
    }
    if (value instanceof Set) return setBytes(value.size) + this.#first(value, value.size, weight, budget)
    return this.#object(value as Record<string, unknown>, weight, budget)
  }

  #object(value: Record<string, unknown>, weight: number, budget: number): number {
    const names = Object.keys(value)
    if (names.length > MAX_FAST_FIELDS) return this.#dictionary(value, names, weight, budget)
    let bytes =
      Object.getPrototypeOf(value) === null ? dictionaryBytes(names.length) : fastObjectBytes(names.length)
    for (const name of names) bytes += this.#child(value[name], weight, budget / names.length)
    return bytes
  }

  #dictionary(
    value: Record<string, unknown>,
    names: readonly string[],
    weight: number,
    budget: number,
  ): number {
    const values = {
      *[Symbol.iterator]() {
        for (const name of names) yield value[name]
      },
    }
    return (
      dictionaryBytes(names.length) +
      this.#first(names, names.length, weight, 0) +
      this.#first(values, names.length, weight, budget)
    )
  }

  #array(items: readonly unknown[], weight: number, budget: number): number {
    const slots = arrayBytes(items.length)
    const taken = sampleLength(items.length, budget)
    const scale = items.length / taken
    let bytes = 0
    let isNumeric = true
    for (let index = 0; index < taken; index++) {
      const item = items[Math.floor(index * scale)]
      isNumeric &&= typeof item === 'number'
      bytes += this.#child(item, weight * scale, budget / taken)
    }
    // An array that contains only numbers stores them unboxed in its slots.
    return isNumeric ? slots : slots + bytes * scale
  }

  /** The size of a collection's items, extrapolated from the first ones. */
  #first(items: Iterable<unknown>, size: number, weight: number, budget: number): number {
    const limit = sampleLength(size, budget)
    const scale = size / limit
    let bytes = 0
    let taken = 0
    for (const item of items) {
      bytes += this.#child(item, weight * scale, budget / limit)
      taken++
      if (taken === limit) break
    }
    return size === 0 ? 0 : bytes * scale
  }

  #view(view: ArrayBufferView): number {
    const isPooled = view.buffer.byteLength === Buffer.poolSize && Buffer.isBuffer(view)
    if (!isPooled && this.#seen.has(view.buffer)) return TYPED_ARRAY
    if (!isPooled) this.#seen.add(view.buffer)
    return viewBytes(view)
  }
}

/** Size of a plain object besides the values of its fields. */
export function objectBytes(names: readonly string[], hasNoPrototype: boolean): number {
  if (names.length > MAX_FAST_FIELDS) {
    let bytes = dictionaryBytes(names.length)
    for (const name of names) bytes += leafBytes(name)
    return bytes
  }
  return hasNoPrototype ? dictionaryBytes(names.length) : fastObjectBytes(names.length)
}

/** Size of an array besides its items. */
export function arrayBytes(length: number): number {
  return 4 * WORD + (length === 0 ? 0 : TABLE_HEADER + length * WORD)
}

/** Size of a `Map` besides its entries. */
export const mapBytes = (size: number): number => tableBytes(size, 3)
/** Size of a `Set` besides its members. */
export const setBytes = (size: number): number => tableBytes(size, 2)

/** Size of bytes that share no buffer with other objects, except for Node's pool. */
export function viewBytes(view: ArrayBufferView): number {
  // A slice of Node's shared pool counts only its own bytes; a slice of any other buffer keeps the whole
  // buffer alive.
  return view.buffer.byteLength === Buffer.poolSize && Buffer.isBuffer(view)
    ? TYPED_ARRAY + roundUp(view.byteLength, WORD)
    : TYPED_ARRAY + ARRAY_BUFFER + view.buffer.byteLength
}

function fastObjectBytes(fields: number): number {
  const outside = fields - OWN_SLOTS
  return (
    OBJECT_HEADER + OWN_SLOTS * WORD + (outside > 0 ? TABLE_HEADER + roundUp(outside, SLOT_STEP) * WORD : 0)
  )
}

function dictionaryBytes(fields: number): number {
  return OBJECT_HEADER + 7 * WORD + powerOfTwo(fields + (fields >> 1)) * 3 * WORD
}

function tableBytes(items: number, wordsPerItem: number): number {
  return 4 * WORD + TABLE_HEADER + 3 * WORD + powerOfTwo(items) * (wordsPerItem + 0.5) * WORD
}

/** How many items of a collection are examined: at least one, because it is a divisor. */
function sampleLength(size: number, budget: number): number {
  const most = size > MAX_WHOLE_LENGTH ? SAMPLE_LENGTH : size
  return Math.max(1, Math.min(most, Math.max(MIN_SAMPLE, Math.floor(budget))))
}
