import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { ColumnCondition, JoinCondition, OrderedColumn, TableConditions, TableUse } from './table-use.ts'

/** A use of a table while the statement is resolved. */
export class UseDraft implements TableUse {
  readonly conditions: ColumnCondition[] = []
  readonly joins: JoinCondition[] = []
  readonly alternatives: (readonly TableConditions[])[] = []
  readonly rowComparisons: TableUse['rowComparisons'][number][] = []
  order: readonly OrderedColumn[] = []
  group: readonly string[] = []
  readonly columns: Set<string> = new Set()

  constructor(
    readonly place: number,
    readonly table: TableSnapshot,
    readonly alias: string,
    readonly isLimited: boolean,
  ) {}
}

/** Where conditions on uses go: to the uses, or to one arm of an OR. */
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

/** What one arm of an OR asks, table by table. */
export class ArmSink implements ConditionSink {
  readonly asked: Map<UseDraft, { readonly conditions: ColumnCondition[]; readonly joins: JoinCondition[] }> = new Map()

  condition(use: UseDraft, condition: ColumnCondition): void {
    this.#of(use).conditions.push(condition)
  }

  join(use: UseDraft, join: JoinCondition): void {
    this.#of(use).joins.push(join)
  }

  #of(use: UseDraft) {
    let found = this.asked.get(use)
    if (found === undefined) {
      found = { conditions: [], joins: [] }
      this.asked.set(use, found)
    }
    return found
  }
}
