import type { Dialect } from '../../sql/dialect.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import type { Range } from '../../sql/token-map.ts'
import { tokenize } from '../../sql/tokenize.ts'
import type { ParsedSql } from '../../sql/tree/parsed-sql.ts'
import type { ComparisonNode, ConditionNode, QueryBlock } from '../../sql/tree/query-tree.ts'
import { parseSql } from '../../sql/tree/read-sql.ts'
import { hasStar, joinCountOf, statementBlocks } from '../../sql/tree/statement-blocks.ts'

/** Properties of a statement's SQL that advice needs, without subqueries. */
export interface QueryShape {
  readonly kind: 'select' | 'update' | 'delete' | 'other'
  readonly hasWhere: boolean
  readonly hasLimit: boolean
  /** A number that is written after OFFSET; 0 where there is none, or a parameter. */
  readonly offset: number
  readonly isOffset: boolean
  readonly isStar: boolean
  /** Of the whole statement, commas and subqueries included. */
  readonly joins: number
  readonly hasOr: boolean
  /** Whether it makes one row of many: an aggregate without GROUP BY. */
  readonly isTotal: boolean
  /** Columns compared with values: `=` and `IN`. The last part of each name. */
  readonly equalities: readonly string[]
  /** Columns compared with ranges. */
  readonly ranges: readonly string[]
  /** Columns that are searched for a substring: `LIKE '%x'`. */
  readonly within: readonly string[]
  /** Columns of conditions within a call: `lower(email) = ?`. */
  readonly calls: readonly { readonly name: string; readonly column: string }[]
  readonly orderBy: readonly string[]
}

const EMPTY: QueryShape = {
  kind: 'other',
  hasWhere: false,
  hasLimit: false,
  offset: 0,
  isOffset: false,
  isStar: false,
  joins: 0,
  hasOr: false,
  isTotal: false,
  equalities: [],
  ranges: [],
  within: [],
  calls: [],
  orderBy: [],
}
const rangeOperators: ReadonlySet<string> = new Set(['between', '<', '<=', '>', '>='])

/** Derives the shape of the first query. A statement that cannot be parsed has an empty shape. */
export function queryShapeOf(sql: string, dialect: Dialect): QueryShape {
  let parsed: ParsedSql
  try {
    parsed = parseSql(tokenize(sql, dialect), dialect)
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return EMPTY
  }
  const block = firstArm(parsed.roots[0])
  return block === undefined ? EMPTY : shapeOf(parsed, block)
}

/** The first query of a set operation, and the query that supplies the rows of an insert. */
function firstArm(block: QueryBlock | undefined): QueryBlock | undefined {
  if (block?.kind === 'set-operation') return firstArm(block.arms[0])
  return block?.kind === 'insert' ? firstArm(block.subqueries[0]) : block
}

function shapeOf(parsed: ParsedSql, block: QueryBlock): QueryShape {
  const { kind, clauses, where, limit, offset, outputs, groupBy, orderBy, hasWindows } = block
  if (kind !== 'select' && kind !== 'update' && kind !== 'delete') return EMPTY
  const columns = new ConditionColumns(parsed.map)
  columns.read(where)
  const isSelect = kind === 'select'
  return {
    kind,
    hasWhere: clauses.where !== undefined,
    hasLimit: limit !== undefined,
    isOffset: offset !== undefined,
    offset: offset?.kind === 'literal' ? Number(offset.text) || 0 : 0,
    isStar: hasStar(block),
    joins: joinCountOf(statementBlocks(parsed)),
    hasOr: columns.hasOr,
    isTotal:
      isSelect &&
      groupBy.length === 0 &&
      hasWindows === undefined &&
      outputs.some(({ isAggregated }) => isAggregated === true),
    equalities: [...columns.equalities],
    ranges: [...columns.ranges].filter((column) => !columns.equalities.has(column)),
    within: [...columns.within],
    calls: [...columns.calls.values()],
    orderBy: orderBy.flatMap(({ column }) =>
      column === undefined || column.call !== undefined ? [] : [column.column],
    ),
  }
}

class ConditionColumns {
  readonly equalities: Set<string> = new Set()
  readonly ranges: Set<string> = new Set()
  readonly within: Set<string> = new Set()
  readonly calls: Map<string, { readonly name: string; readonly column: string }> = new Map()
  hasOr = false

  constructor(private readonly map: ParsedSql['map']) {}

  read(conditions: readonly ConditionNode[]): void {
    for (const node of conditions) {
      if (node.kind === 'comparison') this.#comparison(node)
      else if (node.kind === 'or') {
        this.hasOr = true
        for (const arm of node.arms) this.read(arm)
      } else if (node.kind === 'opaque' && node.subqueries.length === 0) this.#opaque(node)
    }
  }

  #comparison({ column, operator, negated, values, other, dependsOn, sides }: ComparisonNode): void {
    const name = column.column
    const [value] = values
    if (operator === 'like' || operator === 'ilike') {
      const text =
        value?.kind === 'pattern' ? `'${value.before}` : value?.kind === 'literal' ? value.text : ''
      if (/^\w*'[%_]/.test(text)) this.within.add(name)
    } else if (negated || column.cast !== undefined) return
    else if (column.call !== undefined)
      this.calls.set(`${column.call}(${name})`, { name: column.call, column: name })
    else if (operator === 'in') this.equalities.add(name)
    else if (rangeOperators.has(operator)) this.ranges.add(name)
    // A column on the other side joins two tables.
    else if (operator === '=' && sides !== undefined && other === undefined && dependsOn === undefined)
      this.equalities.add(name)
  }

  /** Searches conditions that the tree does not divide: `date(created_at) = ?`, `NOT (a OR b)`. */
  #opaque({ start, end }: Range): void {
    const { map } = this
    for (let at = start; at < end; at++) {
      this.hasOr ||= map.isWord(at, 'OR')
      const inner = map.isName(at) && map.isSymbol(at + 1, '(') ? map.column(at + 2) : undefined
      if (inner === undefined || !map.isSymbol(inner.end, ')')) continue
      const name = map.name(at).toLowerCase()
      this.calls.set(`${name}(${inner.ref.column})`, { name, column: inner.ref.column })
    }
  }
}
