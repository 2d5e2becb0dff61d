import type { Dialect } from './dialect.ts'

/**
 * Whether a PostgreSQL literal, read as a date, has a different value each day: `'now'`, `'tomorrow 10:00'`.
 */
export function isRelativeDate(literal: string): boolean {
  // Escapes are not decoded.
  if (/^(?:e|u&)'.*\\/is.test(literal)) return true
  // Longer strings are prose; PostgreSQL ignores white space.
  return literal.replace(/\s+/g, ' ').length < 48 && /\b(?:now|today|tomorrow|yesterday)\b/i.test(literal)
}

/**
 * Whether a bound value can be read as the time at which the statement runs. Only PostgreSQL reads such
 * strings.
 */
export function bindsRelativeDate(values: readonly unknown[], dialect: Dialect): boolean {
  return dialect === 'postgresql' && values.some(isRelative)
}

function isRelative(value: unknown): boolean {
  if (typeof value === 'string') return isRelativeDate(value)
  return Array.isArray(value) && value.some(isRelative)
}
