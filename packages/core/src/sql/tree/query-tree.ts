/** A column as a statement names it. */
export interface ColumnName {
  /** The alias or table it is qualified with, folded as the dialect folds names; `undefined` where it has none. */
  readonly table?: string
  /** Folded as the dialect folds names: PostgreSQL lower-cases what is not quoted, the others keep the case. */
  readonly column: string
}

/** What stands for one value: a bound one by its place, or the text of one as written. */
export type ValueTerm =
  /** `place` counts from 0: the bindings are a list, whichever way the dialect numbers them (`$2` is place 1; the third `?` is 2). */
  | { readonly kind: 'parameter'; readonly place: number }
  /** A number, a string (with its quotes), `NULL`, `TRUE`, `FALSE`; `text` is as written. */
  | { readonly kind: 'literal'; readonly text: string }
  /** A subquery, a function call, arithmetic: known only when it runs. */
  | { readonly kind: 'expression' }

/** What is compared: a column, bare, or within something an index could be made for. */
export interface ColumnTerm extends ColumnName {
  /** `lower(column)` and `upper(column)`. Any other function leaves no term. */
  readonly call?: 'lower' | 'upper'
  /** `column::type`, `CAST(column AS type)`: the type as written, lower case. A plain index does not serve it unless the type is the column's own. */
  readonly cast?: string
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

/** One condition on one column. */
export interface ComparisonNode {
  readonly kind: 'comparison'
  readonly column: ColumnTerm
  /** As read with the column on the left: `5 < x` is `x > 5`. `x IS TRUE`, `x` and `NOT x` are `=` with the literal `TRUE` or `FALSE`. */
  readonly operator: ComparisonOperator
  /** With NOT before it. Negations that have an operator of their own (`NOT x = 1`, `x IS NOT NULL`) are that operator instead. */
  readonly negated: boolean
  /**
   * What it is compared with: one term; of `between` two; of `in` one each; of `is null` none. Of a row of values, `(a, b) < (?, ?)`, the
   * terms of this column alone.
   */
  readonly values: readonly ValueTerm[]
  /** The column on its other side, where a bare one is there (`values` is empty then): what joins two tables. */
  readonly other?: ColumnName
  /** `IN (SELECT …)`, `= ANY (SELECT …)`, and `x = (SELECT …)`. */
  readonly subquery?: QueryBlock
}

/** `(a, b) < (x, y)`, the keyset of a page: the columns together, in order. */
export interface RowComparisonNode {
  readonly kind: 'row'
  readonly columns: readonly ColumnTerm[]
  readonly operator: '=' | '<' | '<=' | '>' | '>='
  readonly values: readonly ValueTerm[]
}

/** Of several arms at least one holds; each arm is a list of conditions that hold together. */
export interface DisjunctionNode {
  readonly kind: 'or'
  readonly arms: readonly (readonly ConditionNode[])[]
}

/** `[NOT] EXISTS (SELECT …)`. */
export interface ExistsNode {
  readonly kind: 'exists'
  readonly negated: boolean
  readonly subquery: QueryBlock
}

/** What no index could serve: a function of columns, arithmetic, a comparison of expressions, a negated group. */
export interface OpaqueNode {
  readonly kind: 'opaque'
  /** Every column named in it. */
  readonly columns: readonly ColumnName[]
  readonly subqueries: readonly QueryBlock[]
}

export type ConditionNode = ComparisonNode | RowComparisonNode | DisjunctionNode | ExistsNode | OpaqueNode

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'cross'

/** One entry of FROM, and the target of UPDATE and DELETE. */
export interface FromItem {
  /** How it is joined to those before it; the first is `cross`. */
  readonly join: JoinKind
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
  /** ON and USING. */
  readonly on: readonly ConditionNode[]
}

export interface OrderTerm {
  /** `undefined` for an expression. */
  readonly column?: ColumnTerm
  readonly descending: boolean
  readonly nulls?: 'first' | 'last'
}

export interface OutputTerm {
  /** The name that the column of the result has. `undefined` where it has none of its own. */
  readonly name?: string
  /** Set for a bare column. */
  readonly column?: ColumnName
  /** `*` and `t.*`: `of` is the qualifier. */
  readonly star?: { readonly of?: string }
  /** Every column named in it, whatever it is. */
  readonly columns: readonly ColumnName[]
  /** `count(*)`, `sum(x)`, … in lower case, where the whole output is one call of an aggregate. */
  readonly aggregate?: string
}

/** One SELECT, UPDATE or DELETE, without those within it; of a set operation, its arms. */
export interface QueryBlock {
  readonly kind: 'select' | 'set-operation' | 'values' | 'update' | 'delete' | 'insert'
  /** The tokens it is made of: from `start` up to, but not with, `end`, in the tree's list. */
  readonly start: number
  readonly end: number
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
  readonly limit?: ValueTerm
  readonly offset?: ValueTerm
  /** Of a set operation: what it joins, in order. */
  readonly arms: readonly QueryBlock[]
  /** Of a set operation: whether equal rows stay. */
  readonly isAll?: boolean
  /** Subqueries that stand in none of the places above: in outputs, in GROUP BY, in HAVING, in SET, common table expressions that are named nowhere. */
  readonly subqueries: readonly QueryBlock[]
  /** Of a common table expression: `MATERIALIZED`, or the reason why its conditions stay outside (it is recursive). */
  readonly isFenced?: boolean
  /** The names that a common table expression gives its columns. */
  readonly columnNames?: readonly string[]
}

/** What is written, beside what is read on the way. */
export interface WriteTarget {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly table: readonly string[]
  /** Of an update (and of an upsert's): the columns of its SET. */
  readonly columns: readonly string[]
}

/** A statement as a tree of blocks. */
export interface QueryTree {
  readonly root: QueryBlock
  readonly writes: readonly WriteTarget[]
  /** How many bound values it takes. */
  readonly parameters: number
}
