import type { ComparisonOperator, QueryTree, ValueTerm } from '../../sql/tree/query-tree.ts'
import type { SnapshotIndex } from '../inspectors/snapshot-index.ts'
import type { ParameterRole, StatementUse, UseDraft } from './table-use.ts'

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
