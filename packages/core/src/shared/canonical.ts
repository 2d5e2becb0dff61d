import { isDecimal } from './copy.ts'

const MAX_DEPTH = 64
const NEEDS_ESCAPE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/

export interface CanonicalKeyOptions {
  /**
   * Omits fields whose value is `undefined`, as an ORM can read them. Elements of arrays remain.
   * @defaultValue true
   */
  readonly dropUndefined?: boolean
}

/**
 * Returns a string that is equal for equal values and different for different ones. The order of fields does
 * not matter. `1`, `'1'`, `1n`, `true`, `null`, `undefined`, a date, bytes and a decimal are all different;
 * `-0` and `0` differ, equal decimals of different notation do not. A `Buffer` equals a `Uint8Array` of the
 * same bytes, and an object without a prototype a plain one.
 *
 * @returns `undefined` if the value contains anything else (a function, a symbol, an instance of another
 * class, a hole, a cycle, more than 64 levels): equality is then unknown, and the caller must not share
 * anything under a key.
 */
export function canonicalKey(value: unknown, options: CanonicalKeyOptions = {}): string | undefined {
  return write(value, options.dropUndefined ?? true, 0)
}

function write(value: unknown, dropUndefined: boolean, depth: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      return value === null
        ? 'null'
        : depth > MAX_DEPTH
          ? undefined
          : writeObject(value, dropUndefined, depth)
    default:
      return undefined
  }
}

/** JSON's notation. Most strings have nothing to escape, and checking is faster than `JSON.stringify`. */
function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`
}

function writeObject(value: object, dropUndefined: boolean, depth: number): string | undefined {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null)
    return writeFields(value as Record<string, unknown>, dropUndefined, depth)
  if (Array.isArray(value))
    return prototype === Array.prototype ? writeItems(value, dropUndefined, depth) : undefined
  if (prototype === Date.prototype) return `Date(${(value as Date).getTime()})`
  if (prototype === Buffer.prototype) return `Bytes(${(value as Buffer).toString('base64')})`
  if (prototype === Uint8Array.prototype) {
    const { buffer, byteOffset, byteLength } = value as Uint8Array
    return `Bytes(${Buffer.from(buffer, byteOffset, byteLength).toString('base64')})`
  }
  return isDecimal(value) ? `Decimal(${value.toFixed()})` : undefined
}

function writeFields(
  fields: Record<string, unknown>,
  dropUndefined: boolean,
  depth: number,
): string | undefined {
  if (Object.getOwnPropertySymbols(fields).length > 0) return undefined
  let text = '{'
  for (const name of Object.keys(fields).sort()) {
    const field = fields[name]
    if (field === undefined && dropUndefined) continue
    const written = write(field, dropUndefined, depth + 1)
    if (written === undefined) return undefined
    text += `${quote(name)}:${written},`
  }
  return `${text}}`
}

function writeItems(items: readonly unknown[], dropUndefined: boolean, depth: number): string | undefined {
  let text = '['
  for (let index = 0; index < items.length; index++) {
    const item = items[index]
    if (item === undefined && !Object.hasOwn(items, index)) return undefined
    const written = write(item, dropUndefined, depth + 1)
    if (written === undefined) return undefined
    text += `${written},`
  }
  return `${text}]`
}
