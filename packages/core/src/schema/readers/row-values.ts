import { describe, SluiceError } from '../../shared/errors.ts'
import type { ReferentialAction } from '../catalog-data.ts'

/** A row as a driver gives it: a count may be a number, a bigint or text; text may be bytes. */
export type Row = Readonly<Record<string, unknown>>

const decoder = new TextDecoder()

/** @throws SluiceError `SLUICE_INVALID_CATALOG`, when the value is no text. */
export function textOf(row: Row, column: string): string {
  const text = optionalTextOf(row, column)
  if (text === undefined) throw new SluiceError('SLUICE_INVALID_CATALOG', `Column "${column}": expected text, got null.`)
  return text
}

/** Text, or `undefined` for null. */
export function optionalTextOf(row: Row, column: string): string | undefined {
  const value = row[column]
  if (value === null) return undefined
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return decoder.decode(value)
  throw new SluiceError('SLUICE_INVALID_CATALOG', `Column "${column}": expected text, got ${describe(value)}.`)
}

export function integerOf(row: Row, column: string): number {
  const value = row[column]
  const integer = typeof value === 'string' || typeof value === 'bigint' ? Number(value) : value
  if (typeof integer === 'number' && Number.isSafeInteger(integer)) return integer
  throw new SluiceError('SLUICE_INVALID_CATALOG', `Column "${column}": expected an integer, got ${describe(value)}.`)
}

/** A boolean, also as `0` and `1` or as PostgreSQL writes it in text. */
export function flagOf(row: Row, column: string): boolean {
  const value = row[column]
  if (typeof value === 'boolean') return value
  if (value === 't' || value === 'true') return true
  if (value === 'f' || value === 'false') return false
  return integerOf(row, column) !== 0
}

const actions: Readonly<Record<string, ReferentialAction>> = {
  CASCADE: 'Cascade',
  'SET NULL': 'SetNull',
  'SET DEFAULT': 'SetDefault',
  RESTRICT: 'Restrict',
  'NO ACTION': 'NoAction',
}

/** The action of a foreign key as SQL writes it. One that is not known counts as `Cascade`, which reaches furthest. */
export function referentialAction(sql: string): ReferentialAction {
  return actions[sql.toUpperCase()] ?? 'Cascade'
}
