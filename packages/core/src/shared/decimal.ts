/** A decimal number as decimal.js makes it, Prisma's included: immutable, of any precision. */
export interface DecimalLike {
  /** The number in plain notation, all its digits. */
  toFixed(): string
}

/**
 * Whether a value is an instance of decimal.js's class. Copies of that class differ between libraries and its name does not
 * survive every minifier, so its own mark and its own fields decide.
 */
export function isDecimal(value: object): value is DecimalLike {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return false
  if (prototype.toStringTag !== '[object Decimal]' && prototype.constructor?.name !== 'Decimal') return false
  return typeof prototype.toFixed === 'function' && Object.hasOwn(value, 's') && Object.hasOwn(value, 'e') && Object.hasOwn(value, 'd')
}
