import type { CallSite } from '../../pipeline/call-site.ts'

export type Severity = 'low' | 'medium' | 'high'

/** How the queries of a finding were issued: together, one after the other, or both. */
export type Pattern = 'parallel' | 'sequential' | 'interleaved'

/** Queries of one shape, issued again and again by one place in the code within one scope. */
export interface Finding {
  readonly code: 'N_PLUS_ONE'
  /** Stable across runs for the same place and shape: eight hexadecimal characters. */
  readonly id: string
  /** The scope's name, such as `GET /cities`. */
  readonly scope: string
  readonly fingerprint: string
  /** The shape, without values. */
  readonly label: string
  /** Times the shape was issued from here in the scope, the most of all occurrences. */
  readonly count: number
  readonly pattern: Pattern
  readonly severity: Severity
  /** Milliseconds that its queries took in the scope, summed. */
  readonly databaseMs: number
  readonly callSite?: CallSite
  /** The listing that it walks along, as far as is known. */
  readonly parent?: { readonly label: string; readonly callSite?: CallSite }
  /** How to ask once, as code of the ORM. */
  readonly fix?: string
  /** Queries that the scope made in all. */
  readonly queries: number
  /** Queries that it would have made with this finding's merged into one. */
  readonly queriesPossible: number
  /** Scopes in which it was seen. */
  readonly occurrences: number
}
