import { InvalidArgumentError } from '../../shared/errors.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { type Token, tokenize } from '../../sql/tokenize.ts'

/**
 * Formats a value as a literal.
 *
 * On PostgreSQL, literals have no type, like bound values, and are read the same way. A `Date` is the time in
 * UTC; on SQLite, it is the number of milliseconds since 1970.
 *
 * @throws InvalidArgumentError for a value that the database does not support.
 */
export function literalOf(value: unknown, dialect: Dialect): string {
  if (value === null) return 'NULL'
  return literals[dialect](value)
}

const literals: Readonly<Record<Dialect, (value: unknown) => string>> = { postgresql, sqlite, mysql }

function postgresql(value: unknown): string {
  if (value instanceof Uint8Array) return postgresqlString(`\\x${hexOf(value)}`)
  if (Array.isArray(value)) return postgresqlString(arrayText(value))
  return postgresqlString(
    textOf(value, (date) => date.toISOString().replace('T', ' ').replace('Z', '+00:00')),
  )
}

function postgresqlString(text: string): string {
  if (text.includes('\0')) throw unbindable('a string without NUL', text)
  const doubled = text.replaceAll("'", "''")
  return doubled.includes('\\') ? `E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`
}

/** As PostgreSQL writes arrays. */
function arrayText(values: readonly unknown[]): string {
  const element = (value: unknown): string => {
    if (value === null || value === undefined) return 'NULL'
    if (Array.isArray(value)) return arrayText(value)
    const text =
      value instanceof Uint8Array ? `\\x${hexOf(value)}` : textOf(value, (date) => date.toISOString())
    return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  }
  return `{${values.map(element).join(',')}}`
}

function sqlite(value: unknown): string {
  if (value instanceof Uint8Array) return `X'${hexOf(value)}'`
  if (typeof value === 'number' || typeof value === 'bigint') return sqliteNumber(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (value instanceof Date) return sqliteNumber(value.getTime())
  if (Array.isArray(value)) throw unbindable('a value that SQLite binds', value)
  const text = textOf(value)
  return text.includes('\0')
    ? `CAST(X'${hexOf(Buffer.from(text))}' AS TEXT)`
    : `'${text.replaceAll("'", "''")}'`
}

function sqliteNumber(value: number | bigint): string {
  if (Number.isNaN(value)) return 'NULL'
  if (value === Number.POSITIVE_INFINITY) return '9e999'
  return value === Number.NEGATIVE_INFINITY ? '(-9e999)' : signed(value)
}

function mysql(value: unknown): string {
  if (value instanceof Uint8Array) return `X'${hexOf(value)}'`
  if (typeof value === 'bigint') return signed(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw unbindable('a finite number', value)
    return signed(value)
  }
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  // A list, for IN.
  if (Array.isArray(value)) return value.map((item) => literalOf(item, 'mysql')).join(', ')
  const text = textOf(value, (date) => date.toISOString().replace('T', ' ').replace('Z', ''))
  // Whether a backslash escapes is a setting; a hexadecimal literal means the same under each.
  if (text.includes('\\') || text.includes('\0')) return `_utf8mb4 X'${hexOf(Buffer.from(text))}'`
  return `'${text.replaceAll("'", "''")}'`
}

/** Two adjacent minus signs would begin a comment. */
function signed(value: number | bigint): string {
  return value < 0 || Object.is(value, -0) ? `(${Object.is(value, -0) ? '-0' : value})` : String(value)
}

function textOf(value: unknown, dateText: (date: Date) => string = (date) => date.toISOString()): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      if (value instanceof Date) {
        if (Number.isNaN(value.getTime())) throw unbindable('a valid date', value)
        return dateText(value)
      }
      return JSON.stringify(value)
    default:
      throw unbindable('a value that can be bound', value)
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

function unbindable(expected: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError('bindings', expected, value)
}

/**
 * Replaces the parameters of a statement by literals.
 *
 * @param bindings - By position, regardless of the dialect's numbering.
 * @throws InvalidArgumentError if a value is missing or cannot be written; SqlSyntaxError if the SQL cannot
 * be tokenized.
 */
export function inlineValues(sql: string, dialect: Dialect, bindings: readonly unknown[]): string {
  // In parts: to read the end of a string that is being built copies it.
  const parts: string[] = []
  let end = 0
  for (const { token, place } of parametersOf(sql, dialect)) {
    const value = bindings[place]
    if (value === undefined)
      throw new InvalidArgumentError('bindings', `a value for each parameter (${token.text})`, bindings)
    const before = sql.slice(end, token.start)
    const literal = literalOf(value, dialect)
    // `LIMIT?` and `?AND` are not words.
    parts.push(before, isNamePart((before || parts.at(-1))?.at(-1)) ? ` ${literal}` : literal)
    if (isNamePart(sql[token.end])) parts.push(' ')
    end = token.end
  }
  return parts.join('') + sql.slice(end)
}

function isNamePart(character: string | undefined): boolean {
  return character !== undefined && /[\w$\u0080-\uffff]/.test(character)
}

/** A parameter of a statement: its location, and the index of its value among the bindings, from 0. */
export interface Parameter {
  readonly token: Token
  readonly place: number
}

/**
 * The parameters of a statement, in order, without those in strings and comments.
 *
 * @throws SqlSyntaxError if the SQL cannot be tokenized.
 */
export function parametersOf(sql: string, dialect: Dialect): readonly Parameter[] {
  const named = new Map<string, number>()
  let next = 0
  const placeOf = (text: string): number | undefined => {
    if (dialect === 'postgresql') return /^\$[1-9]\d*$/.test(text) ? Number(text.slice(1)) - 1 : undefined
    if (text === '?') return next++
    // MySQL's `@name` is a variable of the session.
    if (dialect === 'mysql') return undefined
    const number = /^\?(\d+)$/.exec(text)?.[1]
    const place = number === undefined ? (named.get(text) ?? next) : Number(number) - 1
    named.set(text, place)
    next = Math.max(next, place + 1)
    return place
  }
  return tokenize(sql, dialect).flatMap((token) => {
    const place = token.kind === 'parameter' ? placeOf(token.text) : undefined
    return place === undefined ? [] : [{ token, place }]
  })
}

/** Number of values that a statement needs. */
export function bindingCount(parameters: readonly Parameter[]): number {
  return parameters.reduce((most, { place }) => Math.max(most, place + 1), 0)
}
