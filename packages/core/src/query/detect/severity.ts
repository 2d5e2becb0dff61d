import { savedTime } from '../../pipeline/repetition.ts'
import type { Finding, Severity } from './finding.ts'

/** The savings of a fix, added up over the occurrences of a finding. */
export interface FindingImpact {
  /** Number of scopes with the finding. */
  readonly occurrences: number
  /** Database time in milliseconds that a fix would have saved so far. */
  readonly savedMs: number
  /** `savedMs` per minute of traffic since the first occurrence, which counts as at least 1 minute. */
  readonly savedMsPerMinute: number
  /** Total duration in milliseconds of the scopes with the finding; `0` if it is unknown. */
  readonly scopeMs: number
  /**
   * Milliseconds from the end of the first scope with the finding to the end of the latest scope of the app.
   */
  readonly seenMs: number
}

const MINUTE_MS = 60_000
/** Savings per minute in milliseconds. */
const HIGH_MS = 1_000
const MEDIUM_MS = 100
/** The share of the duration of its scopes from which a frequent finding of medium savings is `high`. */
const HIGH_SHARE = 0.25
const FREQUENT = 20

/**
 * Returns the severity of a finding. Every report uses this function.
 *
 * `high`: a fix would save at least 1 s of database time per minute. `medium`: at least 100 ms per minute.
 * `high` instead of `medium`: it would also save 25% of the duration of its scopes, and the finding was seen
 * in at least 20 scopes over at least 1 minute.
 */
export function severityOf(impact: FindingImpact): Severity {
  const { occurrences, savedMs, savedMsPerMinute, scopeMs, seenMs } = impact
  if (savedMsPerMinute >= HIGH_MS) return 'high'
  if (!(savedMsPerMinute >= MEDIUM_MS)) return 'low'
  const isFrequent = occurrences >= FREQUENT && seenMs >= MINUTE_MS
  return isFrequent && scopeMs > 0 && savedMs >= HIGH_SHARE * scopeMs ? 'high' : 'medium'
}

/** Returns the impact of a finding from its totals. */
export function impactOf({
  occurrences,
  savedMs,
  scopeMs,
  seenMs,
}: Omit<FindingImpact, 'savedMsPerMinute'>): FindingImpact {
  const savedMsPerMinute = savedMs / Math.max(1, seenMs / MINUTE_MS)
  return { occurrences, savedMs, savedMsPerMinute, scopeMs, seenMs }
}

/** Returns the impact of one finding in several processes or routes. */
export function sumOfImpacts(impacts: readonly FindingImpact[]): FindingImpact {
  const sum = (field: keyof FindingImpact) => impacts.reduce((total, impact) => total + impact[field], 0)
  return {
    occurrences: sum('occurrences'),
    savedMs: sum('savedMs'),
    savedMsPerMinute: sum('savedMsPerMinute'),
    scopeMs: sum('scopeMs'),
    seenMs: Math.max(0, ...impacts.map(({ seenMs }) => seenMs)),
  }
}

const RANK = { high: 0, medium: 1, low: 2 } as const

interface RankedFinding extends Pick<Finding, 'severity' | 'count'> {
  readonly impact: Pick<FindingImpact, 'savedMsPerMinute'>
}

/** The order of findings in every list: by severity, then by the time that a fix would save per minute. */
export function compareFindings(a: RankedFinding, b: RankedFinding): number {
  return (
    RANK[a.severity] - RANK[b.severity] ||
    b.impact.savedMsPerMinute - a.impact.savedMsPerMinute ||
    b.count - a.count
  )
}

/** Returns the number of queries, and the database time in milliseconds, that a fix saves in one scope. */
export function savingOf({
  code,
  queries,
  queriesPossible,
  count,
  databaseMs,
}: Pick<Finding, 'code' | 'queries' | 'queriesPossible' | 'count' | 'databaseMs'>): {
  readonly queries: number
  readonly ms: number
} {
  const saved = Math.max(0, queries - queriesPossible)
  return { queries: saved, ms: count === 0 ? 0 : savedTime(code, Math.min(saved, count), databaseMs / count) }
}
