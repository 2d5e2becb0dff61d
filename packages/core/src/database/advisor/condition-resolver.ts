import type {
  ColumnName,
  ColumnTerm,
  ComparisonNode,
  ComparisonOperator,
  ConditionNode,
  DisjunctionNode,
  QueryTree,
  RowComparisonNode,
  ValueTerm,
} from '../../sql/tree/query-tree.ts'
import type { SnapshotIndex } from '../inspectors/database-snapshot.ts'
import { keysetOf } from '../keyset.ts'
import { type BlockInstance, type BlockInstances, type ColumnMeaning, passageOf } from './block-instances.ts'
import { otherCollation, servesPlainIndex } from './own-type.ts'
import {
  ArmSink,
  type ColumnCondition,
  type ConditionSink,
  type ParameterRole,
  type StatementUse,
  toUses,
  type UseDraft,
} from './table-use.ts'

type Target = ColumnMeaning['targets'][number]
type Meaning = ColumnMeaning & { readonly crossed: readonly BlockInstance[] }

/** Brings the conditions of a block to the tables that they are on. */
export class ConditionResolver {
  constructor(
    private readonly instances: BlockInstances,
    private readonly index: SnapshotIndex,
    private readonly roles: StatementRoles,
  ) {}

  resolve(instance: BlockInstance, conditions: readonly ConditionNode[], sink: ConditionSink = toUses): void {
    for (const condition of conditions) {
      if (condition.kind === 'comparison') this.#comparison(instance, condition, sink)
      else if (condition.kind === 'row') this.#row(instance, condition, sink)
      else if (condition.kind === 'or') this.#disjunction(instance, condition, sink)
    }
  }

  /** An equality of a column of one entry with one of another: by ON, USING, or from within a subquery. */
  equal(left: Meaning | ColumnMeaning, right: Meaning | ColumnMeaning, sink: ConditionSink = toUses): void {
    for (const one of left.targets) {
      for (const other of right.targets) {
        if (one.use === other.use) continue
        if (reaches(left))
          sink.join(one.use, { column: one.column, other: { use: other.use.place, column: other.column } })
        if (reaches(right))
          sink.join(other.use, { column: other.column, other: { use: one.use.place, column: one.column } })
      }
    }
  }

  #disjunction(instance: BlockInstance, node: DisjunctionNode, sink: ConditionSink): void {
    const { arms } = node
    const keyset = keysetOf(node)
    if (keyset !== undefined) this.#row(instance, keyset, sink, true)
    const sinks = arms.map((arm) => {
      const own = new ArmSink()
      this.resolve(instance, arm, own)
      return own
    })
    // An OR within an arm of an OR is ignored.
    if (sink !== toUses) return
    for (const use of sinks[0]?.requested.keys() ?? []) {
      const requested = sinks.flatMap((arm) => arm.requested.get(use) ?? [])
      if (requested.length === arms.length) use.alternatives.push(requested)
    }
  }

  #row(
    instance: BlockInstance,
    { columns, operator, values }: Pick<RowComparisonNode, 'columns' | 'operator' | 'values'>,
    sink: ConditionSink,
    isAlternatives = false,
  ): void {
    const targets = columns.map((column, at) => {
      const meaning = this.instances.resolve(instance, column)
      const [target] = meaning?.targets ?? []
      const value = values[at]
      if (target !== undefined && value !== undefined) this.roles.compared([value], operator, target)
      return meaning?.conditions &&
        meaning.targets.length === 1 &&
        this.#isPlain(column, target) &&
        column.call === undefined
        ? target
        : undefined
    })
    const [first] = targets
    if (first === undefined || sink !== toUses || !targets.every((target) => target?.use === first.use))
      return
    first.use.rowComparisons.push({
      columns: targets.map((target) => target?.column ?? ''),
      operator,
      values,
      isAlternatives,
    })
  }

  #comparison(instance: BlockInstance, node: ComparisonNode, sink: ConditionSink): void {
    const meaning = this.instances.resolve(instance, node.column)
    if (node.other !== undefined) {
      const other = this.instances.resolve(instance, node.other)
      if (meaning !== undefined && other !== undefined) this.#columns(node, meaning, other, sink)
      return
    }
    const inner = node.subquery === undefined ? undefined : instance.subqueries.get(node.subquery)
    if (inner !== undefined && node.operator === 'in') this.#member(instance, node, meaning, inner, sink)
    if (meaning === undefined) return
    const [first] = meaning.targets
    if (first !== undefined) this.roles.compared(node.values, node.operator, first)
    if (!meaning.conditions || !this.#isServed(node)) return
    for (const target of meaning.targets) {
      if (this.#dependsOn(instance, node.dependsOn ?? [], target.use) || inner?.outerUses.has(target.use))
        continue
      sink.condition(target.use, this.#condition(node, target))
    }
  }

  /** `x IN (SELECT y …)` joins x with y. */
  #member(
    instance: BlockInstance,
    node: ComparisonNode,
    meaning: Meaning | undefined,
    inner: BlockInstance,
    sink: ConditionSink,
  ): void {
    const output = this.instances.outputsOf(inner)[node.output ?? 0]?.meaning
    if (output === undefined) return
    if (
      meaning === undefined ||
      node.column.call !== undefined ||
      !this.#isPlain(node.column, meaning.targets[0])
    )
      return
    // NOT IN does not look up the outer rows.
    this.equal(
      { ...meaning, joins: meaning.joins && !node.negated && instance.role !== 'scalar' },
      output,
      sink,
    )
  }

  #columns(node: ComparisonNode, left: Meaning, right: Meaning, sink: ConditionSink): void {
    if (!this.#isServed(node)) return
    const isPlain = node.column.call === undefined && this.#isPlain(node.column, left.targets[0])
    if (node.operator === '=' && !node.negated && isPlain) {
      this.equal(left, right, sink)
      return
    }
    const isSame = left.targets.some(({ use }) => right.targets.some((other) => other.use === use))
    if (isSame) return
    if (reaches(left))
      for (const target of left.targets)
        sink.condition(target.use, this.#condition({ ...node, values: [{ kind: 'expression' }] }, target))
    if (!reaches(right)) return
    if (node.operator === '=')
      for (const { use, column } of right.targets) sink.join(use, { column, other: undefined })
  }

  /** Only SQLite and MySQL look up what may be NULL on both sides. */
  #isServed({ isNullSafe }: ComparisonNode): boolean {
    return isNullSafe !== true || this.index.snapshot.dialect !== 'postgresql'
  }

  #dependsOn(instance: BlockInstance, names: readonly ColumnName[], use: UseDraft): boolean {
    return names.some((name) =>
      this.instances.resolve(instance, name)?.targets.some((target) => target.use === use),
    )
  }

  #condition(
    { column: term, operator, negated, values, subquery }: ComparisonNode,
    target: Target,
  ): ColumnCondition {
    const column = this.index.column(target.use.table, target.column)
    const collation =
      column === undefined ? undefined : otherCollation(term, column, this.index.snapshot.dialect)
    return {
      column: target.column,
      ...(term.call === undefined ? {} : { call: term.call }),
      ...(collation === undefined ? {} : { collation }),
      isCast: collation === undefined && !this.#isPlain(term, target),
      operator,
      negated,
      values,
      isSubquery: subquery !== undefined,
    }
  }

  #isPlain(term: ColumnTerm, target: Target | undefined): boolean {
    const column = target === undefined ? undefined : this.index.column(target.use.table, target.column)
    return column !== undefined && servesPlainIndex(term, column, this.index.snapshot.dialect)
  }
}

/** Whether what a column equals is known when its table is read: from outside, only through EXISTS and IN. */
function reaches(meaning: Meaning | ColumnMeaning): boolean {
  const crossed = 'crossed' in meaning ? meaning.crossed : []
  return (
    meaning.joins &&
    crossed.every(({ role, block }) => role === 'semi' || (role === 'from' && passageOf(block).joins))
  )
}

/** Role of each parameter of a statement; the first occurrence with a known role counts. */
export class StatementRoles {
  readonly found: (ParameterRole | undefined)[]

  constructor(parameters: number) {
    this.found = Array.from({ length: parameters }, () => undefined)
  }

  bound(value: ValueTerm | undefined, kind: 'limit' | 'offset'): void {
    if (value?.kind === 'parameter') this.#set(value.place, { kind })
  }

  compared(
    values: readonly ValueTerm[],
    operator: ComparisonOperator,
    { use, column }: { readonly use: UseDraft; readonly column: string },
  ): void {
    for (const [at, value] of values.entries()) {
      if (value.kind !== 'parameter' && value.kind !== 'pattern') continue
      const isUpperBound = operator === '<' || operator === '<=' || (operator === 'between' && at === 1)
      const role = { kind: 'column', table: use.table, column, operator, isUpperBound } as const
      if (value.kind === 'pattern')
        this.#set(value.place, { ...role, around: { before: value.before, after: value.after } })
      else this.#set(value.place, value.isArray ? { ...role, isArray: true } : role)
    }
  }

  written(place: number, role: ParameterRole): void {
    this.#set(place, role)
  }

  #set(place: number, role: ParameterRole): void {
    this.found[place] ??= role
  }
}

/** The writes of a statement, with the catalog's names. */
export function resolveWrites(
  tree: QueryTree,
  index: SnapshotIndex,
  roles: StatementRoles,
  unknown: Set<string>,
): StatementUse['writes'] {
  return tree.writes.flatMap(({ kind, table: name, columns: named, values }) => {
    const table = index.table(name)
    if (table === undefined) {
      unknown.add(name.join('.'))
      return []
    }
    const isAll = kind === 'insert' && named.length === 0
    const columns = isAll ? table.columns : named.map((column) => index.column(table, column))
    for (const { place, column } of values) {
      const own = columns[column]
      if (own !== undefined) roles.written(place, { kind: 'written', table, column: own.name })
    }
    const known = columns.flatMap((column) => column?.name ?? [])
    // If several tables are updated, a column can belong to another table.
    return kind === 'update' && known.length === 0 ? [] : [{ kind, table, columns: known }]
  })
}
