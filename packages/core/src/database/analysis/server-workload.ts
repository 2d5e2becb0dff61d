import { analyzeSql } from '../../sql/analyze.ts'
import type { DatabaseSnapshot, ServerStatement } from '../inspectors/database-snapshot.ts'
import type { WorkloadEntry } from '../workload/workload-entry.ts'

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
