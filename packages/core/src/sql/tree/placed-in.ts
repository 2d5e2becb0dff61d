import type { ConditionNode, QueryBlock } from './query-tree.ts'

/** The subqueries that conditions hold. */
export function* placedIn(conditions: readonly ConditionNode[]): Generator<QueryBlock> {
  for (const condition of conditions) {
    if (condition.kind === 'or') for (const arm of condition.arms) yield* placedIn(arm)
    else if (condition.kind === 'opaque') yield* condition.subqueries
    else if (condition.kind !== 'row' && condition.subquery !== undefined) yield condition.subquery
  }
}
