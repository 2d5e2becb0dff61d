import type { OrderTerm, OutputTerm, QueryTree } from '../../sql/tree/query-tree.ts'
import { type DatabaseSnapshot, SnapshotIndex } from '../inspectors/database-snapshot.ts'
import { type BlockInstance, BlockInstances, type ColumnMeaning } from './block-instances.ts'
import { ConditionResolver, resolveWrites, StatementRoles } from './condition-resolver.ts'
import { otherCollation, servesPlainIndex } from './own-type.ts'
import type { OrderedColumn, StatementUse, UseDraft } from './table-use.ts'

/**
 * Resolves a statement against the tables of a snapshot: each use of a table with its conditions, joins,
 * order and groups, and the role of each parameter. Names that are not in the snapshot are listed, without
 * further information.
 */
export function resolveStatement(tree: QueryTree, snapshot: DatabaseSnapshot): StatementUse {
  const index = SnapshotIndex.of(snapshot)
  const instances = new BlockInstances(index, tree.root)
  const roles = new StatementRoles(tree.parameters)
  const conditions = new ConditionResolver(instances, index, roles)
  const resolver = new StatementResolver(tree, index, instances, conditions)
  for (const instance of instances.all) resolver.columns(instance)
  for (const instance of instances.all) {
    resolver.conditions(instance)
    resolver.order(instance)
    resolver.extreme(instance)
    resolver.groups(instance)
    roles.bound(instance.block.limit, 'limit')
    roles.bound(instance.block.offset, 'offset')
  }
  const writes = resolveWrites(tree, index, roles, instances.unknown)
  const isOrdered = instances.all.some(({ block }) => block.orderBy.length > 0)
  const { limit, offset } = instances.all.find(({ block }) => block.limit !== undefined)?.block ?? {}
  const found = {
    uses: instances.uses,
    parameters: roles.found,
    writes,
    isOrdered,
    unknown: [...instances.unknown],
  }
  if (limit === undefined) return found
  return { ...found, limit, ...(offset === undefined ? {} : { offset }) }
}

class StatementResolver {
  constructor(
    private readonly tree: QueryTree,
    private readonly index: SnapshotIndex,
    private readonly instances: BlockInstances,
    private readonly resolver: ConditionResolver,
  ) {}

  /** Notes which columns are named. */
  columns(instance: BlockInstance): void {
    for (const name of instance.block.mentions) {
      if (name.column === '*') {
        const { schema, table: of } = name
        const star = { ...(schema === undefined ? {} : { schema }), ...(of === undefined ? {} : { of }) }
        for (const { use } of this.instances.starred(instance, star)) use?.columns.add('*')
        continue
      }
      for (const { use, column } of this.instances.resolve(instance, name)?.targets ?? [])
        use.columns.add(column)
    }
  }

  conditions(instance: BlockInstance): void {
    const { block, items } = instance
    this.#where(instance)
    this.resolver.resolve(instance, block.having)
    for (const [at, item] of items.entries()) {
      this.resolver.resolve(instance, item.item.on)
      for (const column of item.item.using) this.#shared(instance, at, column)
      if (item.item.isNatural === true)
        for (const column of this.#commonColumns(instance, at)) this.#shared(instance, at, column)
    }
  }

  /**
   * In WHERE, IS NULL of the optional side of an outer join keeps the rows without a partner, and any other
   * condition makes it an inner join.
   */
  #where(instance: BlockInstance): void {
    const uses = this.instances.uses.filter(({ dependence }) => dependence === 'outer')
    const counts = new Map(uses.map((use) => [use, use.conditions.length]))
    this.resolver.resolve(instance, instance.block.where)
    for (const [use, count] of counts) {
      const added = use.conditions.splice(count)
      const rejecting = added.filter(({ operator }) => operator !== 'is null')
      use.conditions.push(...rejecting)
      if (rejecting.length > 0) use.dependence = 'none'
    }
  }

  order(instance: BlockInstance): void {
    const { block } = instance
    if (block.kind === 'set-operation' || block.orderBy.length === 0) return
    const terms = block.orderBy.map((term) => this.#ordered(instance, term))
    const use = commonUse(terms.map((term) => term?.use))
    if (use === undefined || use.order.length > 0) return
    use.order = terms.flatMap((term) => term?.ordered ?? [])
  }

  /** `max(x)` without groups reads the last row in the order of x. */
  extreme(instance: BlockInstance): void {
    const { kind, outputs, orderBy, groupBy, isDistinct, having, limit } = instance.block
    if (kind !== 'select' || orderBy.length + groupBy.length + having.length > 0 || isDistinct) return
    const found = outputs.map((output) => extremeOf(this.tree, output))
    const [first] = found
    const [column] = outputs[0]?.columns ?? []
    // SQLite finds only one of them by an index.
    const isOne = found.length === 1 || (found.length === 2 && this.tree.dialect !== 'sqlite')
    if (first === undefined || column === undefined || !isOne || limit !== undefined) return
    const targets = outputs.map((output) =>
      extremeOf(this.tree, output) === undefined || output.columns[0] === undefined
        ? undefined
        : this.instances.resolve(instance, output.columns[0]),
    )
    const [target] = targets[0]?.targets ?? []
    if (target === undefined || target.use.order.length > 0) return
    const isSame = targets.every((meaning) => {
      const [own, another] = meaning?.targets ?? []
      return (
        own?.use === target.use && own.column === target.column && another === undefined && meaning?.order
      )
    })
    if (!isSame || targets[0]?.crossed.length !== 0) return
    target.use.order = [{ column: target.column, isDescending: first === 'max' }]
    target.use.isExtreme = true
  }

  groups(instance: BlockInstance): void {
    const { block } = instance
    const meanings = this.#grouped(instance)
    if (meanings.length === 0) return
    const targets = meanings.map((meaning) =>
      meaning?.joins && meaning.targets.length === 1 ? meaning.targets[0] : undefined,
    )
    const use = commonUse(targets.map((target) => target?.use))
    if (use === undefined || use.group.length > 0 || block.kind !== 'select') return
    use.group = [...new Set(targets.flatMap((target) => target?.column ?? []))]
  }

  /** Grouping of rows: GROUP BY, DISTINCT ON, or all columns of DISTINCT. */
  #grouped(instance: BlockInstance): readonly (ColumnMeaning | undefined)[] {
    const { block } = instance
    const terms = block.groupBy.length > 0 ? block.groupBy : block.distinctOn
    if (terms.length > 0) return terms.map((term) => this.#groupMeaning(instance, term))
    if (!block.isDistinct) return []
    return block.outputs.map(({ column }) =>
      column === undefined ? undefined : this.instances.resolve(instance, column),
    )
  }

  #groupMeaning(instance: BlockInstance, { column }: OrderTerm): ColumnMeaning | undefined {
    if (
      column === undefined ||
      column.call !== undefined ||
      column.cast !== undefined ||
      column.collation !== undefined
    )
      return undefined
    const meaning = this.instances.resolve(instance, column)
    if (meaning !== undefined || column.table !== undefined) return meaning
    const output = instance.block.outputs.find(
      ({ name }) => name !== undefined && this.index.fold(name) === this.index.fold(column.column),
    )
    return output?.column === undefined ? undefined : this.instances.resolve(instance, output.column)
  }

  #ordered(
    instance: BlockInstance,
    { column: term, descending, nulls }: OrderTerm,
  ): { use: UseDraft; ordered: OrderedColumn } | undefined {
    if (term === undefined) return undefined
    const meaning = this.instances.resolve(instance, term)
    const [target] = meaning?.targets ?? []
    if (
      meaning === undefined ||
      target === undefined ||
      meaning.targets.length > 1 ||
      !meaning.order ||
      meaning.crossed.length > 0
    )
      return undefined
    const column = this.index.column(target.use.table, target.column)
    const { dialect } = this.index.snapshot
    const collation = column === undefined ? undefined : otherCollation(term, column, dialect)
    const { collation: _, ...plain } = term
    if (column === undefined || !servesPlainIndex(collation === undefined ? term : plain, column, dialect))
      return undefined
    const { call } = term
    const ordered = {
      column: target.column,
      ...(call === undefined ? {} : { call }),
      ...(collation === undefined ? {} : { collation }),
      isDescending: descending,
      ...(nulls === undefined ? {} : { nulls }),
    }
    return { use: target.use, ordered }
  }

  /** A column of USING: that of an entry, and that of one before it. */
  #shared({ items }: BlockInstance, at: number, column: string): void {
    const [own, before] = [items[at], items.slice(0, at)]
    const right = own === undefined ? undefined : this.instances.columnOf(own, column)
    const left = before.flatMap((item) => this.instances.columnOf(item, column) ?? [])[0]
    if (left === undefined || right === undefined) return
    this.resolver.equal(left, right)
    for (const { use, column: name } of [...left.targets, ...right.targets]) use.columns.add(name)
  }

  #commonColumns({ items }: BlockInstance, at: number): readonly string[] {
    const own = items[at]
    if (own === undefined) return []
    const columns =
      own.use?.table.columns ?? (own.query === undefined ? [] : this.instances.outputsOf(own.query))
    return columns.flatMap(({ name }) => {
      const isCommon =
        name !== undefined &&
        items.slice(0, at).some((item) => this.instances.columnOf(item, name) !== undefined)
      return isCommon ? [name] : []
    })
  }
}

/** The use that all are of. */
function commonUse(uses: readonly (UseDraft | undefined)[]): UseDraft | undefined {
  const [first] = uses
  return uses.every((use) => use === first) ? first : undefined
}

const AGGREGATES = /^(COUNT|SUM|AVG|TOTAL|GROUP_CONCAT|STRING_AGG|ARRAY_AGG|JSON_\w*AGG|OVER|FILTER)$/

/** `min(x)` or `max(x)` of a plain column as an output, also within `coalesce(max(x), 0)`. */
function extremeOf(
  { tokens }: Pick<QueryTree, 'tokens'>,
  { start, end, columns, isAggregated }: OutputTerm,
): 'min' | 'max' | undefined {
  if (isAggregated !== true || columns.length !== 1) return undefined
  const own = tokens.slice(start, end)
  if (own.some(({ upper }) => AGGREGATES.test(upper ?? ''))) return undefined
  const calls = own.flatMap(({ upper }, at) =>
    (upper === 'MIN' || upper === 'MAX') && own[at + 1]?.text === '(' ? [at] : [],
  )
  const [at] = calls
  if (at === undefined || calls.length > 1) return undefined
  const close = own.findIndex(({ text }, place) => place > at && text === ')')
  const inner = own.slice(at + 2, close)
  const isName = inner.every(({ kind, text }, place) =>
    place % 2 === 1 ? text === '.' : kind === 'word' || kind === 'quoted',
  )
  if (!isName || inner.length % 2 === 0) return undefined
  return own[at]?.upper === 'MIN' ? 'min' : 'max'
}
