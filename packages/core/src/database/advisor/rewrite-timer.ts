import type { IndexDefinition } from '../index-definition.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { RewriteAdvice } from './advice.ts'

/** Statements to run before and after a rewrite, without parameters. */
export interface RewriteRuns {
  readonly runs: readonly { readonly before: string; readonly after: string }[]
  readonly tables: readonly TableSnapshot[]
  /** Indexes that exist for both. */
  readonly indexes: readonly IndexDefinition[]
  /** Indexes that the rewrite needs in addition. */
  readonly needed: readonly IndexDefinition[]
  /** Statements that the rewrite needs: they create the needed indexes, or something else. */
  readonly ddl: readonly string[]
  /** The planner's cost of the statement on the whole tables. */
  readonly cost: number
}

/** Runs a statement and its rewrite on a sample of the rows. `undefined` if they cannot be run. */
export type RewriteTimer = (runs: RewriteRuns) => Promise<RewriteAdvice['measured']>
