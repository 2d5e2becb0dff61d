import { type AdviseOptions, advise } from '../../../src/database/advisor/advise.ts'
import { type CandidateContext, candidatesOf } from '../../../src/database/advisor/candidates.ts'
import { ModelPlanner } from '../../../src/database/advisor/planners/model-planner.ts'
import { resolveStatement } from '../../../src/database/advisor/resolve-statement.ts'
import { CatalogStatistics } from '../../../src/database/advisor/statistics.ts'
import { indexLabel } from '../../../src/database/index-definition.ts'
import type {
  ColumnStatistics,
  DatabaseSnapshot,
  IndexSnapshot,
} from '../../../src/database/inspectors/database-snapshot.ts'
import type { WorkloadEntry } from '../../../src/database/workload/workload-record.ts'
import { analyzeSql } from '../../../src/sql/analyze.ts'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readQueryTree } from '../../../src/sql/tree/read-sql.ts'
import { type TableTexts, testSnapshot } from '../test-snapshot.ts'

/**
 * Distinct values of columns, by `table.column`; for columns with nulls or one frequent value, the shares.
 */
type Spread = Readonly<Record<string, number | Partial<ColumnStatistics>>>

export interface World {
  readonly tables: TableTexts
  readonly rows: Readonly<Record<string, number>>
  readonly spread?: Spread
  readonly indexes?: Readonly<
    Record<string, readonly (Partial<IndexSnapshot> & Pick<IndexSnapshot, 'keys'>)[]>
  >
}

/** A snapshot with these statistics; other columns are unique. */
export function worldSnapshot(
  dialect: Dialect,
  { tables, rows, spread = {}, indexes = {} }: World,
): DatabaseSnapshot {
  const snapshot = testSnapshot(dialect, tables)
  return {
    ...snapshot,
    tables: snapshot.tables.map((table) => ({
      ...table,
      rows: rows[table.name] ?? 0,
      columns: table.columns.map((column) => ({
        ...column,
        statistics: statisticsOf(spread[`${table.name}.${column.name}`], rows[table.name] ?? 0),
      })),
      indexes: (indexes[table.name] ?? []).map((index, at) => ({
        table: table.id,
        name: `${table.name}_existing_${at}`,
        method: 'btree',
        isUnique: false,
        isPrimary: false,
        isConstraint: false,
        isValid: true,
        isVisible: true,
        ...index,
      })),
    })),
  }
}

function statisticsOf(given: number | Partial<ColumnStatistics> | undefined, rows: number): ColumnStatistics {
  const distinct = typeof given === 'number' ? given : (given?.distinct ?? rows)
  const bounds = Array.from({ length: 11 }, (_, at) => Math.round((distinct * at) / 10))
  return { nullShare: 0, common: [], bounds, ...(typeof given === 'object' ? given : {}), distinct }
}

export function contextOf(snapshot: DatabaseSnapshot): CandidateContext {
  return { snapshot, statistics: new CatalogStatistics(), popularity: new Map() }
}

/** The labels of a statement's candidates, without the schema. */
export function candidateLabels(
  sql: string,
  snapshot: DatabaseSnapshot,
  observed: readonly (readonly unknown[])[] = [],
  calls = 1,
): string[] {
  const use = resolveStatement(readQueryTree(sql, snapshot.dialect), snapshot)
  return candidatesOf(use, contextOf(snapshot), observed, calls).map(({ label }) =>
    label.replace(/^\w+\./, ''),
  )
}

export function entry(sql: string, given: Partial<WorkloadEntry> = {}): WorkloadEntry {
  const dialect = given.dialect ?? 'postgresql'
  return {
    fingerprint: analyzeSql(sql, dialect).fingerprint,
    dialect,
    sql,
    kind: /^\s*select/i.test(sql) ? 'read' : 'write',
    calls: 100,
    totalMs: 1_000,
    maxMs: 20,
    rows: 100,
    callSites: [],
    samples: [],
    firstSeenAt: 0,
    lastSeenAt: 0,
    source: 'app',
    ...given,
  }
}

/** The indexes recommended for statements, by the cost model only. */
export async function advised(
  snapshot: DatabaseSnapshot,
  workload: readonly WorkloadEntry[],
  options: Partial<AdviseOptions> = {},
): Promise<string[]> {
  const { indexes } = await adviceOf(snapshot, workload, options)
  return indexes.map(({ definition }) => indexLabel(definition).replace(/^\w+\./, '')).sort()
}

export function adviceOf(
  snapshot: DatabaseSnapshot,
  workload: readonly WorkloadEntry[],
  options: Partial<AdviseOptions> = {},
) {
  const context = contextOf(snapshot)
  return advise({
    snapshot,
    workload,
    statistics: context.statistics,
    planner: new ModelPlanner(context),
    ...options,
  })
}
