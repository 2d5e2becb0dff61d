import type { CallSite } from '../../pipeline/call-site.ts'
import type { Severity } from '../detect/finding.ts'

/**
 * Why a statement is suspicious: several statements in one text; a condition that always holds; a comment that cuts the rest off; a
 * UNION with made-up columns; a function that waits; one that reaches the server's files or programs; a text that ends inside a quote
 * or hides code in a comment; values written into a text that otherwise has parameters.
 */
export type AnomalyKind =
  | 'stacked-statements'
  | 'tautology'
  | 'comment-truncation'
  | 'union-graft'
  | 'time-function'
  | 'server-access'
  | 'broken-text'
  | 'concatenation'

/** What looks wrong in one text. */
export interface Suspicion {
  readonly kind: AnomalyKind
  readonly severity: Severity
  /** In words, without values. */
  readonly why: string
}

/** A shape of statements that looks like SQL injection, or open to it. */
export interface Anomaly extends Suspicion {
  readonly fingerprint: string
  /** The shape, without values. */
  readonly label: string
  /** When it was seen first, in milliseconds since 1970. */
  readonly firstSeen: number
  /** Times it was seen: adapters hand over each text once, `analyzeQuery` every time. */
  readonly count: number
  /** Where it was issued first, as far as the stack tells. */
  readonly callSite?: CallSite
}
