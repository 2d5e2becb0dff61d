import type {
  ColumnSnapshot,
  ColumnStatistics,
  StatisticsValue,
  TableSnapshot,
} from '../inspectors/database-snapshot.ts'
import { thinned } from '../inspectors/row-values.ts'
import type { TableSample } from './sample-table.ts'

export const MAX_COMMON = 100
export const MAX_BOUNDS = 101

export interface SampleStatistics {
  readonly columns: ReadonlyMap<string, ColumnStatistics>
  /**
   * How many distinct combinations of values some columns of the sample have in the table; null is a value,
   * unless it is one column alone.
   */
  distinctOf(columns: readonly string[]): number
}

/**
 * Estimates statistics of the whole table from a sample.
 *
 * @param table - The inspected table; the sample is from its rows.
 */
export function statisticsFromSample(
  sample: TableSample,
  table: Pick<TableSnapshot, 'rows' | 'columns'>,
): SampleStatistics {
  const rows = Math.max(table.rows, sample.rows.length)
  const columnAt = sample.columns.map((name) => table.columns.find((column) => column.name === name))
  const keyAt = (row: readonly unknown[], at: number) => keyOf(row[at], ignoresCase(sample, columnAt[at]))
  const columns = new Map(
    sample.columns.map((name, at) => [name, columnStatistics(sample.rows, at, keyAt, rows)]),
  )
  const combined = new Map<string, number>()
  return {
    columns,
    distinctOf(names) {
      const [only] = names
      const known = names.length === 1 && only !== undefined ? columns.get(only)?.distinct : undefined
      if (known !== undefined) return known
      const places = names.map((name) => sample.columns.indexOf(name)).filter((at) => at >= 0)
      const id = places.join()
      const estimate =
        combined.get(id) ??
        estimateDistinct(
          countsOf(sample.rows, (row) => JSON.stringify(places.map((at) => keyAt(row, at)))).values(),
          rows,
        )
      combined.set(id, estimate)
      return estimate
    },
  }
}

function columnStatistics(
  sample: readonly (readonly unknown[])[],
  at: number,
  keyAt: (row: readonly unknown[], at: number) => string,
  rows: number,
): ColumnStatistics {
  const present = sample.filter((row) => row[at] !== null && row[at] !== undefined)
  const nullShare = sample.length === 0 ? 0 : 1 - present.length / sample.length
  const counts = countsOf(present, (row) => keyAt(row, at))
  const distinct = estimateDistinct(counts.values(), Math.round(rows * (1 - nullShare)))
  const common = commonOf(counts, distinct, present.length)
  const values = new Map(present.map((row) => [keyAt(row, at), bindingOf(row[at])]))
  const others = present.filter((row) => !common.has(keyAt(row, at))).map((row) => values.get(keyAt(row, at)))
  return {
    distinct,
    nullShare,
    ...(present.length === 0
      ? {}
      : { averageWidth: present.reduce((sum, row) => sum + widthOf(row[at]), 0) / present.length }),
    common: [...common].flatMap(([key, count]) => {
      const value = values.get(key)
      return value === undefined ? [] : [{ value, share: count / sample.length }]
    }),
    bounds: thinned(others.filter((value) => value !== undefined).sort(inOrder), MAX_BOUNDS),
  }
}

/**
 * Values that are at least 25% more frequent than the average; if all values were seen, all of them. Most
 * common first.
 */
function commonOf(
  counts: ReadonlyMap<string, number>,
  distinct: number,
  size: number,
): ReadonlyMap<string, number> {
  const sorted = [...counts].sort(([, left], [, right]) => right - left)
  const isComplete = distinct === counts.size && counts.size <= MAX_COMMON
  const least = isComplete ? 1 : Math.max(2, (1.25 * size) / distinct)
  return new Map(sorted.slice(0, MAX_COMMON).filter(([, count]) => count >= least))
}

function countsOf(
  rows: readonly (readonly unknown[])[],
  keyOfRow: (row: readonly unknown[]) => string,
): Map<string, number> {
  const counts = new Map<string, number>()
  for (const row of rows) {
    const key = keyOfRow(row)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

function ignoresCase({ dialect }: TableSample, column: ColumnSnapshot | undefined): boolean {
  if (column?.type !== 'text') return false
  if (dialect === 'mysql') return !/_(?:bin|cs)$|_as_cs/.test(column.collation ?? '')
  return column.collation === 'NOCASE'
}

function keyOf(value: unknown, isFolded: boolean): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return `"${isFolded ? value.toLowerCase() : value}`
  if (value instanceof Uint8Array) return `x${Buffer.from(value).toString('base64')}`
  if (value instanceof Date) return `d${value.getTime()}`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** `undefined` for values without a string or number. */
function bindingOf(value: unknown): StatisticsValue | undefined {
  if (typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'boolean') return Number(value)
  return value instanceof Date ? value.toISOString() : undefined
}

function widthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  return value instanceof Uint8Array ? value.byteLength : 8
}

/** Numbers before strings, like SQLite's order. */
function inOrder(left: StatisticsValue, right: StatisticsValue): number {
  if (typeof left === 'number') return typeof right === 'number' ? left - right : -1
  if (typeof right === 'number') return 1
  return left < right ? -1 : left > right ? 1 : 0
}

/**
 * How many distinct values a column has, from those of a sample: the estimator Duj1 of Haas and Stokes
 * ("Estimating the number of classes in a finite population", IBM Research Report RJ 10025), which
 * PostgreSQL's ANALYZE uses, too.
 *
 * @param counts - How often each distinct value is in the sample.
 * @param rows - Rows of the whole table that have a value.
 * @returns At least the number of values seen, and 1; at most `rows`, where that is more.
 */
export function estimateDistinct(counts: Iterable<number>, rows: number): number {
  let seen = 0
  let once = 0
  let size = 0
  for (const count of counts) {
    seen++
    size += count
    if (count === 1) once++
  }
  if (size === 0) return 1
  const all = Math.max(rows, size)
  const estimate = (size * seen) / (size - once + (once * size) / all)
  return Math.max(1, seen, Math.min(all, Math.round(estimate)))
}
