import type { DatabaseSnapshot, InspectionGap, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { NEVER_ANALYZED } from '../inspectors/gaps.ts'

/** Below that, statistics matter little. */
const MIN_ROWS = 1_000
const STALE_SHARE = 0.2

/** A problem with the statistics of a database. The analysis and `sluice doctor` report the same ones. */
export interface StatisticsProblem {
  /** One sentence without a period. */
  readonly text: string
  /** Advice: SQL, or sentences. */
  readonly fix: string
}

/** Why the counters of the server contain no workload, or not all of it. */
export function statementsProblem(snapshot: DatabaseSnapshot): StatisticsProblem | undefined {
  const { statements, gaps, settings, extensions } = snapshot
  const source = countersOf(snapshot)
  if (source === undefined) return undefined
  const gap = gaps.find(isOfStatements)
  if (gap === undefined)
    return statements.length > 0
      ? undefined
      : {
          text: `${source} has counted no statements of this database`,
          fix: 'Run the app on this database, or pass the workload of the app.',
        }
  if (statements.length > 0) return { text: `${source}: not all statements are visible`, fix: gap.why }
  const isLoaded = (settings.shared_preload_libraries ?? '').includes('pg_stat_statements')
  if (isLoaded && !extensions.installed.includes('pg_stat_statements'))
    return {
      text: 'pg_stat_statements is loaded, but not installed in this database',
      fix: 'CREATE EXTENSION pg_stat_statements',
    }
  return { text: `${source} is missing: without it, an analysis needs the workload of the app`, fix: gap.why }
}

/** Counters of statements that the server can have; SQLite has none. */
export function countersOf({ dialect }: DatabaseSnapshot): string | undefined {
  if (dialect === 'sqlite') return undefined
  return dialect === 'postgresql' ? 'pg_stat_statements' : 'performance_schema'
}

export interface StaleTables {
  readonly neverAnalyzed: readonly TableSnapshot[]
  /** More than 20% of their rows changed since. */
  readonly changed: readonly TableSnapshot[]
}

/**
 * Large tables whose statistics are missing or outdated. Empty on MySQL, which updates them automatically.
 */
export function staleTables(snapshot: DatabaseSnapshot): StaleTables {
  if (snapshot.dialect === 'mysql') return { neverAnalyzed: [], changed: [] }
  const large = snapshot.tables.filter(({ kind, rows }) => STORED.has(kind) && rows >= MIN_ROWS)
  // If the statistics cannot be read, it is unknown whether they exist.
  const isKnown = snapshot.dialect === 'sqlite' || snapshot.gaps.every(({ what }) => what !== 'statistics')
  return {
    neverAnalyzed: isKnown ? large.filter((table) => !isAnalyzed(table, snapshot)) : [],
    changed: large.filter(
      (table) => isAnalyzed(table, snapshot) && (table.changedSinceAnalyze ?? 0) > table.rows * STALE_SHARE,
    ),
  }
}

const STORED: ReadonlySet<TableSnapshot['kind']> = new Set([
  'table',
  'partition',
  'partitioned',
  'materialized-view',
])

/** SQLite does not record the time, and PostgreSQL also counts changes of tables that were never analyzed. */
function isAnalyzed(
  { analyzedAt, changedSinceAnalyze, columns }: TableSnapshot,
  { dialect }: DatabaseSnapshot,
): boolean {
  if (dialect === 'sqlite') return changedSinceAnalyze !== undefined
  return analyzedAt !== undefined || columns.some((column) => column.statistics !== undefined)
}

/** Gaps of an inspection or advice, without those that `statementsProblem` and `staleTables` report. */
export function otherGaps(
  gaps: readonly InspectionGap[],
  { dialect }: Pick<DatabaseSnapshot, 'dialect'>,
): readonly InspectionGap[] {
  return gaps.filter((gap) => {
    const isOfTables = /^statistics of /.test(gap.what) && gap.why.startsWith(NEVER_ANALYZED)
    const isOfFile = dialect === 'sqlite' && gap.what === 'statistics' && /no such table/.test(gap.why)
    return !isOfStatements(gap) && !isOfTables && !isOfFile
  })
}

function isOfStatements({ what }: InspectionGap): boolean {
  return what === 'statements'
}
