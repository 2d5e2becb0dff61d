import type { TableId } from '../../schema/catalog-data.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { readQueryTree } from '../../sql/tree/read-sql.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import type { LeftStatement } from './advice.ts'
import type { Candidate } from './candidates.ts'
import { resolveStatement } from './resolve-statement.ts'
import type { StatementUse, TableUse } from './table-use.ts'
import type { PlannedStatement, PlannerAnswer } from './what-if-planner.ts'

/** A statement of the workload, resolved. */
export interface ReadStatement {
  readonly entry: WorkloadEntry
  readonly label: string
  readonly use: StatementUse
}

export interface ResolvedWorkload {
  readonly statements: readonly ReadStatement[]
  readonly writes: readonly WriteLoad[]
  readonly left: readonly LeftStatement[]
}

/** Statements that no index makes faster. */
const passing =
  /^\s*(begin|commit|rollback|savepoint|release|set|show|pragma|explain|create|alter|drop|vacuum|analyze|truncate|lock|use|start)\b/i

/** Resolving the names of a statement takes more than linear time. */
const MAX_ADVISED_LENGTH = 50_000

/**
 * Parses the statements of a workload: their tables and conditions. Statements that cannot be parsed are
 * reported, never guessed.
 */
export function resolveWorkload(
  workload: readonly WorkloadEntry[],
  snapshot: DatabaseSnapshot,
): ResolvedWorkload {
  const statements: ReadStatement[] = []
  const writes: WriteLoad[] = []
  const left: LeftStatement[] = []
  for (const entry of workload) {
    const label = analyzeSql(entry.sql, snapshot.dialect).shape
    const leave = (kind: LeftStatement['kind'], why: string) =>
      left.push({ fingerprint: entry.fingerprint, label, why, kind })
    if (passing.test(entry.sql)) continue
    if (entry.sql.length > MAX_ADVISED_LENGTH) {
      leave('unreadable', `It is longer than ${MAX_ADVISED_LENGTH.toLocaleString('en')} characters.`)
      continue
    }
    try {
      const use = resolveStatement(readQueryTree(entry.sql, snapshot.dialect), snapshot)
      for (const { kind, table, columns } of use.writes)
        writes.push({ kind, table: table.id, columns, calls: Math.max(1, entry.calls) })
      if (use.unknown.length > 0)
        leave('unknown-table', `No table of the database is called ${use.unknown.join(', ')}.`)
      else if (use.uses.length > 0) statements.push({ entry, label, use })
    } catch (error) {
      if (error instanceof SqlSyntaxError) leave('unreadable', `It could not be read: ${error.message}.`)
      // A thousand queries, each of which reads the one before, exceed the stack.
      else if (error instanceof RangeError) leave('unreadable', 'Its queries are nested too deeply.')
      else throw error
    }
  }
  return { statements, writes, left }
}

/** A statement that indexes are chosen for. */
export interface WorkloadStatement {
  readonly planned: PlannedStatement
  readonly fingerprint: string
  readonly calls: number
  /** Milliseconds that it took, over all calls. 0: not known. */
  readonly totalMs: number
  readonly candidates: readonly Candidate[]
  /** Cost with the existing indexes. */
  readonly baseline: PlannerAnswer
  /** Factor of the planner's costs: more than 1 if measurements show that they are too low. */
  readonly factor: number
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
  const ids = planned.use.uses.flatMap(({ table }: TableUse) =>
    table.parent === undefined ? [table.id] : [table.id, table.parent],
  )
  return new Set(ids)
}
