import { LRUCache } from 'lru-cache'
import type { CallSite } from '../../pipeline/call-site.ts'
import { createHash } from '../../shared/late-modules.ts'

export type Severity = 'low' | 'medium' | 'high'

/** How the queries of a finding were issued: concurrently, sequentially, or both. */
export type Pattern = 'parallel' | 'sequential' | 'interleaved'

/**
 * Kind of a finding. `N_PLUS_ONE`: equal normalized queries with different values. `REPEATED_QUERY`: the same
 * query with the same values, and no write in between. `QUERY_BUDGET`: more queries in a scope than its
 * budget allows.
 */
export type FindingCode = 'N_PLUS_ONE' | 'REPEATED_QUERY' | 'QUERY_BUDGET'

/**
 * Equal normalized queries that one call site issued repeatedly within one scope; or a scope with too many
 * queries.
 */
export interface Finding {
  readonly code: FindingCode
  /**
   * Eight hexadecimal characters, the same in every run for the same file and normalized query, or for the
   * budget of the same scope.
   */
  readonly id: string
  /** Name of the scope, such as `GET /cities`. */
  readonly scope: string
  /**
   * Id of the HTTP request, if there is one. If findings of one call site are counted together: the id of the
   * request with the most queries.
   */
  readonly requestId?: string
  /** Hash of the normalized query; empty for `QUERY_BUDGET`. */
  readonly fingerprint: string
  /** The normalized query, without values. `QUERY_BUDGET`: a description of the budget. */
  readonly label: string
  /**
   * Number of these queries from this call site in the scope; the maximum of all occurrences.
   * `REPEATED_QUERY`: the executions of queries that were sent more than once. `QUERY_BUDGET`: the queries of
   * the scope.
   */
  readonly count: number
  /** Omitted for `QUERY_BUDGET`. */
  readonly pattern?: Pattern
  readonly severity: Severity
  /** Milliseconds in which its queries were in flight; at most the duration of the scope. */
  readonly databaseMs: number
  readonly callSite?: CallSite
  /** The parent query, if it is known: the listing whose rows the loop iterates over. */
  readonly parent?: { readonly label: string; readonly callSite?: CallSite }
  /** ORM code that sends one query instead. Only for `N_PLUS_ONE`. */
  readonly fix?: string
  /** All queries of the scope. */
  readonly queries: number
  /** Queries of the scope if those of this finding were one query. `QUERY_BUDGET`: the budget. */
  readonly queriesPossible: number
  /** Number of scopes with this finding. */
  readonly occurrences: number
  /** Queries of the scope, the most frequent first, up to 10. Only for `QUERY_BUDGET`. */
  readonly groups?: readonly QueryGroup[]
}

/** Executions of one normalized query from one call site. */
export interface QueryGroup {
  /** The normalized query, without values. */
  readonly label: string
  readonly count: number
  /** Milliseconds in which they were in flight. */
  readonly databaseMs: number
  readonly callSite?: CallSite
  /** ORM code that sends one query instead, if the query was issued several times. */
  readonly fix?: string
}

const MAX_IDS = 1_000

/** Caches ids, because each request that repeats a finding needs its id again. */
let ids: LRUCache<string, string> | undefined

/**
 * The id is the same on every machine, and does not depend on line numbers: ignored findings stay ignored.
 */
export function idOf(...parts: readonly string[]): string {
  const text = parts.join('\n')
  ids ??= new LRUCache({ max: MAX_IDS })
  let id = ids.get(text)
  if (id === undefined) {
    id = createHash('sha256').update(text).digest('hex').slice(0, 8)
    ids.set(text, id)
  }
  return id
}

/**
 * Identifies the cause of a finding: one normalized query from one call site after one parent query. Scopes
 * with different names can have the same cause. Without a call site, each has a separate one.
 */
export function causeOf({
  id,
  scope,
  callSite,
  parent,
}: Pick<Finding, 'id' | 'scope' | 'callSite' | 'parent'>): string {
  if (callSite === undefined) return `${id} ${scope}`
  const after = parent === undefined ? '' : ` ${idOf(parent.label)}`
  return `${id} ${callSite.line}:${callSite.column}${after}`
}
