import type { Row } from '../../schema/readers/row-values.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { tokenize } from '../../sql/tokenize.ts'
import type { ColumnStatistics, DatabaseSnapshot, StatisticsValue } from './database-snapshot.ts'

/**
 * Converts a number from any driver (some return `bigint` and decimals as strings); `undefined` for null and
 * for values that are not finite numbers.
 */
export function numberOf(row: Row, column: string): number | undefined {
  const value = row[column]
  if (value === null || value === undefined || value === '') return undefined
  const number =
    typeof value === 'number'
      ? value
      : Number(value instanceof Uint8Array ? Buffer.from(value).toString() : value)
  return Number.isFinite(number) ? number : undefined
}

/** `11.8.6-MariaDB-log` is 11, 8 and 6; missing parts are 0. */
export function versionParts(version: string): readonly [number, number, number] {
  const [, major = 0, minor = 0, patch = 0] = /(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(version) ?? []
  return [Number(major), Number(minor), Number(patch)]
}

/** At most `most` of a list, evenly, with its first and its last. `most` is 2 at least. */
export function thinned<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list
  const step = (list.length - 1) / (most - 1)
  return Array.from({ length: most }, (_, at) => list[Math.round(at * step)] as T)
}

/** A snapshot without its time. */
export type Inspected = Omit<DatabaseSnapshot, 'dialect' | 'takenAt'>

/** The first column that an expression of an index names; `''` where none is found. */
export function columnWithin(expression: string, columns: readonly string[], dialect: Dialect): string {
  const fold = (name: string) => (dialect === 'postgresql' ? name : name.toLowerCase())
  const known = new Map(columns.map((name) => [fold(name), name]))
  try {
    const tokens = tokenize(expression, dialect)
    for (const [at, { kind, text }] of tokens.entries()) {
      if (kind !== 'word' && kind !== 'quoted') continue
      const name = known.get(fold(text))
      const isCall = kind === 'word' && tokens[at + 1]?.text === '('
      if (name !== undefined && !isCall) return name
    }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
  }
  return ''
}

/**
 * A typical value of a column, from its statistics; `undefined` if there are none.
 *
 * @param nth - Number of values that were used before: those of an IN must differ.
 * @param isHeavy - Whether to use a value of many rows; otherwise, one from the middle.
 */
export function likelyValue(
  { common, bounds }: ColumnStatistics,
  nth: number,
  isHeavy: boolean,
): StatisticsValue | undefined {
  if (isHeavy && common.length > 0) return common[nth % common.length]?.value
  if (bounds.length > 0) return bounds[(Math.floor(bounds.length / 2) + nth) % bounds.length]
  return common[(Math.floor(common.length / 2) + nth) % Math.max(1, common.length)]?.value
}

/** The values of a column in order; where all are common ones, those. */
export function valuesInOrder({ bounds, common }: ColumnStatistics): readonly StatisticsValue[] {
  if (bounds.length > 1) return bounds
  return thinned(common.map(({ value }) => value).sort(inOrder), 101)
}

/** Compares as numbers if both are, regardless of the database's notation. */
export function inOrder(left: StatisticsValue, right: StatisticsValue): number {
  const difference = Number(left) - Number(right)
  if (!Number.isNaN(difference)) return difference
  return left < right ? -1 : left > right ? 1 : 0
}
