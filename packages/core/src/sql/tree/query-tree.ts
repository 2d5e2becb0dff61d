import type { Dialect } from '../dialect.ts'
import type { Range } from '../token-map.ts'
import type { Token } from '../tokenize.ts'

/** A column, as named in a statement. */
export interface ColumnName {
  /** The schema of its qualifier. */
  readonly schema?: string
  /** The alias or table that qualifies it, case-folded as in the dialect; `undefined` if there is none. */
  readonly table?: string
  /** Case-folded as in the dialect: PostgreSQL lower-cases unquoted names, the others preserve the case. */
  readonly column: string
}

/** Represents one value: a bound value by its index, or the source of a value. */
export type ValueTerm =
  /**
   * `place` is an index starting at 0: the bindings are a list, regardless of how the dialect numbers them
   * (`$2` is place 1; the third `?` is 2).
   */
  | {
      readonly kind: 'parameter'
      readonly place: number
      /** `= ANY ($1)`: an array of the values. */
      readonly isArray?: true
    }
  /**
   * A bound value within a pattern: `? || '%'`, `concat('%', ?, '%')`. `before` and `after` are without
   * quotes.
   */
  | { readonly kind: 'pattern'; readonly place: number; readonly before: string; readonly after: string }
  /** A number, a string (with its quotes), `NULL`, `TRUE`, `FALSE`; `text` is as written. */
  | { readonly kind: 'literal'; readonly text: string }
  /**
   * A subquery, a function call, arithmetic: known only at run time. A cast, and `lower()` and `upper()` of a
   * bound value, count as the value itself.
   */
  | { readonly kind: 'expression' }

/** The compared column: plain, or within an expression that an index can be created for. */
export interface ColumnTerm extends ColumnName {
  /** `lower(column)` and `upper(column)`. Any other function produces no term. */
  readonly call?: 'lower' | 'upper'
  /**
   * `column::type`, `CAST(column AS type)`: the type as written, lower case. A plain index can only be used
   * if the type is the column's.
   */
  readonly cast?: string
  /** `COLLATE x`: as named. Only an index with the same collation can be used. */
  readonly collation?: string
}

export type ComparisonOperator =
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | 'between'
  | 'in'
  | 'like'
  | 'ilike'
  | 'glob'
  | 'is null'
  | 'is not null'
  | 'match'

/**
 * One condition on one column. The range covers the condition as written, which can contain several
 * conditions: `? BETWEEN a AND b`.
 */
export interface ComparisonNode extends Range {
  readonly kind: 'comparison'
  readonly column: ColumnTerm
  /**
   * As read with the column on the left: `5 < x` is `x > 5`. `x IS TRUE`, `x` and `NOT x` are `=` with the
   * literal `TRUE` or `FALSE`.
   */
  readonly operator: ComparisonOperator
  /**
   * Whether NOT applies to it. Negations for which an operator exists (`NOT x = 1`, `x IS NOT NULL`) use that
   * operator instead.
   */
  readonly negated: boolean
  /**
   * The terms that it is compared with: one; for `between` two; for `in` one per element; for `is null` none.
   * For a list of rows, `(a, b) IN ((1, 2), (3, 4))`, only the terms of this column; `(a, b) = (1, 2)` is two
   * conditions.
   */
  readonly values: readonly ValueTerm[]
  /**
   * The column on the other side, if that is a plain column (`values` is then empty): a join condition
   * between two tables.
   */
  readonly other?: ColumnName
  /**
   * Columns from which its values are computed: an index can only be used with a value that is known before
   * the row is read.
   */
  readonly dependsOn?: readonly ColumnName[]
  /** Whether NULL equals NULL: `<=>`, `IS`, `IS NOT DISTINCT FROM`. */
  readonly isNullSafe?: true
  /** `IN (SELECT …)`, `= ANY (SELECT …)`, and `x < (SELECT …)`; its `values` are one `expression`. */
  readonly subquery?: QueryBlock
  /** The tokens of both sides of an operator: of the column, and of the value that it is compared with. */
  readonly sides?: { readonly column: Range; readonly value: Range }
  /**
   * For a row, `(a, b) IN (SELECT x, y …)`: the index of the subquery's output that it is compared with.
   * Default: the first.
   */
  readonly output?: number
}

/** `(a, b) < (x, y)`, the keyset of a page: the columns together, in order. */
export interface RowComparisonNode extends Range {
  readonly kind: 'row'
  readonly columns: readonly ColumnTerm[]
  readonly operator: '<' | '<=' | '>' | '>='
  readonly values: readonly ValueTerm[]
}

/** At least one of several arms holds; each arm is a list of conditions joined by AND. */
export interface DisjunctionNode extends Range {
  readonly kind: 'or'
  readonly arms: readonly (readonly ConditionNode[])[]
  /** The range of each arm. */
  readonly ranges: readonly Range[]
}

/** `[NOT] EXISTS (SELECT …)`. */
interface ExistsNode extends Range {
  readonly kind: 'exists'
  readonly negated: boolean
  readonly subquery: QueryBlock
}

/**
 * A condition that no index can serve: a function of columns, arithmetic, a comparison of expressions, a
 * negated group.
 */
export interface OpaqueNode extends Range {
  readonly kind: 'opaque'
  /** Every column named in it. */
  readonly columns: readonly ColumnName[]
  readonly subqueries: readonly QueryBlock[]
}

export type ConditionNode = ComparisonNode | RowComparisonNode | DisjunctionNode | ExistsNode | OpaqueNode

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'cross'

/**
 * One entry of FROM, and the target of UPDATE and DELETE. Without a table or a subquery, it is a function, or
 * a recursive reference to the query itself.
 */
export interface FromItem extends Range {
  /** How it is joined to the preceding entries; the first is `cross`. */
  readonly join: JoinKind
  /** Start of its JOIN, or of the comma before it; omitted for the first entry. */
  readonly joinStart?: number
  /** The qualifier of its columns; empty for a subquery without a name. */
  readonly alias: string
  /** The name's parts, case-folded; `undefined` for a subquery or a function. */
  readonly table?: readonly string[]
  /** A derived table, or the body of the common table expression that the entry names. */
  readonly subquery?: QueryBlock
  /** The names given to its columns: `AS x (a, b)`. */
  readonly columnNames?: readonly string[]
  readonly isFunction?: boolean
  readonly isLateral?: boolean
  /** Conditions of the join with the preceding entries. */
  readonly on: readonly ConditionNode[]
  /** The columns of USING: of this entry, and of a preceding one. */
  readonly using: readonly string[]
  /** Joined by all columns that a preceding entry also has. */
  readonly isNatural?: true
}

export interface OrderTerm extends Range {
  /**
   * `undefined` for an expression. In GROUP BY, a name can also refer to an output, if no table has such a
   * column.
   */
  readonly column?: ColumnTerm
  readonly descending: boolean
  readonly nulls?: 'first' | 'last'
}

export interface OutputTerm extends Range {
  /** The name of the result's column. `undefined` if it has no explicit name. */
  readonly name?: string
  /** Set for a plain column. */
  readonly column?: ColumnName
  /** `*` and `t.*`: `of` is the qualifier. */
  readonly star?: { readonly schema?: string; readonly of?: string }
  /** Every column named in it, regardless of the kind of output. */
  readonly columns: readonly ColumnName[]
  /** `count(*)`, `sum(x)`, … in lower case, if the whole output is one call of an aggregate. */
  readonly aggregate?: string
  /** Whether it contains an aggregate or a window function at any level. */
  readonly isAggregated?: true
}

/** A call of an aggregate that is not a window function. */
export interface AggregateCall {
  /** In lower case. */
  readonly name: string
  /** The tokens between its parentheses. */
  readonly args: Range
  /** Every column named in the call, and `*` for all columns of a table. */
  readonly columns: readonly ColumnName[]
}

/** The content of each clause, without the keyword. */
export interface ClauseRanges {
  readonly outputs?: Range
  readonly from?: Range
  readonly where?: Range
  readonly groupBy?: Range
  readonly having?: Range
  readonly orderBy?: Range
  readonly windows?: Range
  /** From LIMIT, OFFSET or FETCH on, including the keyword. */
  readonly limit?: Range
  /** `FOR UPDATE`, `LOCK IN SHARE MODE`, including the keyword. */
  readonly lock?: Range
}

/** One SELECT, UPDATE or DELETE, excluding nested ones; for a set operation, its arms. */
export interface QueryBlock extends Range {
  readonly kind: 'select' | 'set-operation' | 'values' | 'update' | 'delete' | 'insert' | 'merge'
  readonly clauses: ClauseRanges
  /** The block whose columns it can see. */
  readonly parent?: QueryBlock
  readonly from: readonly FromItem[]
  /** The conditions of WHERE, flattened and joined by AND. */
  readonly where: readonly ConditionNode[]
  readonly having: readonly ConditionNode[]
  readonly groupBy: readonly OrderTerm[]
  readonly orderBy: readonly OrderTerm[]
  readonly outputs: readonly OutputTerm[]
  readonly isDistinct: boolean
  /** PostgreSQL's `DISTINCT ON`. */
  readonly distinctOn: readonly OrderTerm[]
  /** Whether its outputs contain a window function. */
  readonly hasWindows?: true
  /**
   * The aggregates that are written in it, omitted if there are none. One that names no column of the block
   * groups the rows of an enclosing block.
   */
  readonly aggregates?: readonly AggregateCall[]
  /** Every column named anywhere in the block; columns in nested blocks belong to those blocks. */
  readonly mentions: readonly ColumnName[]
  readonly limit?: ValueTerm
  readonly offset?: ValueTerm
  /** For a set operation: the queries that it combines, in order. */
  readonly arms: readonly QueryBlock[]
  /** For a set operation: whether duplicate rows are preserved. */
  readonly isAll?: boolean
  /**
   * Subqueries that are in none of the places above: in outputs, GROUP BY, HAVING and SET, and common table
   * expressions without a reference.
   */
  readonly subqueries: readonly QueryBlock[]
  /**
   * Set for a common table expression that outer conditions are not pushed into: it is `MATERIALIZED`,
   * recursive, referenced twice, or it writes.
   */
  readonly isFenced?: boolean
  /** The names that a common table expression gives to its columns. */
  readonly columnNames?: readonly string[]
}

/** The written table and values; reads of the statement are separate. */
export interface WriteTarget {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly table: readonly string[]
  /**
   * For an update (and an upsert's update): the columns of its SET; if it has several tables, also columns
   * that may belong to a different one. For an insert: the listed columns.
   */
  readonly columns: readonly string[]
  /** The bound values that are written unchanged. */
  readonly values: readonly {
    readonly place: number
    /** Its index in `columns`; if an insert lists none, in the table's columns. */
    readonly column: number
  }[]
}

/** A statement as a tree of blocks. */
export interface QueryTree {
  readonly sql: string
  readonly dialect: Dialect
  /** The tokens to which all ranges refer. */
  readonly tokens: readonly Token[]
  readonly root: QueryBlock
  readonly writes: readonly WriteTarget[]
  /** The number of bound values. */
  readonly parameters: number
  /** The index of each bound value, by its token. */
  readonly places: ReadonlyMap<number, number>
}

/** The subqueries within conditions. */
export function* placedIn(conditions: readonly ConditionNode[]): Generator<QueryBlock> {
  for (const condition of conditions) {
    if (condition.kind === 'or') for (const arm of condition.arms) yield* placedIn(arm)
    else if (condition.kind === 'opaque') yield* condition.subqueries
    else if (condition.kind !== 'row' && condition.subquery !== undefined) yield condition.subquery
  }
}
