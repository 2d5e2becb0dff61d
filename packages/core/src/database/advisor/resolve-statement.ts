import type { OrderTerm, QueryTree } from '../../sql/tree/query-tree.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import { SnapshotIndex } from '../inspectors/snapshot-index.ts'
import type { BlockInstance, ColumnMeaning } from './block-instance.ts'
import { BlockInstances } from './block-instances.ts'
import { ConditionResolver } from './condition-resolver.ts'
import { servesPlainIndex } from './own-type.ts'
import { resolveWrites, StatementRoles } from './statement-roles.ts'
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
  const resolver = new StatementResolver(index, instances, new ConditionResolver(instances, index, roles))
  for (const instance of instances.all) resolver.columns(instance)
  for (const instance of instances.all) {
    resolver.conditions(instance)
    resolver.order(instance)
    resolver.groups(instance)
    roles.bound(instance.block.limit, 'limit')
    roles.bound(instance.block.offset, 'offset')
  }
  const writes = resolveWrites(tree, index, roles, instances.unknown)
  const isOrdered = instances.all.some(({ block }) => block.orderBy.length > 0)
  const limit = instances.all.find(({ block }) => block.limit !== undefined)?.block.limit
  const found = {
    uses: instances.uses,
    parameters: roles.found,
    writes,
    isOrdered,
    unknown: [...instances.unknown],
  }
  return limit === undefined ? found : { ...found, limit }
}

class StatementResolver {
  constructor(
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
    this.resolver.resolve(instance, block.where)
    this.resolver.resolve(instance, block.having)
    for (const [at, item] of items.entries()) {
      this.resolver.resolve(instance, item.item.on)
      for (const column of item.item.using) this.#shared(instance, at, column)
      if (item.item.isNatural === true)
        for (const column of this.#commonColumns(instance, at)) this.#shared(instance, at, column)
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
    if (column === undefined || !servesPlainIndex(term, column, this.index.snapshot.dialect)) return undefined
    const { call } = term
    const ordered = {
      column: target.column,
      ...(call === undefined ? {} : { call }),
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
