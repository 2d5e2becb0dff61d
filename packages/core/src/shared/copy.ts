/** A decimal number as decimal.js, or an ORM's copy of it, creates it: immutable, of any precision. */
interface DecimalLike {
  /** The number in plain notation, all its digits. */
  toFixed(): string
}

/**
 * Whether a value is an instance of decimal.js's class. Copies of that class differ between libraries and its
 * name does not survive every minifier, so its own mark and its own fields decide.
 */
export function isDecimal(value: object): value is DecimalLike {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return false
  if (prototype.toStringTag !== '[object Decimal]' && prototype.constructor?.name !== 'Decimal') return false
  return (
    typeof prototype.toFixed === 'function' &&
    Object.hasOwn(value, 's') &&
    Object.hasOwn(value, 'e') &&
    Object.hasOwn(value, 'd')
  )
}

/** Values that are nested deeper are not copied. */
export const MAX_COPY_DEPTH = 64

/**
 * Copies results of ORMs, deeply and fast: plain objects (also those without a prototype), arrays, `Date`,
 * typed arrays (a `Buffer` stays one), `Map` and `Set`. Keeps the order of fields.
 *
 * Everything else, such as a `Decimal` or a function, is shared by reference: ORMs return such values as
 * immutable. {@link isCopyable} determines beforehand whether the copy is exact. An object that occurs twice
 * is copied twice; a cycle overflows the stack.
 */
export function copyValue<T>(value: T): T {
  return typeof value === 'object' && value !== null ? (copyObject(value) as T) : value
}

function copyObject(value: object): object {
  if (Array.isArray(value)) return copyArray(value)
  const prototype = Object.getPrototypeOf(value)
  // A spread takes over the hidden class in one step and defines fields rather than assigning them, so
  // `__proto__` is safe.
  if (prototype === Object.prototype || prototype === null) {
    const copy: Record<string, unknown> = prototype === null ? { __proto__: null, ...value } : { ...value }
    for (const name in copy) {
      const field = copy[name]
      // `in` also walks what a polluted prototype adds; that must not become a field of the copy.
      if (typeof field === 'object' && field !== null && Object.hasOwn(copy, name))
        copy[name] = copyObject(field)
    }
    return copy
  }
  if (value instanceof Date) return new Date(value.getTime())
  if (ArrayBuffer.isView(value)) return copyView(value)
  if (value instanceof Map)
    return new Map(Array.from(value, ([key, item]) => [copyValue(key), copyValue(item)]))
  if (value instanceof Set) return new Set(Array.from(value, copyValue))
  return value
}

function copyArray(value: readonly unknown[]): unknown[] {
  const copy = value.slice()
  for (let index = 0; index < copy.length; index++) {
    const item = copy[index]
    if (typeof item === 'object' && item !== null) copy[index] = copyObject(item)
  }
  return copy
}

export function copyView(view: ArrayBufferView): object {
  if (Buffer.isBuffer(view)) return Buffer.from(view)
  return view instanceof DataView ? view : (view as Uint8Array).slice()
}

/**
 * A copy that shares no object with the value, or `undefined` if there is no exact copy: see
 * {@link isCopyable}.
 */
export function exactCopy<T>(value: T): { readonly value: T } | undefined {
  return isCopyable(value) ? { value: copyValue(value) } : undefined
}

/**
 * Whether {@link copyValue} copies a value exactly. False for functions, symbols, class instances other than
 * decimals, symbol keys, accessors, hidden fields, sparse or extended arrays, cycles, and anything nested
 * deeper than 64 levels.
 */
export function isCopyable(value: unknown): boolean {
  return isCopyableAt(value, 0)
}

function isCopyableAt(value: unknown, depth: number): boolean {
  if (value === null || typeof value !== 'object')
    return typeof value !== 'function' && typeof value !== 'symbol'
  if (depth > MAX_COPY_DEPTH) return false
  if (Array.isArray(value)) return isPlainArray(value) && value.every((item) => isCopyableAt(item, depth + 1))
  switch (Object.getPrototypeOf(value)) {
    case Object.prototype:
    case null:
      return hasCopyableFields(value, depth)
    case Date.prototype:
      return isBare(value)
    case Buffer.prototype:
    case Uint8Array.prototype:
      return true
    case Map.prototype:
      return isBare(value) && everyItem((value as Map<unknown, unknown>).entries(), depth)
    case Set.prototype:
      return isBare(value) && everyItem((value as Set<unknown>).values(), depth)
    default:
      return isDecimal(value)
  }
}

export function isPlainArray(value: readonly unknown[]): boolean {
  if (Object.getPrototypeOf(value) !== Array.prototype) return false
  const keys = Reflect.ownKeys(value)
  // Indices come first: if an item is missing and there is another key, that key comes after `length`.
  return keys.length === value.length + 1 && keys[value.length] === 'length'
}

function hasCopyableFields(value: object, depth: number): boolean {
  const names = dataFieldsOf(value)
  if (names === undefined) return false
  for (const name of names)
    if (!isCopyableAt((value as Record<string, unknown>)[name], depth + 1)) return false
  return true
}

/** The names of an object's fields; `undefined` if it has accessors, symbol keys or hidden fields, too. */
export function dataFieldsOf(value: object): readonly string[] | undefined {
  const names = Object.keys(value)
  if (Reflect.ownKeys(value).length !== names.length) return undefined
  for (const name of names) {
    const property = Object.getOwnPropertyDescriptor(value, name)
    if (property === undefined || property.get !== undefined || property.set !== undefined) return undefined
  }
  return names
}

export function isBare(value: object): boolean {
  return Reflect.ownKeys(value).length === 0
}

function everyItem(items: Iterable<unknown>, depth: number): boolean {
  for (const item of items) {
    if (!isCopyableAt(item, depth + 1)) return false
  }
  return true
}

/** Freezes a value and everything that it contains, except for bytes and dates, which cannot be frozen. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value))
    return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}
