import type { QueryTree } from '../../sql/tree/query-tree.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { SnapshotIndex } from '../inspectors/snapshot-index.ts'

export type RewriteRule =
  | 'offset-to-keyset'
  | 'star-to-columns'
  | 'substring-search'
  | 'or-to-union'
  | 'or-to-row-values'
  | 'count-to-exists'
  | 'not-in-to-not-exists'
  | 'function-to-range'

/** Another way to write a statement. It is shown, never applied. */
export interface Rewrite {
  readonly rule: RewriteRule
  /** A few words, without a full stop. */
  readonly title: string
  readonly before: string
  readonly after: string
  /** DDL that `after` needs, in order. */
  readonly ddl: readonly string[]
  /** Indexes that the DDL creates. */
  readonly indexes?: readonly IndexDefinition[]
  /** The places of the statement's values that `after` binds, in order. Omitted if they are the same. */
  readonly bound?: readonly number[]
  /**
   * Whether `after` returns the same rows for the same values, for any content of the tables; otherwise, the
   * caveats describe the differences.
   */
  readonly isEquivalent: boolean
  /** Why it would be faster, or safer. */
  readonly why: string
  /** Differences, and points to check: whole sentences. */
  readonly caveats: readonly string[]
}

/** Input of the rules. */
export interface RewriteSource {
  readonly tree: QueryTree
  readonly index: SnapshotIndex
  /** Values that the statement was seen with. */
  readonly bindings: readonly unknown[] | undefined
  /** Columns that `*` must stand for to be worth a word. */
  readonly minColumns: number
}

export type RewriteRuleReader = (source: RewriteSource) => readonly Rewrite[]
