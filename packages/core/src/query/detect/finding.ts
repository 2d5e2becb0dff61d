import type { CallSite } from '../../pipeline/call-site.ts'

export type Severity = 'low' | 'medium' | 'high'

/** How the queries of a finding were issued: together, one after the other, or both. */
export type Pattern = 'parallel' | 'sequential' | 'interleaved'

/**
 * What was found: `N_PLUS_ONE`, queries of one shape with different values; `REPEATED_QUERY`, the same query with the same values
 * and no write in between; `QUERY_BUDGET`, more queries in a scope than its budget allows.
 */
export type FindingCode = 'N_PLUS_ONE' | 'REPEATED_QUERY' | 'QUERY_BUDGET'

/** Queries of one shape, issued again and again by one place in the code within one scope; or a scope with too many queries. */
export interface Finding {
  readonly code: FindingCode
  /** Stable across runs for the same place and shape, or for the same scope's budget: eight hexadecimal characters. */
  readonly id: string
  /** The scope's name, such as `GET /cities`. */
  readonly scope: string
  /** Of the HTTP request that it was found in, where there is one; among findings of one place that are counted together, of the one with the most queries. */
  readonly requestId?: string
  /** The shape's; empty for `QUERY_BUDGET`. */
  readonly fingerprint: string
  /** The shape, without values. `QUERY_BUDGET`: the budget in words. */
  readonly label: string
  /**
   * Times the shape was issued from here in the scope, the most of all occurrences. `REPEATED_QUERY`: only what was asked more than
   * once. `QUERY_BUDGET`: the scope's queries.
   */
  readonly count: number
  /** Left out for `QUERY_BUDGET`. */
  readonly pattern?: Pattern
  readonly severity: Severity
  /** Milliseconds of the scope in which its queries were in flight: at most as long as the scope took. */
  readonly databaseMs: number
  readonly callSite?: CallSite
  /** The listing that it walks along, as far as is known. */
  readonly parent?: { readonly label: string; readonly callSite?: CallSite }
  /** How to ask once, as code of the ORM. Only for `N_PLUS_ONE`. */
  readonly fix?: string
  /** Queries that the scope made in all. */
  readonly queries: number
  /** Queries that it would have made with this finding's merged into one. `QUERY_BUDGET`: the budget. */
  readonly queriesPossible: number
  /** Scopes in which it was seen. */
  readonly occurrences: number
  /** What the scope asked, the most frequent first, up to ten. Only for `QUERY_BUDGET`. */
  readonly groups?: readonly QueryGroup[]
}

/** Executions of one shape from one place. */
export interface QueryGroup {
  /** The shape, without values. */
  readonly label: string
  readonly count: number
  /** Milliseconds in which they were in flight. */
  readonly databaseMs: number
  readonly callSite?: CallSite
  /** How to ask once, as code of the ORM, when it was issued several times. */
  readonly fix?: string
}
