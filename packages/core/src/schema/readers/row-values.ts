import { describe, SluiceError } from '../../shared/errors.ts'
import type { ReferentialAction } from '../catalog-data.ts'

/** A row as returned by a driver: a count can be a number, a bigint or a string; a string can be bytes. */
export type Row = Readonly<Record<string, unknown>>

const decoder = new TextDecoder()

/** @throws SluiceError `SLUICE_INVALID_CATALOG`, if the value is not a string. */
export function textOf(row: Row, column: string): string {
  const text = optionalTextOf(row, column)
  if (text === undefined)
    throw new SluiceError('SLUICE_INVALID_CATALOG', `Column "${column}": expected text, got null.`)
  return text
}

/** A string, or `undefined` for null. */
export function optionalTextOf(row: Row, column: string): string | undefined {
  const value = row[column]
  if (value === null) return undefined
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return decoder.decode(value)
  throw new SluiceError(
    'SLUICE_INVALID_CATALOG',
    `Column "${column}": expected text, got ${describe(value)}.`,
  )
}

export function integerOf(row: Row, column: string): number {
  const value = row[column]
  const integer = typeof value === 'string' || typeof value === 'bigint' ? Number(value) : value
  if (typeof integer === 'number' && Number.isSafeInteger(integer)) return integer
  throw new SluiceError(
    'SLUICE_INVALID_CATALOG',
    `Column "${column}": expected an integer, got ${describe(value)}.`,
  )
}

/** A boolean, also as `0` and `1`, or in PostgreSQL's text format. */
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

/**
 * The action of a foreign key, as written in SQL. An unknown action counts as `Cascade`, which affects the
 * most rows.
 */
export function referentialAction(sql: string): ReferentialAction {
  return actions[sql.toUpperCase()] ?? 'Cascade'
}
