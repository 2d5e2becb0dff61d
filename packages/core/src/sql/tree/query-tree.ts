import type { Dialect } from '../dialect.ts'
import type { Range } from '../token-map.ts'
import type { Token } from '../tokenize.ts'

/** A column as a statement names it. */
export interface ColumnName {
  /** The schema that its qualifier is qualified with. */
  readonly schema?: string
  /** The alias or table it is qualified with, folded as the dialect folds names; `undefined` where it has none. */
  readonly table?: string
  /** Folded as the dialect folds names: PostgreSQL lower-cases what is not quoted, the others keep the case. */
  readonly column: string
}

/** What stands for one value: a bound one by its place, or the text of one as written. */
export type ValueTerm =
  /** `place` counts from 0: the bindings are a list, whichever way the dialect numbers them (`$2` is place 1; the third `?` is 2). */
  | {
      readonly kind: 'parameter'
      readonly place: number
      /** `= ANY ($1)`: an array of the values. */
      readonly isArray?: true
    }
  /** A bound value within a pattern: `? || '%'`, `concat('%', ?, '%')`. What stands around it is without quotes. */
  | { readonly kind: 'pattern'; readonly place: number; readonly before: string; readonly after: string }
  /** A number, a string (with its quotes), `NULL`, `TRUE`, `FALSE`; `text` is as written. */
  | { readonly kind: 'literal'; readonly text: string }
  /** A subquery, a function call, arithmetic: known only when it runs. A cast, and `lower()` and `upper()` of a bound value, leave the value. */
  | { readonly kind: 'expression' }

/** What is compared: a column, bare, or within something an index could be made for. */
export interface ColumnTerm extends ColumnName {
  /** `lower(column)` and `upper(column)`. Any other function leaves no term. */
  readonly call?: 'lower' | 'upper'
  /** `column::type`, `CAST(column AS type)`: the type as written, lower case. A plain index does not serve it unless the type is the column's own. */
  readonly cast?: string
  /** `COLLATE x`: as named. An index serves it only if it has the same. */
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

/** One condition on one column. The range is that of the condition as written, which may hold more than one: `? BETWEEN a AND b`. */
export interface ComparisonNode extends Range {
  readonly kind: 'comparison'
  readonly column: ColumnTerm
  /** As read with the column on the left: `5 < x` is `x > 5`. `x IS TRUE`, `x` and `NOT x` are `=` with the literal `TRUE` or `FALSE`. */
  readonly operator: ComparisonOperator
  /** With NOT before it. Negations that have an operator of their own (`NOT x = 1`, `x IS NOT NULL`) are that operator instead. */
  readonly negated: boolean
  /**
   * What it is compared with: one term; of `between` two; of `in` one each; of `is null` none. Of a list of rows, `(a, b) IN ((1, 2), (3, 4))`,
   * the terms of this column alone; `(a, b) = (1, 2)` is two conditions.
   */
  readonly values: readonly ValueTerm[]
  /** The column on its other side, where a bare one is there (`values` is empty then): what joins two tables. */
  readonly other?: ColumnName
  /** Columns that its values are computed from: an index serves only a value that is known before the row is read. */
  readonly dependsOn?: readonly ColumnName[]
  /** Whether NULL equals NULL: `<=>`, `IS`, `IS NOT DISTINCT FROM`. */
  readonly isNullSafe?: true
  /** `IN (SELECT …)`, `= ANY (SELECT …)`, and `x < (SELECT …)`; its `values` are one `expression`. */
  readonly subquery?: QueryBlock
  /** The tokens of both sides of a sign: the column's, and those of what it is compared with. */
  readonly sides?: { readonly column: Range; readonly value: Range }
  /** Of a row, `(a, b) IN (SELECT x, y …)`: which of the subquery's outputs it is compared with. Left out: the first. */
  readonly output?: number
}

/** `(a, b) < (x, y)`, the keyset of a page: the columns together, in order. */
export interface RowComparisonNode extends Range {
  readonly kind: 'row'
  readonly columns: readonly ColumnTerm[]
  readonly operator: '<' | '<=' | '>' | '>='
  readonly values: readonly ValueTerm[]
}

/** Of several arms at least one holds; each arm is a list of conditions that hold together. */
export interface DisjunctionNode extends Range {
  readonly kind: 'or'
  readonly arms: readonly (readonly ConditionNode[])[]
  /** What each arm is made of. */
  readonly ranges: readonly Range[]
}

/** `[NOT] EXISTS (SELECT …)`. */
interface ExistsNode extends Range {
  readonly kind: 'exists'
  readonly negated: boolean
  readonly subquery: QueryBlock
}

/** What no index could serve: a function of columns, arithmetic, a comparison of expressions, a negated group. */
export interface OpaqueNode extends Range {
  readonly kind: 'opaque'
  /** Every column named in it. */
  readonly columns: readonly ColumnName[]
  readonly subqueries: readonly QueryBlock[]
}

export type ConditionNode = ComparisonNode | RowComparisonNode | DisjunctionNode | ExistsNode | OpaqueNode

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'cross'

/** One entry of FROM, and the target of UPDATE and DELETE. With neither a table nor a subquery it is a function, or a recursive query itself. */
export interface FromItem extends Range {
  /** How it is joined to those before it; the first is `cross`. */
  readonly join: JoinKind
  /** Where its JOIN, or the comma before it, starts; left out of the first one. */
  readonly joinStart?: number
  /** What columns are qualified with; empty for a subquery without a name. */
  readonly alias: string
  /** The name's parts, folded; `undefined` for a subquery or a function. */
  readonly table?: readonly string[]
  /** A derived table, or the body of the common table expression that is named. */
  readonly subquery?: QueryBlock
  /** The names that its columns are given: `AS x (a, b)`. */
  readonly columnNames?: readonly string[]
  readonly isFunction?: boolean
  readonly isLateral?: boolean
  /** What it has to do with those before it. */
  readonly on: readonly ConditionNode[]
  /** The columns of USING: of this entry, and of one before it. */
  readonly using: readonly string[]
  /** Joined by all columns that an entry before it has too. */
  readonly isNatural?: true
}

export interface OrderTerm extends Range {
  /** `undefined` for an expression. Of GROUP BY, a name may also be that of an output, where no table has such a column. */
  readonly column?: ColumnTerm
  readonly descending: boolean
  readonly nulls?: 'first' | 'last'
}

export interface OutputTerm extends Range {
  /** The name that the column of the result has. `undefined` where it has none of its own. */
  readonly name?: string
  /** Set for a bare column. */
  readonly column?: ColumnName
  /** `*` and `t.*`: `of` is the qualifier. */
  readonly star?: { readonly schema?: string; readonly of?: string }
  /** Every column named in it, whatever it is. */
  readonly columns: readonly ColumnName[]
  /** `count(*)`, `sum(x)`, … in lower case, where the whole output is one call of an aggregate. */
  readonly aggregate?: string
  /** Whether an aggregate or a window function is anywhere in it. */
  readonly isAggregated?: true
}

/** What follows each keyword, without the keyword itself. */
export interface ClauseRanges {
  readonly outputs?: Range
  readonly from?: Range
  readonly where?: Range
  readonly groupBy?: Range
  readonly having?: Range
  readonly orderBy?: Range
  readonly windows?: Range
  /** From LIMIT, OFFSET or FETCH on, with the keyword. */
  readonly limit?: Range
  /** `FOR UPDATE`, `LOCK IN SHARE MODE`, with the keyword. */
  readonly lock?: Range
}

/** One SELECT, UPDATE or DELETE, without those within it; of a set operation, its arms. */
export interface QueryBlock extends Range {
  readonly kind: 'select' | 'set-operation' | 'values' | 'update' | 'delete' | 'insert' | 'merge'
  readonly clauses: ClauseRanges
  /** The block whose columns it can see. */
  readonly parent?: QueryBlock
  readonly from: readonly FromItem[]
  /** WHERE, flattened: all hold. */
  readonly where: readonly ConditionNode[]
  readonly having: readonly ConditionNode[]
  readonly groupBy: readonly OrderTerm[]
  readonly orderBy: readonly OrderTerm[]
  readonly outputs: readonly OutputTerm[]
  readonly isDistinct: boolean
  /** PostgreSQL's `DISTINCT ON`. */
  readonly distinctOn: readonly OrderTerm[]
  /** Whether a window function is in its outputs. */
  readonly hasWindows?: true
  /** Every column that is named in it, wherever; those of blocks within it are theirs. */
  readonly mentions: readonly ColumnName[]
  readonly limit?: ValueTerm
  readonly offset?: ValueTerm
  /** Of a set operation: what it joins, in order. */
  readonly arms: readonly QueryBlock[]
  /** Of a set operation: whether equal rows stay. */
  readonly isAll?: boolean
  /** Subqueries that stand in none of the places above: in outputs, in GROUP BY, in HAVING, in SET, common table expressions that are named nowhere. */
  readonly subqueries: readonly QueryBlock[]
  /** Of a common table expression that conditions outside do not reach: it is `MATERIALIZED`, recursive, named twice, or it writes. */
  readonly isFenced?: boolean
  /** The names that a common table expression gives its columns. */
  readonly columnNames?: readonly string[]
}

/** What is written, beside what is read on the way. */
export interface WriteTarget {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly table: readonly string[]
  /** Of an update (and of an upsert's): the columns of its SET; where it has several tables, those too that may be of another one. Of an insert: those it lists. */
  readonly columns: readonly string[]
  /** The bound values that are written as they are. */
  readonly values: readonly {
    readonly place: number
    /** Its place in `columns`; where an insert lists none, in the table's. */
    readonly column: number
  }[]
}

/** A statement as a tree of blocks. */
export interface QueryTree {
  readonly sql: string
  readonly dialect: Dialect
  /** What all ranges count. */
  readonly tokens: readonly Token[]
  readonly root: QueryBlock
  readonly writes: readonly WriteTarget[]
  /** How many bound values it takes. */
  readonly parameters: number
  /** The place of each bound value, by its token. */
  readonly places: ReadonlyMap<number, number>
}

/** The subqueries that conditions hold. */
export function* placedIn(conditions: readonly ConditionNode[]): Generator<QueryBlock> {
  for (const condition of conditions) {
    if (condition.kind === 'or') for (const arm of condition.arms) yield* placedIn(arm)
    else if (condition.kind === 'opaque') yield* condition.subqueries
    else if (condition.kind !== 'row' && condition.subquery !== undefined) yield condition.subquery
  }
}
