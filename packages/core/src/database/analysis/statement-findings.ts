import { analyzeSql } from '../../sql/analyze.ts'
import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { readQueryTree } from '../../sql/tree/read-sql.ts'
import type { Advice } from '../advisor/advice.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import type { Rewrite } from '../rewrites/rewrite.ts'
import { suggestRewrites } from '../rewrites/suggest-rewrites.ts'
import type { WorkloadEntry } from '../workload/workload-entry.ts'
import type { DraftFinding } from './database-analysis.ts'

/** Milliseconds that one execution may take on average. */
const SLOW_MS = 200
const MAX_SLOW = 5

/** Maximum number of statements for which rewrites are searched. */
const MAX_REWRITTEN = 200
/** Columns from which `SELECT *` is worth a word. */
const WIDE = 10
/** Rewrites that pay only where a statement takes a part of the time. */
const MIN_SHARE = 0.01

/** Findings from the statements: those that remain slow with every recommended index, and rewrites. */
export function statementFindings(
  snapshot: DatabaseSnapshot,
  advice: Advice,
  workload: readonly WorkloadEntry[],
): DraftFinding[] {
  return [...slowStatements(snapshot, advice, workload), ...rewrites(snapshot, workload)]
}

function rewrites(snapshot: DatabaseSnapshot, workload: readonly WorkloadEntry[]): DraftFinding[] {
  const totalMs = workload.reduce((sum, entry) => sum + entry.totalMs, 0)
  const telling = workload.filter(({ totalMs: ms }) => totalMs === 0 || ms >= totalMs * MIN_SHARE)
  const longest = [...telling].sort((a, b) => b.totalMs - a.totalMs).slice(0, MAX_REWRITTEN)
  return longest.flatMap(({ fingerprint, sql, calls, totalMs: ms, callSites, samples: [bindings] }) => {
    const label = analyzeSql(sql, snapshot.dialect).shape
    return rewritesOf(sql, snapshot, bindings).map(
      ({ rule, title, after, ddl, why, caveats, isEquivalent }): DraftFinding => {
        const share = totalMs > 0 ? ms / totalMs : 0
        return {
          code: 'REWRITE',
          identity: `${rule} ${fingerprint}`,
          severity: share >= 0.2 ? 'medium' : 'low',
          title,
          details: [why, ...(isEquivalent ? ['It returns the same rows.'] : []), ...caveats],
          statements: [{ fingerprint, label, calls, totalMs: ms, callSites }],
          changes: [],
          sql: [...ddl, after],
        }
      },
    )
  })
}

function rewritesOf(
  sql: string,
  snapshot: DatabaseSnapshot,
  bindings: readonly unknown[] | undefined,
): readonly Rewrite[] {
  try {
    return suggestRewrites(readQueryTree(sql, snapshot.dialect), snapshot, {
      minColumns: WIDE,
      ...(bindings === undefined ? {} : { bindings }),
    })
  } catch (error) {
    if (error instanceof SqlSyntaxError) return []
    throw error
  }
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
    return (ms / Math.max(1, calls)) * left >= SLOW_MS
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
