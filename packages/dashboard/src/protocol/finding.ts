import type { FindingImpact, FindingRoute } from '@sluice/core/siblings'
import type { FindingCode, Place, Severity } from './common.ts'

/** A finding with its call site and fix. */
export interface FindingItem {
  /** Unique in this dashboard: its ID, call site and parent query; without a call site, its ID and scope. */
  readonly key: string
  /** Stable across runs. `detection.ignore` and baseline files contain it. */
  readonly id: string
  readonly code: FindingCode
  /** Display name of the code: `N+1`. */
  readonly title: string
  /** Derived from `impact`. */
  readonly severity: Severity
  readonly scope: string
  readonly label: string
  readonly fingerprint: string
  /** In the worst request. */
  readonly count: number
  readonly pattern: 'parallel' | 'sequential' | 'interleaved' | null
  readonly databaseMs: number
  readonly callSite: Place | null
  /** The parent query of an N+1. */
  readonly parent: { readonly label: string; readonly callSite: Place | null } | null
  /** A single query that replaces the others, as code of the ORM. */
  readonly fix: string | null
  /** Queries of the request, and the number that would be sufficient. */
  readonly queries: number
  readonly queriesPossible: number
  /** Number of requests with this finding. */
  readonly occurrences: number
  /** Savings of a fix in one request. */
  readonly saving: { readonly queries: number; readonly ms: number }
  /** Milliseconds that a fix would have saved so far. */
  readonly savedMs: number
  /**
   * The savings over all requests; those of one request in the details of a request. Findings are ordered by
   * severity, then by `savedMsPerMinute`.
   */
  readonly impact: FindingImpact
  /**
   * The scope names with this finding, largest savings first. `scope`, `count` and `queries` are those of one
   * of them. Empty in the details of a request.
   */
  readonly routes: readonly FindingRoute[]
  /** For `QUERY_BUDGET`: the queries of the request, most frequent first. */
  readonly groups: readonly FindingGroup[]
  /** The report as in the terminal. */
  readonly text: string
  readonly isMuted: boolean
  /** The newest stored request with this finding. */
  readonly request: string | null
  /**
   * Time of the last occurrence in milliseconds since 1970; `null` if it was before this dashboard was
   * created.
   */
  readonly lastAt: number | null
}

export interface FindingGroup {
  readonly label: string
  readonly count: number
  readonly databaseMs: number
  readonly callSite: Place | null
  readonly fix: string | null
}

/** `GET api/findings`; `null` if detection is disabled. */
export interface FindingsPage {
  /** Ordered by severity, then by the time that a fix would save per minute; muted ones last. */
  readonly findings: readonly FindingItem[]
  /** Number of analyzed requests. */
  readonly requests: number
  /** Statements with a possible SQL injection. */
  readonly anomalies: readonly StatementAnomaly[]
}

export interface StatementAnomaly {
  readonly kind: string
  readonly severity: Severity
  readonly fingerprint: string
  /** The normalized query, without values. */
  readonly label: string
  /** Description without values. */
  readonly why: string
  readonly count: number
  readonly callSite: Place | null
}
