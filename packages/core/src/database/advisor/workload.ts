import type { TableId } from '../../schema/catalog-data.ts'
import type { Candidate } from './candidates.ts'
import type { TableUse } from './table-use.ts'
import type { PlannedStatement, PlannerAnswer } from './what-if-planner.ts'

/** A statement that indexes are chosen for. */
export interface WorkloadStatement {
  readonly planned: PlannedStatement
  readonly fingerprint: string
  readonly calls: number
  /** Milliseconds that it took, over all calls. 0: not known. */
  readonly totalMs: number
  readonly candidates: readonly Candidate[]
  /** What it costs as the database is. */
  readonly baseline: PlannerAnswer
}

/** Writes to a table, which every index of it makes dearer. */
export interface WriteLoad {
  readonly table: TableId
  readonly kind: 'insert' | 'update' | 'delete'
  readonly columns: readonly string[]
  readonly calls: number
}

/** The tables whose indexes may change a statement's plan. */
export function tablesOf({ planned }: Pick<WorkloadStatement, 'planned'>): ReadonlySet<TableId> {
  const ids = planned.use.uses.flatMap(({ table }: TableUse) => (table.parent === undefined ? [table.id] : [table.id, table.parent]))
  return new Set(ids)
}
