import type { Row } from '../../schema/readers/row-values.ts'
import type { DatabaseSnapshot } from './database-snapshot.ts'

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
