import type { ColumnRef, Range } from '../../sql/token-map.ts'

export interface OutlineTable {
  /** The parts of its name; empty for a subquery or a function. */
  readonly name: readonly string[]
  /** What columns call it by. */
  readonly alias: string
}

/** One condition of those that must all hold. */
export interface Predicate extends Range {
  /** Left out where it is no comparison of a bare column. */
  readonly column?: ColumnRef
  /** `=`, `<`, `IN`, `BETWEEN`, `LIKE`, `IS` …, empty where it cannot be told. */
  readonly operator: string
  /** The bare column on its other side, if there is one. */
  readonly other?: ColumnRef
  /** What the column is compared with. */
  readonly value: Range
}

export type JoinType = 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | 'CROSS'

export interface OutlineJoin extends Range {
  readonly type: JoinType
  readonly table: OutlineTable
  readonly on: readonly Predicate[]
}

/** One SELECT, UPDATE or DELETE, without those inside it. */
export interface Block extends Range {
  readonly kind: string
  /** The driving table; `undefined` where nothing is read. */
  readonly table: OutlineTable | undefined
  readonly joins: readonly OutlineJoin[]
  readonly where: readonly Predicate[]
  readonly clauses: ReadonlyMap<string, Range>
  readonly distinct: boolean
  /** Whether the list of columns has a `*`. */
  readonly star: boolean
}
