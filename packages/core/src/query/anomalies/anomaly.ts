import type { CallSite } from '../../pipeline/call-site.ts'
import type { Severity } from '../detect/finding.ts'

/**
 * Why a statement is suspicious. `stacked-statements`: several statements in one string. `tautology`: a
 * condition that is always true. `comment-truncation`: a comment that cuts off the rest. `union-graft`: a
 * UNION with made-up columns. `time-function`: a function that waits. `server-access`: a function that
 * accesses files or programs of the server. `broken-text`: SQL that ends inside a quote, or hides code in a
 * comment. `concatenation`: literals in SQL that otherwise uses parameters.
 */
type AnomalyKind =
  | 'stacked-statements'
  | 'tautology'
  | 'comment-truncation'
  | 'union-graft'
  | 'time-function'
  | 'server-access'
  | 'broken-text'
  | 'concatenation'

/** A sign of SQL injection in one statement. */
export interface Suspicion {
  readonly kind: AnomalyKind
  readonly severity: Severity
  /** A description, without values. */
  readonly why: string
}

/** A normalized query that looks like SQL injection, or is vulnerable to it. */
export interface Anomaly extends Suspicion {
  readonly fingerprint: string
  /** The normalized query, without values. */
  readonly label: string
  /** When it was first seen, in milliseconds since 1970. */
  readonly firstSeen: number
  /** How often it was seen: adapters pass each SQL string once, `analyzeQuery` every time. */
  readonly count: number
  /** Call site of the first execution, if the stack contains it. */
  readonly callSite?: CallSite
}
