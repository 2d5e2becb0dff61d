import type { Aggregate } from './select-parts.ts'

type Row = Record<string, unknown>

/**
 * What a key without rows gives: zero for each count, in the form in which the driver gives the counts of other keys, and null else.
 * `undefined` where the sample's names do not tell which value is which.
 *
 * @param sample - The aggregates of another key, and nothing besides.
 */
export function emptyTotals(sample: Row, aggregates: readonly Aggregate[]): Row | undefined {
  const isCount = aggregates.flatMap(({ method, outputs }) => outputs.map(() => method === 'count'))
  const names = Object.keys(sample)
  if (names.length !== isCount.length) return undefined
  const empty = Object.create(Object.getPrototypeOf(sample) as object | null) as Row
  for (const [at, name] of names.entries()) empty[name] = isCount[at] === true ? zeroLike(sample[name]) : null
  return empty
}

function zeroLike(count: unknown): unknown {
  if (typeof count === 'string') return '0'
  return typeof count === 'bigint' ? 0n : 0
}
