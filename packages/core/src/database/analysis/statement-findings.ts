import { SLOW_QUERY_MS } from '../../shared/thresholds.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import type { Advice } from '../advisor/advice.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'
import type { DraftFinding } from './database-analysis.ts'

const MAX_SLOW = 5

/** Findings from the statements: those that remain slow with every recommended index, and rewrites. */
export function statementFindings(
  snapshot: DatabaseSnapshot,
  advice: Advice,
  workload: readonly WorkloadEntry[],
): DraftFinding[] {
  return [...slowStatements(snapshot, advice, workload), ...rewrites(snapshot, advice, workload)]
}

function rewrites(
  snapshot: DatabaseSnapshot,
  advice: Advice,
  workload: readonly WorkloadEntry[],
): DraftFinding[] {
  const totalMs = workload.reduce((sum, entry) => sum + entry.totalMs, 0)
  const entries = new Map(workload.map((entry) => [entry.fingerprint, entry]))
  return advice.rewrites.flatMap(({ fingerprint, rewrite, cost, measured }): DraftFinding[] => {
    const entry = entries.get(fingerprint)
    if (entry === undefined) return []
    const { rule, title, after, ddl, why, caveats, isEquivalent } = rewrite
    const { calls, totalMs: ms, callSites, sql } = entry
    const label = analyzeSql(sql, snapshot.dialect).shape
    const share = totalMs > 0 ? ms / totalMs : 0
    return [
      {
        code: 'REWRITE',
        identity: `${rule} ${fingerprint}`,
        severity: share >= 0.2 ? 'medium' : 'low',
        title,
        details: [
          why,
          ...(measured === undefined ? [] : [measuredText(measured)]),
          ...(isEquivalent ? ['It returns the same rows.'] : []),
          ...caveats,
        ],
        validation: measured !== undefined ? 'sample' : cost === undefined ? 'none' : advice.validation,
        statements: [
          {
            fingerprint,
            label,
            calls,
            totalMs: ms,
            callSites,
            ...(cost === undefined ? {} : { cost: { without: cost.before, with: cost.after } }),
          },
        ],
        changes: [],
        sql: [...ddl, after],
      },
    ]
  })
}

function measuredText({ before, after, unit }: NonNullable<Advice['rewrites'][number]['measured']>): string {
  const text = (value: number) =>
    unit === 'rows' ? `${Math.round(value)} rows` : `${Number(value.toPrecision(2))} ms`
  return `On a sample: ${text(before)} before, ${text(after)} after.`
}

/** Statements that stay slow with every index that is advised. */
function slowStatements(
  snapshot: DatabaseSnapshot,
  advice: Advice,
  workload: readonly WorkloadEntry[],
): DraftFinding[] {
  const planned = new Map(advice.statements.map((statement) => [statement.fingerprint, statement]))
  const totalMs = workload.reduce((sum, entry) => sum + entry.totalMs, 0)
  const slow = workload.filter(({ fingerprint, totalMs: ms, calls }) => {
    const known = planned.get(fingerprint)
    // An advised index takes most of it away.
    const left = known === undefined || known.before <= 0 ? 1 : known.after / known.before
    return (ms / Math.max(1, calls)) * left >= SLOW_QUERY_MS
  })
  return slow
    .sort((a, b) => b.totalMs - a.totalMs)
    .slice(0, MAX_SLOW)
    .map((entry): DraftFinding => {
      const { fingerprint, calls, totalMs: ms, rows, callSites, sql } = entry
      const label = analyzeSql(sql, snapshot.dialect).shape
      const mean = ms / Math.max(1, calls)
      const share = totalMs > 0 ? ms / totalMs : 0
      return {
        code: 'SLOW_QUERY',
        identity: fingerprint,
        severity: share >= 0.2 ? 'high' : share >= 0.03 ? 'medium' : 'low',
        title: `${Math.round(mean)} ms on average, ${Math.round(rows / Math.max(1, calls))} rows`,
        details: [
          'An index does not help: read less data, run the statement less often, or cache its result.',
        ],
        statements: [{ fingerprint, label, calls, totalMs: ms, callSites }],
        changes: [],
      }
    })
}
