import {
  type ColumnName,
  type ConditionNode,
  type FromItem,
  type OutputTerm,
  placedIn,
  type QueryBlock,
} from '../../sql/tree/query-tree.ts'
import type { SnapshotIndex, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { type Dependence, UseDraft } from './table-use.ts'

const COMPUTED: ColumnMeaning = { targets: [], conditions: false, joins: false, order: false }
/**
 * A view on views on views: deeper ones are as good as unknown, and those that a broken snapshot has in a
 * circle.
 */
const MAX_VIEWS = 20
/** Queries with names that name each other twice grow without bound. */
const MAX_BLOCKS = 5_000

/** The blocks of a statement where they stand, with the tables that they use, and what names mean in them. */
export class BlockInstances {
  readonly all: BlockInstance[] = []
  readonly uses: UseDraft[] = []
  readonly unknown: Set<string> = new Set()
  /** Created once for each block. */
  readonly #fenced = new Map<QueryBlock, BlockInstance>()
  #views = 0

  constructor(
    private readonly index: SnapshotIndex,
    root: QueryBlock,
  ) {
    this.#add(root, undefined, 'root', false)
  }

  /** The meaning of a name in a block; `undefined` if it is not certain. */
  resolve(
    from: BlockInstance,
    name: ColumnName,
  ): (ColumnMeaning & { readonly crossed: readonly BlockInstance[] }) | undefined {
    const crossed: BlockInstance[] = []
    for (let at: BlockInstance | undefined = from; at !== undefined; at = at.parent) {
      const found = this.#resolveIn(at, name)
      if (found !== undefined) {
        for (const { use } of found.targets) for (const instance of crossed) instance.outerUses.add(use)
        return { ...found, crossed }
      }
      // The column may be one of those that are not known.
      if (at.items.some((item) => (name.table === undefined ? isOpen(item) : this.#isCalled(item, name))))
        return undefined
      crossed.push(at)
    }
    return undefined
  }

  /** The meaning of a name as a column of one entry. */
  columnOf({ use, query, columnNames }: ItemInstance, column: string): ColumnMeaning | undefined {
    if (use !== undefined) {
      const renamed =
        columnNames?.findIndex((name) => this.index.fold(name) === this.index.fold(column)) ?? -1
      const own = renamed >= 0 ? use.table.columns[renamed] : this.index.column(use.table, column)
      return own === undefined
        ? undefined
        : { targets: [{ use, column: own.name }], conditions: true, joins: true, order: true }
    }
    if (query === undefined) return undefined
    const outputs = this.outputsOf(query)
    const at = outputs.findIndex(
      ({ name }, place) => this.index.fold(columnNames?.[place] ?? name ?? '') === this.index.fold(column),
    )
    return outputs[at]?.meaning
  }

  /** The output columns of a query, with `*` expanded; columns after unknown entries are omitted. */
  outputsOf(instance: BlockInstance): readonly NamedOutput[] {
    if (instance.outputs === undefined) {
      instance.outputs = []
      instance.outputs = this.#outputs(instance)
    }
    return instance.outputs
  }

  /** Each column of the entries that a `*` stands for. */
  starred({ items }: BlockInstance, star: NonNullable<OutputTerm['star']>): readonly ItemInstance[] {
    const { schema, of } = star
    if (of === undefined) return items
    return items.filter((item) =>
      this.#isCalled(item, { ...(schema === undefined ? {} : { schema }), table: of, column: '*' }),
    )
  }

  #outputs(instance: BlockInstance): readonly NamedOutput[] {
    const { block, arms } = instance
    const passage = passageOf(block)
    const pass = (meaning: ColumnMeaning): ColumnMeaning => ({
      targets: meaning.targets,
      conditions: meaning.conditions && passage.conditions,
      joins: meaning.joins && passage.joins,
      order: meaning.order && passage.order,
    })
    if (arms.length > 0) {
      const lists = arms.map((arm) => this.outputsOf(arm))
      return (lists[0] ?? []).map(({ name }, place) => ({
        name,
        meaning: pass(united(lists.map((list) => list[place]?.meaning ?? COMPUTED))),
      }))
    }
    const found: NamedOutput[] = []
    for (const { name, column, star } of block.outputs) {
      if (star === undefined) {
        const meaning = column === undefined ? undefined : this.resolve(instance, column)
        found.push({ name, meaning: meaning === undefined ? COMPUTED : pass(meaning) })
        continue
      }
      for (const item of this.starred(instance, star)) {
        if (isOpen(item)) return found
        for (const own of this.#allOf(item)) found.push({ name: own.name, meaning: pass(own.meaning) })
      }
    }
    return found
  }

  #allOf({ item, use, query, columnNames }: ItemInstance): readonly NamedOutput[] {
    const isMerged = (name: string | undefined) =>
      item.using.some((column) => this.index.fold(column) === this.index.fold(name ?? ''))
    if (use !== undefined) {
      return use.table.columns
        .map(({ name }, place) => ({
          name: columnNames?.[place] ?? name,
          meaning: { targets: [{ use, column: name }], conditions: true, joins: true, order: true },
        }))
        .filter(({ name }) => !isMerged(name))
    }
    if (query === undefined) return []
    return this.outputsOf(query)
      .map(({ name, meaning }, place) => ({ name: columnNames?.[place] ?? name, meaning }))
      .filter(({ name }) => !isMerged(name))
  }

  #resolveIn({ items }: BlockInstance, name: ColumnName): ColumnMeaning | undefined {
    for (const item of items) {
      if (name.table !== undefined && !this.#isCalled(item, name)) continue
      const found = this.columnOf(item, name.column)
      if (found !== undefined) return found
    }
    return undefined
  }

  #isCalled({ item }: ItemInstance, { schema, table }: ColumnName): boolean {
    if (this.index.fold(item.alias) !== this.index.fold(table ?? '')) return false
    const own = item.table?.at(-2)
    return schema === undefined || own === undefined || this.index.fold(schema) === this.index.fold(own)
  }

  #add(
    block: QueryBlock,
    parent: BlockInstance | undefined,
    role: BlockRole,
    isLimited: boolean,
  ): BlockInstance {
    const instance = new BlockInstance(block, parent, role, isLimited || block.limit !== undefined)
    this.all.push(instance)
    for (const item of block.from) instance.items.push(this.#item(item, instance))
    for (const arm of block.arms) instance.arms.push(this.#add(arm, this.#around(arm, instance), role, false))
    const conditions = [...block.where, ...block.having, ...block.from.flatMap(({ on }) => on)]
    const roles = rolesIn(conditions)
    for (const subquery of [...placedIn(conditions), ...block.subqueries]) {
      if (instance.subqueries.has(subquery)) continue
      const inner = this.#add(
        subquery,
        this.#around(subquery, instance),
        roles.get(subquery) ?? 'scalar',
        false,
      )
      instance.subqueries.set(subquery, inner)
    }
    return instance
  }

  /** The block around a query is that of the same text, in the place where this one stands. */
  #around({ parent }: QueryBlock, from: BlockInstance): BlockInstance | undefined {
    for (let at: BlockInstance | undefined = from; at !== undefined; at = at.parent)
      if (at.block === parent) return at
    return undefined
  }

  #item(item: FromItem, instance: BlockInstance): ItemInstance {
    const names = item.columnNames === undefined ? {} : { columnNames: item.columnNames }
    if (item.subquery !== undefined) {
      const query = this.#subquery(item.subquery, instance)
      return query === undefined ? { item, ...names } : { item, query, ...names }
    }
    if (item.table === undefined) return { item, ...names }
    const table = this.index.table(item.table)
    if (table?.kind === 'view') return { item, ...this.#view(table, instance), ...names }
    if (table === undefined) {
      this.unknown.add(item.table.join('.'))
      return { item, ...names }
    }
    const use = new UseDraft(
      this.uses.length,
      table,
      item.alias,
      instance.isLimited,
      dependenceOf(item, instance),
    )
    this.uses.push(use)
    return { item, use, ...names }
  }

  #subquery(block: QueryBlock, instance: BlockInstance): BlockInstance | undefined {
    const known = this.#fenced.get(block)
    if (known !== undefined) return known
    if (this.all.length >= MAX_BLOCKS) return undefined
    const created = this.#add(
      block,
      this.#around(block, instance),
      'from',
      instance.isLimited && passageOf(block).order,
    )
    if (block.isFenced === true) this.#fenced.set(block, created)
    return created
  }

  #view(table: TableSnapshot, instance: BlockInstance): Pick<ItemInstance, 'query' | 'columnNames'> {
    const tree = this.index.view(table)
    if (tree === undefined || this.#views >= MAX_VIEWS || this.all.length >= MAX_BLOCKS) {
      this.unknown.add(`${table.schema}.${table.name}`)
      return {}
    }
    this.#views++
    const query = this.#add(tree.root, undefined, 'from', instance.isLimited && passageOf(tree.root).order)
    this.#views--
    return isOpenQuery(query) ? { query } : { query, columnNames: table.columns.map(({ name }) => name) }
  }
}

function dependenceOf({ join }: FromItem, instance: BlockInstance): Dependence {
  if (join === 'left' || join === 'full') return 'outer'
  let at: BlockInstance | undefined = instance
  while (at?.role === 'from') at = at.parent
  return at?.role === 'anti' || at?.role === 'scalar' ? 'subquery' : 'none'
}

/** Whether an entry may have columns that are not known. */
function isOpen({ use, query }: ItemInstance): boolean {
  if (use !== undefined) return false
  return query === undefined || isOpenQuery(query)
}

function isOpenQuery({ block, arms, items }: BlockInstance): boolean {
  if (block.kind === 'values') return true
  if (arms.length > 0) return arms.some(isOpenQuery)
  return block.outputs.some(({ star }) => star !== undefined) && items.some(isOpen)
}

function united(meanings: readonly ColumnMeaning[]): ColumnMeaning {
  return {
    targets: meanings.flatMap(({ targets }) => targets),
    conditions: meanings.every(({ conditions, targets }) => conditions || targets.length === 0),
    joins: meanings.every(({ joins, targets }) => joins || targets.length === 0),
    order: false,
  }
}

/** How the subqueries of conditions stand to their block. */
function rolesIn(conditions: readonly ConditionNode[], isAlternative = false): Map<QueryBlock, BlockRole> {
  const roles = new Map<QueryBlock, BlockRole>()
  for (const condition of conditions) {
    if (condition.kind === 'or')
      for (const arm of condition.arms) for (const [block] of rolesIn(arm, true)) roles.set(block, 'scalar')
    else if (condition.kind === 'exists')
      roles.set(condition.subquery, isAlternative ? 'scalar' : condition.negated ? 'anti' : 'semi')
    else if (
      condition.kind === 'comparison' &&
      condition.subquery !== undefined &&
      condition.operator === 'in'
    )
      roles.set(condition.subquery, isAlternative ? 'scalar' : condition.negated ? 'anti' : 'semi')
  }
  return roles
}

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
