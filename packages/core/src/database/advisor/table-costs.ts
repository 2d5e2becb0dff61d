import type { IndexDefinition, IndexKey } from '../index-definition.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import { type CandidateContext, partialFilters } from './candidates.ts'
import { prefixOf, type Statistics, shareOf, termValue } from './statistics.ts'
import type { ColumnCondition, JoinCondition, RowComparison, TableConditions, TableUse } from './table-use.ts'

/**
 * Costs of reading tables, in rows: a row of a sequential scan costs 1. Used if a planner has no comparable
 * costs.
 */
export const ROW = {
  /** By an index, and from the table after it. */
  byIndex: 3,
  /** From an index that holds all that is needed. */
  covered: 1,
  /** Added to its group in a temporary table. */
  grouped: 1,
} as const

/** Where in the order of an index the rows are taken to be that a condition on its own column keeps. */
export const MET_AT = 0.5

/** How many of our units a row is: the thresholds are in those of PostgreSQL's planner. */
export const UNITS_A_ROW = 0.04

/** Result of a search in an index. */
export interface Search {
  /** Keys that are compared with one value each, and the keys after them. */
  readonly equalities: readonly IndexKey[]
  readonly hasRange: boolean
  /** How often the index is searched: the product of the lengths of IN lists. */
  readonly seeks: number
  /** Entries that are read, over all seeks. */
  readonly rows: number
}

/** Estimates what one use of a table costs, by the statistics of its columns. */
export class TableCosts {
  constructor(private readonly context: Pick<CandidateContext, 'snapshot' | 'statistics'>) {}

  get #statistics(): Statistics {
    return this.context.statistics
  }

  rows({ table }: TableUse): number {
    return Math.max(1, table.rows)
  }

  /** The share of rows that all conditions leave, those on the columns of tables read before included. */
  share(
    use: TableUse,
    bindings: readonly unknown[],
    isBound: (use: number) => boolean,
    arm: TableConditions = use,
  ): number {
    const isJoined = ({ column, isSubquery }: ColumnCondition) =>
      isSubquery && joinOn(arm, column, isBound) !== undefined
    const single = arm.conditions
      .filter((condition) => !isJoined(condition))
      .reduce((share, condition) => share * this.#shareOf(use, condition, bindings), 1)
    const joined = arm.joins.reduce((share, join) => {
      if (join.other === undefined || !isBound(join.other.use)) return share
      return share / this.#distinct(use, [join.column])
    }, 1)
    const rows = use.rowComparisons
      .filter(({ isAlternatives }) => !isAlternatives)
      .reduce((share, comparison) => share * this.#shareOf(use, firstOf(comparison), bindings), 1)
    const ors = use.alternatives.reduce((share, arms) => {
      const either = arms.reduce(
        (sum, one) =>
          sum + one.conditions.reduce((all, condition) => all * this.#shareOf(use, condition, bindings), 1),
        0,
      )
      return share * Math.min(1, either)
    }, 1)
    return Math.max(single * joined * (arm === use ? ors * rows : 1), 0.5 / this.rows(use))
  }

  /**
   * The search that conditions make possible in an index; `undefined` where they make none, or where the
   * index does not hold all rows that are asked for.
   *
   * @param calls - See `partialFilters`.
   */
  search(
    use: TableUse,
    arm: TableConditions,
    index: IndexDefinition,
    bindings: readonly unknown[],
    isBound: (use: number) => boolean,
  ): Search | undefined {
    const held = this.heldShare(use, arm, index)
    if (held === undefined) return undefined
    const equalities: IndexKey[] = []
    const shares: number[] = []
    let seeks = 1
    let rangeShare: number | undefined
    for (const key of index.keys) {
      // The values of a subquery that is a join, too, are there once its tables are read.
      const isKnown = ({ column, isSubquery }: ColumnCondition) =>
        !isSubquery || joinOn(arm, column, () => true) === undefined
      const equal = arm.conditions.find((condition) => isEqualityOn(condition, key) && isKnown(condition))
      const join = arm.joins.find(
        ({ column, other }) =>
          column === key.column &&
          key.expression === undefined &&
          (other === undefined || isBound(other.use)),
      )
      if (equal === undefined && join === undefined) {
        const range = [
          ...arm.conditions.filter((condition) => isRangeOn(condition, key, bindings)),
          ...(arm === use ? this.#rowRanges(use, key) : []),
        ]
        if (range.length > 0)
          rangeShare = range.reduce(
            (share, condition) => share + this.#shareOf(use, condition, bindings) - 1,
            1,
          )
        break
      }
      equalities.push(key)
      if (equal === undefined) shares.push(1 / this.#distinct(use, [key.column]))
      else {
        if (equal.operator === 'in' && !equal.isSubquery) seeks *= Math.max(1, equal.values.length)
        shares.push(this.#shareOf(use, equal, bindings))
      }
    }
    if (equalities.length === 0 && rangeShare === undefined) return undefined
    const rows =
      this.rows(use) *
      held *
      this.#together(use, equalities, shares) *
      Math.max(rangeShare ?? 1, 0.5 / this.rows(use))
    return { equalities, hasRange: rangeShare !== undefined, seeks, rows: Math.max(rows, 0.5) }
  }

  /**
   * The share of a table's rows that an index holds; `undefined` where not all rows that a statement asks for
   * are among them.
   */
  heldShare(use: TableUse, arm: TableConditions, { where }: IndexDefinition): number | undefined {
    if (where === undefined) return 1
    const filters = partialFilters(arm.conditions, use.table, this.context, Number.POSITIVE_INFINITY)
    return filters.find(({ sql }) => bare(sql) === bare(where))?.share
  }

  /** Whether all that a statement needs of the table is in an index. */
  isCovered(use: TableUse, { keys, include = [] }: IndexDefinition, alwaysHeld: readonly string[]): boolean {
    if (use.columns.has('*')) return false
    const held = new Set([
      ...keys
        .filter((key) => key.expression === undefined && key.prefixLength === undefined)
        .map((key) => key.column),
      ...include,
      ...alwaysHeld,
    ])
    return [...use.columns].every((column) => held.has(column))
  }

  /**
   * The share of rows in an order before the first row of a page by `a < ? OR (a = ? AND b < ?)`: they are
   * read, unless it is a search. 0 for other statements.
   */
  pageStart(uses: readonly TableUse[], bindings: readonly unknown[]): number {
    const starts = uses.flatMap((use) =>
      use.rowComparisons
        .filter(({ isAlternatives }) => isAlternatives)
        .map((comparison) => 1 - this.#shareOf(use, firstOf(comparison), bindings)),
    )
    return Math.max(0, ...starts)
  }

  /** Cost of `times` searches, in rows. */
  searchCost(use: TableUse, { seeks, rows }: Pick<Search, 'seeks' | 'rows'>, isCovered: boolean): number {
    return seeks * Math.log2(this.rows(use) + 2) + rows * (isCovered ? ROW.covered : ROW.byIndex)
  }

  /** Sorting rows, of which the first ones may be enough. */
  sortCost(rows: number, limit: number | undefined): number {
    return 0.5 * rows * Math.log2(Math.min(rows, limit ?? rows) + 2)
  }

  /**
   * Columns tell each other's values, more or less: between the strictest of the shares and their product.
   */
  #together(use: TableUse, keys: readonly IndexKey[], shares: readonly number[]): number {
    if (shares.length < 2) return shares[0] ?? 1
    const product = shares.reduce((all, share) => all * share, 1)
    const together =
      1 /
      this.#distinct(
        use,
        keys.map(({ column }) => column),
      )
    return Math.min(Math.min(...shares), Math.max(product, together))
  }

  /**
   * Row comparisons that begin with a key's column: MySQL finds their rows only if they are written as
   * alternatives, the others only if they are not.
   */
  #rowRanges({ rowComparisons }: TableUse, { column, expression, collation }: IndexKey): ColumnCondition[] {
    if (expression !== undefined || collation !== undefined) return []
    const isMysql = this.context.snapshot.dialect === 'mysql'
    return rowComparisons
      .filter(({ columns, isAlternatives }) => columns[0] === column && isAlternatives === isMysql)
      .map(firstOf)
  }

  #shareOf(use: TableUse, condition: ColumnCondition, bindings: readonly unknown[]): number {
    return shareOf(condition, this.#statistics.column(use.table, condition.column), bindings)
  }

  #distinct(use: TableUse, columns: readonly string[]): number {
    return Math.max(1, this.#statistics.distinct(use.table, columns))
  }
}

/** A row comparison as a condition on its first column. */
export function firstOf({ columns, operator, values }: RowComparison): ColumnCondition {
  const plain = { isCast: false, negated: false, isSubquery: false } as const
  return { column: columns[0] ?? '', operator, values: values.slice(0, 1), ...plain }
}

/** The join that gives a column the value of a table that is read before. */
function joinOn(
  { joins }: TableConditions,
  of: string,
  isBound: (use: number) => boolean,
): JoinCondition | undefined {
  return joins.find(({ column, other }) => column === of && other !== undefined && isBound(other.use))
}

function isEqualityOn(condition: ColumnCondition, key: IndexKey): boolean {
  const { column, call, collation, isCast, operator, negated } = condition
  if (column !== key.column || isCast || negated || !isCallOf(key, call)) return false
  if (collation !== key.collation) return false
  return operator === '=' || operator === 'in' || operator === 'is null'
}

function isRangeOn(
  { column, call, collation, isCast, operator, negated, values }: ColumnCondition,
  key: IndexKey,
  bindings: readonly unknown[],
): boolean {
  if (column !== key.column || isCast || negated || !isCallOf(key, call)) return false
  if (operator === 'like' || operator === 'glob') {
    const [term] = values
    const pattern = term === undefined ? undefined : termValue(term, bindings)
    return typeof pattern === 'string' && prefixOf(pattern, operator) !== ''
  }
  if (collation !== key.collation) return false
  return (
    operator === '<' ||
    operator === '<=' ||
    operator === '>' ||
    operator === '>=' ||
    operator === 'between' ||
    operator === 'is not null'
  )
}

function isCallOf({ expression }: IndexKey, call: 'lower' | 'upper' | undefined): boolean {
  return expression === undefined
    ? call === undefined
    : call !== undefined && expression.toLowerCase().startsWith(`${call}(`)
}

/** A condition without the parentheses and casts that databases put around it. */
function bare(sql: string): string {
  return sql
    .replace(/::[a-z ]+/gi, '')
    .replace(/[()"`]/g, '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
}

/** The share of a workload's time from which a statement is always considered. */
const MATERIAL_SHARE = 0.01
/** Milliseconds of a call that the network and the driver can take. */
const OVERHEAD_MS = 1
/** Milliseconds of a unit of cost, at most. */
const MS_A_UNIT = 0.01
/** Estimates that are lower by less than this factor count as right. */
const TOLERANCE = 3

/** Whether a statement takes a relevant part of the workload's time. */
export function isMaterial({ totalMs }: Pick<WorkloadEntry, 'totalMs'>, wholeMs: number): boolean {
  return wholeMs > 0 && totalMs >= wholeMs * MATERIAL_SHARE
}

/**
 * Factor by which the measured time and rows of a statement exceed the planner's cost; 1 if the cost explains
 * them.
 */
export function measuredFactor(
  { calls, totalMs, rows }: Pick<WorkloadEntry, 'calls' | 'totalMs' | 'rows'>,
  cost: number,
): number {
  const count = Math.max(1, calls)
  const byTime = (totalMs / count - OVERHEAD_MS) / MS_A_UNIT
  const byRows = (rows / count) * UNITS_A_ROW
  const factor = Math.max(byTime, byRows) / Math.max(1, cost)
  return factor > TOLERANCE ? factor : 1
}
