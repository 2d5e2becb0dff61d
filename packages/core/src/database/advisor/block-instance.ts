import type { FromItem, QueryBlock } from '../../sql/tree/query-tree.ts'
import type { UseDraft } from './table-use.ts'

/** Columns of an outer query that reach the tables of an inner one. */
export interface Passage {
  readonly conditions: boolean
  readonly joins: boolean
  readonly order: boolean
}

/**
 * Meaning of a name: columns of tables (one, or one for each arm of a set operation), or, without targets, a
 * computed value.
 */
export interface ColumnMeaning extends Passage {
  readonly targets: readonly { readonly use: UseDraft; readonly column: string }[]
}

export interface NamedOutput {
  readonly name: string | undefined
  readonly meaning: ColumnMeaning
}

/** How a query stands to the one around it. */
export type BlockRole = 'root' | 'from' | 'semi' | 'anti' | 'scalar'

/** A FROM entry with its meaning in the catalog. With neither a use nor a query, its columns are unknown. */
export interface ItemInstance {
  readonly item: FromItem
  readonly use?: UseDraft
  readonly query?: BlockInstance
  /** The names that its columns are given. */
  readonly columnNames?: readonly string[]
}

/** A block in one place: a query that is named in two places is two. */
export class BlockInstance {
  readonly items: ItemInstance[] = []
  readonly arms: BlockInstance[] = []
  /** Uses around it that its columns name: it depends on their rows. */
  readonly outerUses: Set<UseDraft> = new Set()
  readonly subqueries: Map<QueryBlock, BlockInstance> = new Map()
  outputs: readonly NamedOutput[] | undefined

  constructor(
    readonly block: QueryBlock,
    readonly parent: BlockInstance | undefined,
    readonly role: BlockRole,
    readonly isLimited: boolean,
  ) {}
}

/** Conditions that pass from outside a query to its FROM. */
export function passageOf(block: QueryBlock): Passage {
  const { kind, isFenced, limit, offset, hasWindows, distinctOn, groupBy, outputs, isDistinct, isAll } = block
  const isSelect = kind === 'select' || kind === 'set-operation'
  const conditions =
    isSelect &&
    isFenced !== true &&
    limit === undefined &&
    offset === undefined &&
    hasWindows !== true &&
    distinctOn.length === 0
  const isFlat =
    groupBy.length === 0 && !isDistinct && !outputs.some(({ isAggregated }) => isAggregated === true)
  const joins = conditions && isFlat && isAll !== false
  return { conditions, joins, order: joins && kind === 'select' }
}
