import { isCopyable, isDecimal } from './copy.ts'

/**
 * Values that serializers do not distinguish are wrapped in a map of one item, whose key is one of these
 * numbers. Maps in the value are wrapped, too, so that every map in the output is a wrapper.
 */
const Kind = {
  negativeZero: 0,
  bigInt: 1,
  invalidDate: 2,
  bytes: 3,
  map: 4,
  set: 5,
  decimal: 6,
  bare: 7,
} as const

const MAX_INT64 = 2n ** 63n - 1n
const MIN_INT64 = -(2n ** 63n)

export interface WrappedValue {
  readonly value: unknown
  /** Nothing in it is wrapped: it is the value that was given, or a copy. */
  readonly isPlain: boolean
}

/** How to make what is of a class of the app's or its ORM's. */
export interface WrappedTypes {
  readonly Decimal?: new (text: string) => unknown
}

/**
 * Converts a value so that any serializer of `Date`, `Map`, `Buffer`, `undefined` and 64-bit `bigint`
 * restores it exactly. Supports plain objects, arrays, strings, numbers, `bigint`, `boolean`, `null`,
 * `undefined`, `Date`, `Buffer`, `Uint8Array`, `Map`, `Set` and decimals.
 *
 * @returns `undefined` if it contains a value that would not be restored exactly.
 */
export function wrapValue(value: unknown): WrappedValue | undefined {
  if (!isCopyable(value)) return undefined
  const wrapper = new Wrapper()
  const wrapped = wrapper.wrap(value)
  return wrapper.isLossy ? undefined : { value: wrapped, isPlain: !wrapper.hasWrapped }
}

/**
 * Undoes `wrapValue`; changes what it is given. The value may come from a store that others can write to.
 *
 * @param maxParts - How many parts the value can have at most: a serialized value has no more than bytes.
 * @throws Error if it contains a decimal without a known class, or anything that `wrapValue` never returns.
 */
export function unwrapValue(
  { value, isPlain }: WrappedValue,
  types: WrappedTypes,
  maxParts: number,
): unknown {
  return new Unwrapper(types, isPlain, maxParts).unwrap(value, 0)
}

/** Replaces what needs a wrapping; objects without any stay the same. */
class Wrapper {
  hasWrapped = false
  isLossy = false

  wrap(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.#check(value)
        return value
      case 'number':
        return Object.is(value, -0) ? this.#as(Kind.negativeZero, null) : value
      case 'bigint':
        return value > MAX_INT64 || value < MIN_INT64 ? this.#as(Kind.bigInt, value.toString()) : value
      case 'object':
        return value === null ? null : this.#object(value)
      default:
        return value
    }
  }

  #object(value: object): unknown {
    if (Array.isArray(value)) return value.map((item) => this.wrap(item))
    const prototype = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.#fields(value)
    if (prototype === null) return this.#as(Kind.bare, this.#fields(value))
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? this.#as(Kind.invalidDate, null) : value
    if (Buffer.isBuffer(value)) return value
    if (value instanceof Uint8Array)
      return this.#as(Kind.bytes, Buffer.from(value.buffer, value.byteOffset, value.byteLength))
    if (value instanceof Map)
      return this.#as(
        Kind.map,
        Array.from(value).flatMap(([key, item]) => [this.wrap(key), this.wrap(item)]),
      )
    if (value instanceof Set)
      return this.#as(
        Kind.set,
        Array.from(value, (item) => this.wrap(item)),
      )
    if (isDecimal(value)) return this.#as(Kind.decimal, decimalText(value))
    this.isLossy = true
    return null
  }

  #fields(value: object): object {
    const fields: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(value)) {
      // Serializers rename this one, or set the prototype by it.
      if (name === '__proto__') this.isLossy = true
      else {
        this.#check(name)
        fields[name] = this.wrap(field)
      }
    }
    return fields
  }

  /** A lone surrogate has no form in UTF-8. */
  #check(text: string): void {
    if (!(text as string & { isWellFormed(): boolean }).isWellFormed()) this.isLossy = true
  }

  #as(kind: number, content: unknown): ReadonlyMap<number, unknown> {
    this.hasWrapped = true
    return new Map([[kind, content]])
  }
}

/** decimal.js leaves the sign of zero out. */
function decimalText(value: { toFixed(): string }): string {
  const text = value.toFixed()
  return text === '0' && (value as unknown as { s: number }).s < 0 ? '-0' : text
}

/** Copyable values have 64 levels at most, and a wrapping adds two to each. */
const MAX_WRAPPED_DEPTH = 200

class Unwrapper {
  #parts = 0

  constructor(
    private readonly types: WrappedTypes,
    private readonly isPlain: boolean,
    private readonly maxParts: number,
  ) {}

  unwrap(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return this.#items(value, depth)
    switch (Object.getPrototypeOf(value)) {
      case Object.prototype:
        return this.#fields(value as Record<string, unknown>, depth)
      case Map.prototype:
        if (!this.isPlain) return this.#map(value as ReadonlyMap<unknown, unknown>, depth)
        break
      case Date.prototype:
        if (!Number.isNaN((value as Date).getTime())) return value
        break
      case Buffer.prototype:
        return value
    }
    throw new Error('The value contains an object of an unexpected class.')
  }

  /** Serializers restore references, so a small value can be without end. */
  #count(parts: number, depth: number): void {
    this.#parts += parts
    if (this.#parts > this.maxParts || depth > MAX_WRAPPED_DEPTH)
      throw new Error('The value has too many parts or levels.')
  }

  #items(items: unknown[], depth: number): unknown[] {
    this.#count(items.length, depth)
    for (let at = 0; at < items.length; at += 1) {
      const item = items[at]
      if (typeof item === 'object' && item !== null) items[at] = this.unwrap(item, depth + 1)
    }
    return items
  }

  #fields<T extends Record<string, unknown>>(fields: T, depth: number): T {
    const names = Object.keys(fields)
    this.#count(names.length, depth)
    for (const name of names) {
      if (name === '__proto__') throw new Error('The value contains a field named __proto__.')
      const field = fields[name]
      if (typeof field === 'object' && field !== null)
        (fields as Record<string, unknown>)[name] = this.unwrap(field, depth + 1)
    }
    return fields
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): unknown {
    const [[kind, content] = []] = map
    if (map.size === 1) {
      if (kind === Kind.negativeZero) return -0
      if (kind === Kind.invalidDate) return new Date(Number.NaN)
      if (typeof content === 'string') {
        if (kind === Kind.bigInt) return BigInt(content)
        if (kind === Kind.decimal) return this.#decimal(content)
      } else if (Array.isArray(content)) {
        if (kind === Kind.map && content.length % 2 === 0)
          return new Map(pairs(this.#items(content, depth + 1)))
        if (kind === Kind.set) return new Set(this.#items(content, depth + 1))
      } else if (kind === Kind.bytes && Buffer.isBuffer(content)) return new Uint8Array(content)
      else if (kind === Kind.bare && isFields(content))
        return Object.assign(Object.create(null), this.#fields(content, depth + 1))
    }
    throw new Error('The value contains a part of an unknown type.')
  }

  #decimal(text: string): unknown {
    const { Decimal } = this.types
    if (Decimal === undefined)
      throw new Error('The value contains a decimal, but no class for decimals is known.')
    return new Decimal(text)
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function* pairs(items: readonly unknown[]): Generator<[unknown, unknown]> {
  for (let at = 0; at < items.length; at += 2) yield [items[at], items[at + 1]]
}
