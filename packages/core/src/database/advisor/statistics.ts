import type { TableId } from '../../schema/catalog-data.ts'
import type { Connection } from '../../schema/connection.ts'
import type { ValueTerm } from '../../sql/tree/query-tree.ts'
import type { ColumnStatistics, StatisticsValue, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { sampleTable } from '../sampling/sample-table.ts'
import { type SampleStatistics, statisticsFromSample } from '../sampling/statistics-from-sample.ts'
import type { ColumnCondition, StatementUse, TableConditions } from './table-use.ts'

/** How the values of columns are spread, for what decides about indexes. */
export interface Statistics {
  /** `undefined` where nothing is known of a column. */
  column(table: TableSnapshot, column: string): ColumnStatistics | undefined
  /** Distinct rows of several columns, at least 1. */
  distinct(table: TableSnapshot, columns: readonly string[]): number
}

/** Statistics of the catalog; combined columns count as half as independent as they could be. */
export class CatalogStatistics implements Statistics {
  column(table: TableSnapshot, column: string): ColumnStatistics | undefined {
    return table.columns.find(({ name }) => name === column)?.statistics
  }

  distinct(table: TableSnapshot, columns: readonly string[]): number {
    const rows = Math.max(1, table.rows)
    const numbers = columns
      .map((column) => this.column(table, column)?.distinct ?? Math.sqrt(rows))
      .sort((a, b) => b - a)
    // Each further column is less selective: its square root, its fourth root, …
    const product = numbers.reduce((all, number, at) => all * number ** (1 / 2 ** at), 1)
    return Math.max(1, Math.min(rows, product))
  }
}

/**
 * Statistics of the columns in conditions of the statements, from a sample of each table. Tables that cannot
 * be read have no statistics.
 *
 * @throws Nothing for a table that cannot be sampled.
 */
export async function sampledStatistics(
  connection: Connection,
  uses: readonly StatementUse[],
): Promise<Statistics> {
  const requested = new Map<TableSnapshot, Set<string>>()
  for (const { table, columns } of uses
    .flatMap((use) => use.uses)
    .map((use) => ({ table: use.table, columns: columnsOf(use) }))) {
    const known = requested.get(table) ?? new Set(indexedColumns(table))
    requested.set(table, known)
    for (const column of columns) known.add(column)
  }
  const samples = new Map<TableId, SampleStatistics>()
  for (const [table, columns] of requested) {
    if (table.kind === 'view' || columns.size === 0) continue
    try {
      samples.set(table.id, statisticsFromSample(await sampleTable(connection, table, [...columns]), table))
    } catch {
      // No right to read it: the guesses for unknown columns stand.
    }
  }
  return new SampledStatistics(samples)
}

class SampledStatistics implements Statistics {
  readonly #guesses = new CatalogStatistics()

  constructor(private readonly samples: ReadonlyMap<TableId, SampleStatistics>) {}

  column(table: TableSnapshot, column: string): ColumnStatistics | undefined {
    return this.samples.get(table.id)?.columns.get(column)
  }

  distinct(table: TableSnapshot, columns: readonly string[]): number {
    const sample = this.samples.get(table.id)
    const isKnown = sample !== undefined && columns.every((column) => sample.columns.has(column))
    return isKnown ? sample.distinctOf(columns) : this.#guesses.distinct(table, columns)
  }
}

function columnsOf(use: StatementUse['uses'][number]): string[] {
  const own = (arm: TableConditions) => [
    ...arm.conditions.map(({ column }) => column),
    ...arm.joins.map(({ column }) => column),
  ]
  return [
    ...own(use),
    ...use.alternatives.flat().flatMap(own),
    ...use.rowComparisons.flatMap(({ columns }) => columns),
    ...use.order.map(({ column }) => column),
    ...use.group,
  ]
}

function indexedColumns({ indexes, primaryKey }: TableSnapshot): string[] {
  return [...primaryKey, ...indexes.flatMap(({ keys }) => keys.map(({ column }) => column))]
}

/** Shares of conditions whose values are not known, about what planners take. */
const UNKNOWN = { equal: 0.005, range: 1 / 3, between: 0.1, like: 0.05, null: 0.01, in: 10 }

/**
 * The share of a table's rows that match a condition, 0 to 1.
 *
 * @param statistics - Statistics of the condition's column.
 * @param bindings - Parameter values of the statement; omitted if they are unknown.
 */
export function shareOf(
  condition: ColumnCondition,
  statistics: ColumnStatistics | undefined,
  bindings?: readonly unknown[],
): number {
  const share = plainShare(condition, statistics, bindings)
  return Math.min(1, Math.max(0, condition.negated ? 1 - (statistics?.nullShare ?? 0) - share : share))
}

function plainShare(
  { operator, values, isSubquery, call, negated }: ColumnCondition,
  statistics: ColumnStatistics | undefined,
  bindings?: readonly unknown[],
): number {
  const known = values.map((term) => termValue(term, bindings))
  const [first, second] = known
  switch (operator) {
    case 'is null':
      return statistics?.nullShare ?? UNKNOWN.null
    case 'is not null':
      return 1 - (statistics?.nullShare ?? UNKNOWN.null)
    case '=':
      return equalShare(statistics, call === undefined ? first : undefined)
    case '<>':
      return 1 - (statistics?.nullShare ?? 0) - equalShare(statistics, first)
    case 'in':
      if (isSubquery || known.length === 0)
        return Math.min(negated ? 0 : 0.5, UNKNOWN.in * equalShare(statistics, undefined))
      // The one value of `= ANY ($1)` is a list.
      return known
        .flat()
        .reduce<number>((sum, value) => sum + (value === null ? 0 : equalShare(statistics, value)), 0)
    case 'between':
      return first === undefined || second === undefined
        ? UNKNOWN.between
        : Math.max(0, below(statistics, second) - below(statistics, first))
    case '<':
    case '<=':
      return first === undefined ? UNKNOWN.range : below(statistics, first)
    case '>':
    case '>=':
      return first === undefined ? UNKNOWN.range : 1 - (statistics?.nullShare ?? 0) - below(statistics, first)
    case 'like':
    case 'ilike':
    case 'glob':
      return likeShare(statistics, operator, first)
    case 'match':
      return UNKNOWN.like
  }
}

/** A bound value, or that of a literal. `undefined`: not known. */
export function termValue(term: ValueTerm, bindings?: readonly unknown[]): unknown {
  if (term.kind === 'parameter') return bindings?.[term.place]
  if (term.kind === 'pattern') {
    const value = bindings?.[term.place]
    return value === undefined || value === null ? value : `${term.before}${String(value)}${term.after}`
  }
  return term.kind === 'literal' ? literalValue(term.text) : undefined
}

function literalValue(text: string): unknown {
  const upper = text.toUpperCase()
  if (upper === 'NULL') return null
  if (upper === 'TRUE') return true
  if (upper === 'FALSE') return false
  const quoted = /^[a-z]*(['"])([\s\S]*)\1$/i.exec(text)
  if (quoted !== null) return quoted[2]?.replaceAll(`${quoted[1]}${quoted[1]}`, quoted[1] ?? '')
  const number = Number(text)
  return text.trim() === '' || Number.isNaN(number) ? undefined : number
}

function equalShare(statistics: ColumnStatistics | undefined, value: unknown): number {
  if (value === null) return 0
  if (statistics === undefined) return UNKNOWN.equal
  const { common, distinct, nullShare } = statistics
  const inCommon = common.reduce((sum, { share }) => sum + share, 0)
  if (value !== undefined) {
    const found = common.find((candidate) => same(candidate.value, value))
    if (found !== undefined) return found.share
    return Math.max(0, 1 - nullShare - inCommon) / Math.max(1, distinct - common.length)
  }
  // Between the mean and that of the most common value, which is asked for more often than others.
  const mean = (1 - nullShare) / Math.max(1, distinct)
  return (mean + (common[0]?.share ?? mean)) / 2
}

/** The share of rows whose value is less than one. */
function below(statistics: ColumnStatistics | undefined, value: unknown): number {
  if (statistics === undefined || value === null || value === undefined)
    return value === null ? 0 : UNKNOWN.range
  const { common, bounds, nullShare } = statistics
  const inCommon = common.reduce((sum, { share }) => sum + share, 0)
  const ofCommon = common.reduce((sum, entry) => sum + (compare(entry.value, value) < 0 ? entry.share : 0), 0)
  if (bounds.length < 2) return ofCommon
  const rest = Math.max(0, 1 - nullShare - inCommon)
  return ofCommon + rest * position(bounds, value)
}

/** Relative position of a value among sorted ones, 0 to 1. */
function position(bounds: readonly StatisticsValue[], value: unknown): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(bounds[middle] as StatisticsValue, value) < 0) low = middle + 1
    else high = middle
  }
  if (low === 0) return 0
  if (low === bounds.length) return 1
  const [before, after] = [Number(bounds[low - 1]), Number(bounds[low])]
  const within = after > before ? (Number(value) - before) / (after - before) : Number.NaN
  return (low - 1 + (Number.isNaN(within) ? 0.5 : within)) / (bounds.length - 1)
}

function likeShare(
  statistics: ColumnStatistics | undefined,
  operator: 'like' | 'ilike' | 'glob',
  pattern: unknown,
): number {
  if (typeof pattern !== 'string' || statistics === undefined) return UNKNOWN.like
  const prefix = prefixOf(pattern, operator)
  const isCaseless = operator !== 'glob'
  const matches = (value: StatisticsValue) => startsWith(String(value), prefix, isCaseless)
  const inCommon = statistics.common.reduce((sum, { share }) => sum + share, 0)
  const ofCommon = statistics.common.reduce((sum, { value, share }) => sum + (matches(value) ? share : 0), 0)
  const rest = Math.max(0, 1 - statistics.nullShare - inCommon)
  const { bounds } = statistics
  const ofBounds = bounds.length === 0 ? 0 : bounds.filter(matches).length / bounds.length
  // A prefix between two neighbors matches less than half of the values between them.
  const least = bounds.length === 0 ? 0 : 0.5 / bounds.length
  const share = ofCommon + rest * (prefix === '' ? UNKNOWN.like : Math.max(least, ofBounds))
  return Math.min(1, share)
}

/** Common prefix of all matches of a pattern. */
export function prefixOf(pattern: string, operator: 'like' | 'ilike' | 'glob'): string {
  let prefix = ''
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? ''
    if (operator === 'glob' ? '*?['.includes(character) : character === '%' || character === '_') break
    if (character === '\\' && operator !== 'glob') at++
    prefix += pattern[at] ?? ''
  }
  return prefix
}

function startsWith(value: string, prefix: string, isCaseless: boolean): boolean {
  const start = value.slice(0, prefix.length)
  return isCaseless ? start.toLowerCase() === prefix.toLowerCase() : start === prefix
}

function same(a: StatisticsValue, b: unknown): boolean {
  if (typeof b === 'boolean') return a === (b ? 1 : 0) || a === (b ? 't' : 'f') || a === String(b)
  return a === b || String(a) === (b instanceof Date ? b.toISOString() : String(b))
}

function compare(a: StatisticsValue, b: unknown): number {
  const [x, y] = [Number(a), typeof b === 'string' && b.trim() === '' ? Number.NaN : Number(b)]
  if (!Number.isNaN(x) && !Number.isNaN(y) && !(b instanceof Date)) return x - y
  const [left, right] = [String(a), b instanceof Date ? b.toISOString() : String(b)]
  return left < right ? -1 : Number(left > right)
}

/** Assumed rows per page if they are unknown. */
const USUAL = 20

/** Rows that a statement reads at most, those that OFFSET skips included; `undefined` without a LIMIT. */
export function limitOf({ limit, offset }: StatementUse, bindings: readonly unknown[]): number | undefined {
  if (limit === undefined) return undefined
  const value = Number(termValue(limit, bindings) ?? USUAL)
  // SQLite: a negative one is none.
  if (value < 0) return undefined
  const skipped = offset === undefined ? 0 : Number(termValue(offset, bindings) ?? 0) || 0
  return (Number.isNaN(value) ? USUAL : value) + Math.max(0, skipped)
}
