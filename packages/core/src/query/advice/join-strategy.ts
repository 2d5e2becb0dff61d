import type { CatalogTable } from '../../schema/catalog.ts'
import { MAX_JOINS } from '../../shared/thresholds.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { tokenize } from '../../sql/tokenize.ts'
import type { ColumnName, FromItem } from '../../sql/tree/query-tree.ts'
import { parseSql } from '../../sql/tree/read-sql.ts'
import { conjunctsOf, isEquality, statementBlocks } from '../../sql/tree/statement-blocks.ts'
import type { TableFacts } from '../cost/table-facts.ts'
import type { DescribedShape } from './observations.ts'

/**
 * The recommended way to join two tables, based on their sizes and keys. The planner of the database decides,
 * and SQLite supports only nested loops.
 */
export interface JoinStrategy {
  readonly type: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL'
  readonly left: string
  readonly right: string
  readonly condition: string
  readonly estimatedRows: number
  /**
   * `nested-loop`: one side is small, or the right side has an index. `merge`: both sides are large and
   * ordered by the key.
   */
  readonly algorithm: 'nested-loop' | 'hash' | 'merge'
  readonly warnings: readonly string[]
}

/** Maximum number of rows of a side that a nested loop can read repeatedly at a low cost. */
const SMALL = 1_000
/** Minimum number of rows from which a merge join of two ordered sides is better. */
const LARGE = 100_000
/** The assumed share of distinct values in a column that is not known to be unique. */
const DISTINCT_SHARE = 0.1
/** The assumed share of all pairs that satisfy a condition other than an equality. */
const RANGE_SHARE = 1 / 3

interface Side {
  readonly name: readonly string[]
  readonly shown: string
  readonly rows: number
  readonly table: CatalogTable | undefined
  readonly column: string | undefined
}

/**
 * @param condition - `a.x = b.y`, or a complete `LEFT JOIN b ON a.x = b.y`.
 * @param knownType - The type, if the caller knows it.
 */
export function joinStrategy(
  leftName: string,
  rightName: string,
  condition: string,
  knownType: JoinStrategy['type'] | undefined,
  {
    dialect,
    facts,
    seen,
  }: { readonly dialect: Dialect; readonly facts: TableFacts; readonly seen: readonly DescribedShape[] },
): JoinStrategy {
  const read = readCondition(leftName, rightName, condition, dialect)
  const key = read.comparisons.find(({ isEqual, other }) => isEqual && other !== undefined)
  const sideOf = (name: string, isLeft: boolean): Side => {
    const parts = name.split('.')
    const column = key === undefined ? undefined : columnOf(key, parts.at(-1) ?? name, isLeft)
    return { name: parts, shown: name, rows: facts.rows(parts), table: facts.table(parts, dialect), column }
  }
  const left = sideOf(leftName, true)
  const right = sideOf(rightName, false)
  const uses = { left: indexOf(facts, left, dialect), right: indexOf(facts, right, dialect) }
  const type =
    knownType ??
    read.type ??
    byNullTest(read.comparisons, left, right) ??
    byRelation(left, right, facts, dialect)
  const pairs = estimatePairs(left, right, key !== undefined, read.isFiltered, {
    left: uses.left?.isUnique === true,
    right: uses.right?.isUnique === true,
  })
  return {
    type,
    left: leftName,
    right: rightName,
    condition,
    estimatedRows: Math.max(
      pairs,
      type === 'LEFT' || type === 'FULL' ? left.rows : 0,
      type === 'RIGHT' || type === 'FULL' ? right.rows : 0,
    ),
    algorithm:
      key === undefined
        ? 'nested-loop'
        : algorithmOf(left, right, uses.left !== undefined, uses.right !== undefined),
    warnings: warningsOf({
      left,
      right,
      isCartesian: key === undefined,
      isRightIndexed: uses.right !== undefined,
      joins: read.joins,
      seen,
      reason: read.reason,
    }),
  }
}

/** One of the conditions that compare a plain column. */
interface Comparison {
  readonly column: ColumnName
  /** The column on the other side, if there is one. */
  readonly other: ColumnName | undefined
  readonly isEqual: boolean
  readonly isNullTest: boolean
}

interface Condition {
  readonly type: JoinStrategy['type'] | undefined
  readonly comparisons: readonly Comparison[]
  /** Whether it has any condition. */
  readonly isFiltered: boolean
  readonly joins: number
  readonly reason?: string
}

function readCondition(left: string, right: string, condition: string, dialect: Dialect): Condition {
  const parse = (sql: string) => parseSql(tokenize(sql, dialect), dialect)
  const unread = (reason: string): Condition => ({
    type: undefined,
    comparisons: [],
    isFiltered: false,
    joins: 1,
    reason,
  })
  try {
    const written = parse(`SELECT 1 FROM ${left} ${condition}`)
    const isWritten = (statementBlocks(written)[0]?.from.length ?? 0) > 1
    const parsed = isWritten ? written : parse(`SELECT 1 FROM ${left} JOIN ${right} ON ${condition}`)
    const [block] = statementBlocks(parsed)
    if (block === undefined) return unread(parsed.incomplete ?? 'no join')
    const joins = block.from.slice(1)
    const conditions = [...joins.flatMap(({ on }) => on), ...block.where]
    const shared = joins.flatMap(sharedColumns)
    return {
      type: isWritten && joins[0] !== undefined ? types[joins[0].join] : undefined,
      comparisons: [
        ...shared,
        ...conjunctsOf(parsed.map, conditions).flatMap(({ comparison }) =>
          comparison === undefined
            ? []
            : {
                column: comparison.column,
                other: comparison.other,
                isEqual: isEquality(comparison),
                isNullTest: comparison.operator === 'is null' && !comparison.negated,
              },
        ),
      ],
      isFiltered: conditions.length + shared.length > 0,
      joins: joins.length,
    }
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return unread(error.message)
  }
}

function sharedColumns({ alias, using }: FromItem): Comparison[] {
  return using.map((column) => ({
    column: { table: alias, column },
    other: { column },
    isEqual: true,
    isNullTest: false,
  }))
}

const types = { inner: 'INNER', left: 'LEFT', right: 'RIGHT', full: 'FULL', cross: 'INNER' } as const

/** Returns the column of a condition that belongs to a side. */
function columnOf({ column, other }: Comparison, table: string, isLeft: boolean): string | undefined {
  const refs = [column, other].filter((ref) => ref !== undefined)
  const own = refs.find((ref) => ref.table?.toLowerCase() === table.toLowerCase())
  // An alias does not identify its table, so the order of the columns decides.
  return (own ?? refs[isLeft ? 0 : 1])?.column
}

function indexOf(
  facts: TableFacts,
  { name, column }: Side,
  dialect: Dialect,
): { readonly isUnique: boolean } | undefined {
  if (column === undefined) return undefined
  const index = facts.usableIndex(name, [column], dialect)
  return index === undefined ? undefined : { isUnique: index.unique && index.columns.length === 1 }
}

/** `right.x IS NULL` selects rows without a match, which only an outer join returns. */
function byNullTest(
  comparisons: readonly Comparison[],
  left: Side,
  right: Side,
): JoinStrategy['type'] | undefined {
  const tests = (side: Side) =>
    comparisons.some(
      ({ isNullTest, column }) =>
        isNullTest && column.table?.toLowerCase() === side.name.at(-1)?.toLowerCase(),
    )
  if (tests(left) && tests(right)) return 'FULL'
  return tests(right) ? 'LEFT' : tests(left) ? 'RIGHT' : undefined
}

/** A row can have no match if its foreign key can be null, or if other rows refer to it. */
function byRelation(left: Side, right: Side, facts: TableFacts, dialect: Dialect): JoinStrategy['type'] {
  const foreignKeys = facts.foreignKeys(dialect)
  const holds = (from: Side, to: Side) =>
    foreignKeys.some(
      (key) =>
        key.table === from.table?.id &&
        key.references === to.table?.id &&
        key.columns.includes(from.column ?? ''),
    )
  if (holds(left, right))
    return left.table?.columns.find(({ name }) => name === left.column)?.nullable === true ? 'LEFT' : 'INNER'
  return holds(right, left) ? 'LEFT' : 'INNER'
}

function estimatePairs(
  left: Side,
  right: Side,
  isEquality: boolean,
  isFiltered: boolean,
  unique: { readonly left: boolean; readonly right: boolean },
): number {
  const all = left.rows * right.rows
  if (!isEquality) return Math.round(isFiltered ? all * RANGE_SHARE : all)
  const distinct = (side: Side, isUnique: boolean) => Math.max(1, side.rows * (isUnique ? 1 : DISTINCT_SHARE))
  return Math.round(all / Math.max(distinct(left, unique.left), distinct(right, unique.right)))
}

function algorithmOf(
  left: Side,
  right: Side,
  isLeftIndexed: boolean,
  isRightIndexed: boolean,
): JoinStrategy['algorithm'] {
  if (Math.min(left.rows, right.rows) <= SMALL) return 'nested-loop'
  if (isLeftIndexed && isRightIndexed && Math.min(left.rows, right.rows) >= LARGE) return 'merge'
  return isRightIndexed && left.rows * 10 <= right.rows ? 'nested-loop' : 'hash'
}

interface Warned {
  readonly left: Side
  readonly right: Side
  readonly isCartesian: boolean
  readonly isRightIndexed: boolean
  readonly joins: number
  readonly seen: readonly DescribedShape[]
  readonly reason: string | undefined
}

function warningsOf({ left, right, isCartesian, isRightIndexed, joins, seen, reason }: Warned): string[] {
  const warnings: string[] = []
  if (reason !== undefined) warnings.push(`The condition could not be parsed (${reason}).`)
  const has = (observation: DescribedShape, side: Side) =>
    observation.facts?.tables.some((table) => table.toLowerCase() === side.shown.toLowerCase()) === true
  const most = Math.max(
    joins,
    ...seen.filter((one) => has(one, left) && has(one, right)).map(({ facts }) => facts?.joinCount ?? 0),
  )
  if (most > MAX_JOINS)
    warnings.push(
      `${most} joins in one query: planners find a good order only for a few joins. Split it, or load a part by key.`,
    )
  if (isCartesian) {
    warnings.push(`No equality joins ${left.shown} and ${right.shown}: every row is compared with every row.`)
    return warnings
  }
  if (!isRightIndexed && right.column !== undefined)
    warnings.push(`No index is known on ${right.shown}(${right.column}).`)
  const types = [left, right].map(
    ({ table, column }) => table?.columns.find(({ name }) => name === column)?.type,
  )
  if (types[0] !== undefined && types[1] !== undefined && types[0] !== types[1]) {
    warnings.push(
      `${left.shown}.${left.column} is ${types[0]} and ${right.shown}.${right.column} is ${types[1]}: no index serves a conversion.`,
    )
  }
  return warnings
}
