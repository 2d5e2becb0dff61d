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
 * Undoes `wrapValue`; changes what it is given.
 *
 * @throws Error if it contains a decimal without a known class, or a part of an unknown kind.
 */
export function unwrapValue({ value, isPlain }: WrappedValue, types: WrappedTypes = {}): unknown {
  return isPlain ? value : unwrap(value, types)
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

function unwrap(value: unknown, types: WrappedTypes): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return unwrapItems(value, types)
  if (value instanceof Map) return unwrapMap(value, types)
  return Object.getPrototypeOf(value) === Object.prototype
    ? unwrapFields(value as Record<string, unknown>, types)
    : value
}

function unwrapItems(items: unknown[], types: WrappedTypes): unknown[] {
  for (let at = 0; at < items.length; at += 1) {
    const item = items[at]
    if (typeof item === 'object' && item !== null) items[at] = unwrap(item, types)
  }
  return items
}

function unwrapFields<T extends Record<string, unknown>>(fields: T, types: WrappedTypes): T {
  for (const name of Object.keys(fields)) {
    const field = fields[name]
    if (typeof field === 'object' && field !== null)
      (fields as Record<string, unknown>)[name] = unwrap(field, types)
  }
  return fields
}

function unwrapMap(map: ReadonlyMap<unknown, unknown>, types: WrappedTypes): unknown {
  for (const [kind, content] of map) {
    switch (kind) {
      case Kind.negativeZero:
        return -0
      case Kind.bigInt:
        return BigInt(content as string)
      case Kind.invalidDate:
        return new Date(Number.NaN)
      case Kind.bytes:
        return new Uint8Array(content as Buffer)
      case Kind.map:
        return new Map(pairs(unwrapItems(content as unknown[], types)))
      case Kind.set:
        return new Set(unwrapItems(content as unknown[], types))
      case Kind.bare:
        return Object.assign(Object.create(null), unwrapFields(content as Record<string, unknown>, types))
      case Kind.decimal: {
        if (types.Decimal === undefined)
          throw new Error('The value contains a decimal, but no class for decimals is known.')
        return new types.Decimal(content as string)
      }
    }
  }
  throw new Error('The value contains a part of an unknown type.')
}

function* pairs(items: readonly unknown[]): Generator<[unknown, unknown]> {
  for (let at = 0; at < items.length; at += 2) yield [items[at], items[at + 1]]
}
