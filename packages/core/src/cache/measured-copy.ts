import { copyView, dataFieldsOf, isBare, isDecimal, isPlainArray, MAX_COPY_DEPTH } from '../shared/copy.ts'
import {
  arrayBytes,
  DATE_BYTES,
  estimateBytes,
  leafBytes,
  mapBytes,
  objectBytes,
  setBytes,
  viewBytes,
} from './estimate-bytes.ts'

/** There is no exact copy. */
const NONE = Symbol('none')

/**
 * A copy that shares no object with the value, and its size, in one walk: like `isCopyable`, `copyValue` and
 * `estimateBytes` after each other, but no part of a large value is only estimated.
 *
 * @returns `undefined` if there is no exact copy: see `isCopyable`.
 */
export function measuredCopy<T>(value: T): { readonly value: T; readonly bytes: number } | undefined {
  const walk = new MeasuredCopy()
  const copy = walk.copy(value, 0)
  return copy === NONE ? undefined : { value: copy as T, bytes: walk.bytes }
}

class MeasuredCopy {
  bytes = 0

  copy(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null) {
      if (typeof value === 'function' || typeof value === 'symbol') return NONE
      this.bytes += leafBytes(value)
      return value
    }
    if (depth > MAX_COPY_DEPTH) return NONE
    if (Array.isArray(value)) return isPlainArray(value) ? this.#array(value, depth) : NONE
    const prototype: unknown = Object.getPrototypeOf(value)
    return prototype === Object.prototype || prototype === null
      ? this.#fields(value as Record<string, unknown>, prototype === null, depth)
      : this.#other(value, prototype, depth)
  }

  #array(items: readonly unknown[], depth: number): unknown {
    const { bytes } = this
    const copy = items.slice()
    let isNumeric = true
    for (let at = 0; at < copy.length; at++) {
      isNumeric &&= typeof copy[at] === 'number'
      const item = this.copy(copy[at], depth + 1)
      if (item === NONE) return NONE
      copy[at] = item
    }
    // An array that contains only numbers stores them unboxed in its slots.
    if (isNumeric) this.bytes = bytes
    this.bytes += arrayBytes(copy.length)
    return copy
  }

  #fields(value: Record<string, unknown>, isBareObject: boolean, depth: number): unknown {
    const names = dataFieldsOf(value)
    if (names === undefined) return NONE
    // A spread takes over the hidden class in one step and defines fields rather than assigning them, so
    // `__proto__` is safe.
    const copy: Record<string, unknown> = isBareObject ? { __proto__: null, ...value } : { ...value }
    for (const name of names) {
      const field = copy[name]
      const own = this.copy(field, depth + 1)
      if (own === NONE) return NONE
      if (own !== field) copy[name] = own
    }
    this.bytes += objectBytes(names, isBareObject)
    return copy
  }

  #other(value: object, prototype: unknown, depth: number): unknown {
    switch (prototype) {
      case Date.prototype:
        this.bytes += DATE_BYTES
        return isBare(value) ? new Date((value as Date).getTime()) : NONE
      case Buffer.prototype:
      case Uint8Array.prototype: {
        const copy = copyView(value as Uint8Array)
        this.bytes += viewBytes(copy as Uint8Array)
        return copy
      }
      case Map.prototype:
        return isBare(value) ? this.#map(value as Map<unknown, unknown>, depth) : NONE
      case Set.prototype:
        return isBare(value) ? this.#set(value as Set<unknown>, depth) : NONE
      default:
        if (!isDecimal(value)) return NONE
        this.bytes += estimateBytes(value)
        return value
    }
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): unknown {
    const copy = new Map<unknown, unknown>()
    for (const [key, item] of value) {
      const [ownKey, own] = [this.copy(key, depth + 1), this.copy(item, depth + 1)]
      if (ownKey === NONE || own === NONE) return NONE
      copy.set(ownKey, own)
    }
    this.bytes += mapBytes(copy.size)
    return copy
  }

  #set(value: ReadonlySet<unknown>, depth: number): unknown {
    const copy = new Set<unknown>()
    for (const item of value) {
      const own = this.copy(item, depth + 1)
      if (own === NONE) return NONE
      copy.add(own)
    }
    this.bytes += setBytes(copy.size)
    return copy
  }
}
