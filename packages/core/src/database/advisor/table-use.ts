import type { ComparisonOperator, ValueTerm } from '../../sql/tree/query-tree.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'

/** A condition on a column of one table. */
export interface ColumnCondition {
  /** Name in the catalog. */
  readonly column: string
  readonly call?: 'lower' | 'upper'
  /** A collation other than the column's own: only an index with the same collation serves it. */
  readonly collation?: string
  /** A cast to a type other than the column's: no plain index serves it. */
  readonly isCast: boolean
  readonly operator: ComparisonOperator
  readonly negated: boolean
  readonly values: readonly ValueTerm[]
  /** `IN (SELECT …)`, `= (SELECT …)`: the values are known only when it runs. */
  readonly isSubquery: boolean
}

/**
 * An equality with a column of another table of the statement: by a join, from within a subquery, or by
 * `IN (SELECT …)`.
 */
export interface JoinCondition {
  readonly column: string
  /**
   * The other side: the index of its use in the list, and its column. `undefined` if the other side is not a
   * column of a table.
   */
  readonly other: { readonly use: number; readonly column: string } | undefined
}

export interface OrderedColumn {
  readonly column: string
  readonly call?: 'lower' | 'upper'
  /** A collation other than the column's own. */
  readonly collation?: string
  readonly isDescending: boolean
  readonly nulls?: 'first' | 'last'
}

/** Conditions of one arm of an OR on one table. */
export interface TableConditions {
  readonly conditions: readonly ColumnCondition[]
  readonly joins: readonly JoinCondition[]
}

export type Dependence = 'none' | 'outer' | 'subquery'

/** Columns that are compared together, in order. */
export interface RowComparison {
  readonly columns: readonly string[]
  readonly operator: '<' | '<=' | '>' | '>='
  readonly values: readonly ValueTerm[]
  /** `a < ? OR (a = ? AND b < ?)`: the same, as alternatives. */
  readonly isAlternatives: boolean
}

/** How a statement uses one table in one place: each entry of FROM is one use. */
export interface TableUse extends TableConditions {
  /** Its place in the list of uses. */
  readonly place: number
  readonly table: TableSnapshot
  readonly alias: string
  /** ORs of which each arm has a condition on this table. */
  readonly alternatives: readonly (readonly TableConditions[])[]
  /** Keysets: `(a, b) < (?, ?)`. */
  readonly rowComparisons: readonly RowComparison[]
  /** Set where all of ORDER BY is columns of this table. */
  readonly order: readonly OrderedColumn[]
  /** Set where all of GROUP BY, or of DISTINCT, is columns of this table. */
  readonly group: readonly string[]
  /** Whether its block has a LIMIT. */
  readonly isLimited: boolean
  /**
   * The position at which it is read: `outer` after the other side of its outer join, whose rows all remain;
   * `subquery` for each row of the query around it.
   */
  readonly dependence: Dependence
  /** `min(x)` or `max(x)`: only the first row in its order is needed. */
  readonly isExtreme: boolean
  /** Every column that is named of it, anywhere in the statement; `*` for all. */
  readonly columns: ReadonlySet<string>
}

/** A statement, resolved against a catalog. */
export interface StatementUse {
  readonly uses: readonly TableUse[]
  /**
   * For each bound value, by place: the column it is compared with, `limit`, `offset`, or `undefined` where
   * it is neither.
   */
  readonly parameters: readonly (ParameterRole | undefined)[]
  readonly writes: readonly {
    readonly kind: 'insert' | 'update' | 'delete'
    readonly table: TableSnapshot
    readonly columns: readonly string[]
  }[]
  /** Whether rows are asked for in an order, in the whole or a part of it. */
  readonly isOrdered: boolean
  /** The LIMIT of the whole, or of the first part that has one. */
  readonly limit?: ValueTerm
  /** The OFFSET of that part. */
  readonly offset?: ValueTerm
  /** Names of tables that are not in the catalog, and views that could not be read. */
  readonly unknown: readonly string[]
}

export type ParameterRole =
  | {
      readonly kind: 'column'
      readonly table: TableSnapshot
      readonly column: string
      readonly operator: ComparisonOperator
      readonly isUpperBound: boolean
      /** `= ANY ($1)`: the bound value is an array of such values. */
      readonly isArray?: true
      /** `LIKE ? || '%'`: what the statement puts around the bound value. */
      readonly around?: { readonly before: string; readonly after: string }
    }
  | { readonly kind: 'limit' }
  | { readonly kind: 'offset' }
  /** Written to a column: `INSERT … VALUES (?)`, `SET column = ?`. */
  | { readonly kind: 'written'; readonly table: TableSnapshot; readonly column: string }

/** A use of a table while the statement is resolved. */
export class UseDraft implements TableUse {
  readonly conditions: ColumnCondition[] = []
  readonly joins: JoinCondition[] = []
  readonly alternatives: (readonly TableConditions[])[] = []
  readonly rowComparisons: RowComparison[] = []
  order: readonly OrderedColumn[] = []
  group: readonly string[] = []
  isExtreme = false
  readonly columns: Set<string> = new Set()

  constructor(
    readonly place: number,
    readonly table: TableSnapshot,
    readonly alias: string,
    readonly isLimited: boolean,
    public dependence: Dependence = 'none',
  ) {}
}

/** Destination of conditions: the uses, or one arm of an OR. */
export interface ConditionSink {
  condition(use: UseDraft, condition: ColumnCondition): void
  join(use: UseDraft, join: JoinCondition): void
}

export const toUses: ConditionSink = {
  condition: (use, condition) => {
    use.conditions.push(condition)
  },
  join: (use, join) => {
    use.joins.push(join)
  },
}

/** Conditions of one arm of an OR, by table. */
export class ArmSink implements ConditionSink {
  readonly requested: Map<
    UseDraft,
    { readonly conditions: ColumnCondition[]; readonly joins: JoinCondition[] }
  > = new Map()

  condition(use: UseDraft, condition: ColumnCondition): void {
    this.#of(use).conditions.push(condition)
  }

  join(use: UseDraft, join: JoinCondition): void {
    this.#of(use).joins.push(join)
  }

  #of(use: UseDraft) {
    let found = this.requested.get(use)
    if (found === undefined) {
      found = { conditions: [], joins: [] }
      this.requested.set(use, found)
    }
    return found
  }
}
