import type { FindingCode, Place, Severity } from './common.ts'

/** What to fix, with where and how. */
export interface FindingItem {
  /** Names it here: its id and its scope's name. */
  readonly key: string
  /** Stable across runs: what `detection.ignore` and a baseline file know it by. */
  readonly id: string
  readonly code: FindingCode
  /** What people call the code: `N+1`. */
  readonly title: string
  readonly severity: Severity
  readonly scope: string
  readonly label: string
  readonly fingerprint: string
  /** In the worst request. */
  readonly count: number
  readonly pattern: 'parallel' | 'sequential' | 'interleaved' | null
  readonly databaseMs: number
  readonly callSite: Place | null
  /** The listing that it walks along. */
  readonly parent: { readonly label: string; readonly callSite: Place | null } | null
  /** How to ask once, as code of the ORM. */
  readonly fix: string | null
  /** What the request asked in all, and what would have been enough. */
  readonly queries: number
  readonly queriesPossible: number
  /** Requests in which it was seen. */
  readonly occurrences: number
  /** What a repair would save in one request. */
  readonly saving: { readonly queries: number; readonly ms: number }
  /** Milliseconds that it would have saved so far: by this they are ordered. */
  readonly savedMs: number
  /** Of `QUERY_BUDGET`: what the request asked, the most frequent first. */
  readonly groups: readonly FindingGroup[]
  /** As the terminal shows it. */
  readonly text: string
  readonly isMuted: boolean
  /** The newest request with it that is kept. */
  readonly request: string | null
  /** When it was last seen, in milliseconds since 1970; `null`: before this dashboard was made. */
  readonly lastAt: number | null
}

export interface FindingGroup {
  readonly label: string
  readonly count: number
  readonly databaseMs: number
  readonly callSite: Place | null
  readonly fix: string | null
}

/** `GET api/findings`: what to fix first. `null` in its place: detection is off. */
export interface FindingsPage {
  /** By `savedMs`; muted ones last. */
  readonly findings: readonly FindingItem[]
  /** Requests that were looked at. */
  readonly requests: number
  /** Statements that look like SQL injection, or open to it. */
  readonly anomalies: readonly StatementAnomaly[]
}

export interface StatementAnomaly {
  readonly kind: string
  readonly severity: Severity
  readonly fingerprint: string
  /** The shape, without values. */
  readonly label: string
  /** In words, without values. */
  readonly why: string
  readonly count: number
  readonly callSite: Place | null
}
