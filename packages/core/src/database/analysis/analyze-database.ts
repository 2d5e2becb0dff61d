import { systemClock } from '../../shared/clock.ts'
import { createHash } from '../../shared/late-modules.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import type { IndexAdvice } from '../advisor/advice.ts'
import { type AdviseDatabaseOptions, adviseDatabase } from '../advisor/advise-database.ts'
import { DEFAULT_LIMITS } from '../advisor/limits.ts'
import { otherGaps, statementsProblem } from '../checks/statistics-problems.ts'
import { indexNamer } from '../fixes/index-name.ts'
import { schemaChangeSql } from '../fixes/schema-change.ts'
import { indexLabel } from '../index-definition.ts'
import type { DatabaseSnapshot, InspectionGap, ServerStatement } from '../inspectors/database-snapshot.ts'
import { indexTitle } from '../names.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import type {
  DatabaseAnalysis,
  DatabaseFinding,
  DatabaseFindingCode,
  DraftFinding,
  FindingStatement,
} from './database-analysis.ts'
import { schemaFindings } from './schema-findings.ts'
import { statementFindings } from './statement-findings.ts'

export interface AnalyzeDatabaseOptions extends Omit<AdviseDatabaseOptions, 'workload'> {
  /** The query workload. Default: the statements that the server counted. */
  readonly workload?: AdviseDatabaseOptions['workload']
}

/** Shares of the time that the workload took. */
const SEVERE = { high: 0.2, medium: 0.03 } as const
const PREFIXES: Readonly<Record<DatabaseFindingCode, string>> = {
  MISSING_INDEX: 'idx',
  MISSING_FOREIGN_KEY_INDEX: 'fk',
  UNUSED_INDEX: 'use',
  DUPLICATE_INDEX: 'dup',
  INVALID_INDEX: 'inv',
  SLOW_QUERY: 'slow',
  REWRITE: 'sql',
  FRAGMENTATION: 'frag',
  STALE_STATISTICS: 'stat',
  PARTITION: 'part',
  CONNECTIONS: 'conn',
}

/**
 * Determines what to change in a database and its workload: indexes to create and drop, statements to
 * rewrite, maintenance. Writes nothing to the database.
 *
 * @throws The database's error, if the connection is lost.
 */
export async function analyzeDatabase(options: AnalyzeDatabaseOptions): Promise<DatabaseAnalysis> {
  const { snapshot, clock = systemClock } = options
  const startedAt = clock.now()
  const workload = options.workload ?? serverWorkload(snapshot)
  const advice = await adviseDatabase({ ...options, workload })
  const totalMs = workload.reduce((sum, entry) => sum + entry.totalMs, 0)
  const nameOf = indexNamer(
    snapshot,
    options,
    advice.indexes.map(({ name }) => name),
  )
  const drafts = [
    ...advice.indexes.map((index) => missingIndex(index, snapshot, totalMs)),
    ...schemaFindings(snapshot, advice, workload, nameOf),
    ...statementFindings(snapshot, advice, workload),
  ]
  return {
    schemaVersion: 1,
    database: {
      product: snapshot.product,
      version: snapshot.version,
      tables: snapshot.tables.filter(({ kind }) => kind !== 'view' && kind !== 'partition').length,
      statements: workload.length,
      totalMs,
    },
    findings: numbered(drafts).map((finding) => withSql(finding, snapshot)),
    validation: advice.validation,
    left: advice.left,
    gaps: gapsOf(advice.gaps, snapshot),
    tookMs: clock.now() - startedAt,
    limits: {
      statementTimeoutMs: options.statementTimeoutMs ?? DEFAULT_LIMITS.statementTimeoutMs,
      timeLimitMs: options.timeLimitMs ?? DEFAULT_LIMITS.timeLimitMs,
    },
  }
}

function gapsOf(gaps: readonly InspectionGap[], snapshot: DatabaseSnapshot): InspectionGap[] {
  const problem = statementsProblem(snapshot)
  return [
    ...(problem === undefined ? [] : [{ what: 'statements', why: `${problem.text}. ${problem.fix}` }]),
    ...otherGaps(gaps, snapshot),
  ]
}

function missingIndex(index: IndexAdvice, snapshot: DatabaseSnapshot, totalMs: number): DraftFinding {
  const {
    definition,
    name,
    savedMs,
    savedShare,
    validation,
    measured,
    bytes,
    serves,
    reason,
    writeShare,
    upkeep: extra,
  } = index
  // Without times, the planner's costs are used; both together could exceed the workload.
  const share = totalMs > 0 ? Math.min(1, (savedMs ?? 0) / totalMs) : savedShare
  const label = indexLabel(definition)
  const upkeep =
    writeShare >= 0.0005
      ? [`additional cost of writes: ${(writeShare * 100).toFixed(1)}% of the workload's cost`]
      : []
  return {
    code: 'MISSING_INDEX',
    identity: label,
    severity: share >= SEVERE.high ? 'high' : share >= SEVERE.medium ? 'medium' : 'low',
    title: indexTitle(definition, snapshot),
    details: [...(reason === '' ? [] : [reason]), ...upkeep],
    table: definition.table,
    savedShare: share,
    ...(savedMs === undefined ? {} : { savedMs }),
    ...(bytes === undefined ? {} : { bytes }),
    upkeep: extra,
    validation,
    ...(measured === undefined ? {} : { measured }),
    statements: serves.map(
      ({
        fingerprint,
        label: text,
        calls,
        totalMs: ms,
        without,
        with: present,
        callSites,
      }): FindingStatement => {
        return { fingerprint, label: text, calls, totalMs: ms, cost: { without, with: present }, callSites }
      },
    ),
    changes: [{ kind: 'create-index', index: definition, name, reason }],
  }
}

/** With the statements that make its changes, where they are all that it takes. */
function withSql(finding: DatabaseFinding, snapshot: DatabaseSnapshot): DatabaseFinding {
  if (finding.sql !== undefined || finding.changes.length === 0) return finding
  const sql = finding.changes.flatMap((change) =>
    schemaChangeSql(change, snapshot).steps.map((step) => step.sql),
  )
  return { ...finding, sql }
}

function numbered(drafts: readonly DraftFinding[]): DatabaseFinding[] {
  const counts = new Map<string, number>()
  const ranks = { high: 0, medium: 1, low: 2 } as const
  const sorted = [...drafts].sort(
    (a, b) =>
      ranks[a.severity] - ranks[b.severity] ||
      (b.savedMs ?? 0) - (a.savedMs ?? 0) ||
      (b.savedShare ?? 0) - (a.savedShare ?? 0),
  )
  return sorted.map(({ identity, ...finding }) => {
    const prefix = PREFIXES[finding.code]
    const number = (counts.get(prefix) ?? 0) + 1
    counts.set(prefix, number)
    const key = createHash('sha256').update(`${finding.code}\n${identity}`).digest('hex').slice(0, 16)
    return { ...finding, key, id: `${prefix}-${number}` }
  })
}

/**
 * Statements that the server counted, as a workload: without call sites, and without parameter values unless
 * the server stores a statement as it was executed.
 */
export function serverWorkload({ statements, dialect, takenAt }: DatabaseSnapshot): WorkloadEntry[] {
  const entries = new Map<string, WorkloadEntry>()
  for (const statement of statements) {
    const sql = textOf(statement, dialect)
    const { fingerprint, statement: read } = analyzeSql(sql, dialect)
    const known = entries.get(fingerprint)
    entries.set(fingerprint, {
      fingerprint,
      dialect,
      sql: known?.sql ?? sql,
      kind: read.writes.length > 0 ? 'write' : 'read',
      calls: (known?.calls ?? 0) + statement.calls,
      totalMs: (known?.totalMs ?? 0) + statement.totalMs,
      maxMs: Math.max(known?.maxMs ?? 0, statement.maxMs ?? 0),
      rows: (known?.rows ?? 0) + statement.rows,
      callSites: [],
      samples: [],
      firstSeenAt: takenAt,
      lastSeenAt: takenAt,
      source: 'server',
    })
  }
  return [...entries.values()]
}

/**
 * MySQL's digests write lists as `(...)`; a statement as it was run can be planned, unless it was cut off.
 */
function textOf({ sql, sample }: ServerStatement, dialect: DatabaseSnapshot['dialect']): string {
  if (dialect !== 'mysql') return sql
  if (sample !== undefined && !sample.endsWith('...')) return sample
  return sql.replaceAll('(...)', '(?)').replaceAll(/ \/\* , ... \*\//g, '')
}
