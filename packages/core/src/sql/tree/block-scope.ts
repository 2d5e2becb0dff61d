import type {
  AggregateCall,
  ClauseRanges,
  ColumnName,
  ConditionNode,
  FromItem,
  OrderTerm,
  OutputTerm,
  QueryBlock,
  ValueTerm,
} from './query-tree.ts'

const NONE: readonly never[] = []

/** A block while it is being read. */
export class BlockDraft implements QueryBlock {
  kind: QueryBlock['kind'] = 'select'
  end: number
  clauses: { -readonly [K in keyof ClauseRanges]: ClauseRanges[K] } = {}
  readonly from: FromItem[] = []
  where: readonly ConditionNode[] = NONE
  having: readonly ConditionNode[] = NONE
  groupBy: readonly OrderTerm[] = NONE
  orderBy: readonly OrderTerm[] = NONE
  outputs: readonly OutputTerm[] = NONE
  isDistinct = false
  distinctOn: readonly OrderTerm[] = NONE
  hasWindows?: true
  aggregates?: AggregateCall[]
  readonly mentions: ColumnName[] = []
  limit?: ValueTerm
  offset?: ValueTerm
  readonly arms: QueryBlock[] = []
  isAll?: boolean
  subqueries: QueryBlock[] = []
  isFenced?: boolean
  columnNames?: readonly string[]
  readonly parent?: QueryBlock

  constructor(
    readonly start: number,
    parent: QueryBlock | undefined,
  ) {
    this.end = start
    if (parent !== undefined) this.parent = parent
  }
}

/** A common table expression, as seen by the queries that refer to it. */
export interface CteEntry {
  /** Its index in its WITH. */
  readonly index: number
  /** Not set while the expression itself is being read: a reference to it is then recursive. */
  block?: BlockDraft
  isRecursive: boolean
  /** `NOT MATERIALIZED`. */
  isInline: boolean
  /** Number of references to it. */
  uses: number
}

/** The common table expressions of one WITH, and the enclosing ones. */
export interface CteScope {
  readonly entries: ReadonlyMap<string, CteEntry>
  /** How many of them are visible, starting with the first. */
  readonly visible: number
  readonly outer: CteScope | undefined
}

/** The block that is being read, and the names that it can refer to. */
export interface BlockScope {
  readonly block: BlockDraft
  readonly ctes: CteScope | undefined
  /** Subqueries in expressions, some of which are later assigned to conditions. */
  readonly subqueries: QueryBlock[]
}

export function findCte(scope: CteScope | undefined, name: string): CteEntry | undefined {
  for (let at = scope; at !== undefined; at = at.outer) {
    const found = at.entries.get(name)
    if (found !== undefined && found.index < at.visible) return found
  }
  return undefined
}
