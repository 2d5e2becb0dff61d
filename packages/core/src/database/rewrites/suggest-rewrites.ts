import type { QueryTree } from '../../sql/tree/query-tree.ts'
import { type DatabaseSnapshot, SnapshotIndex } from '../inspectors/database-snapshot.ts'
import { countToExists } from './count-to-exists.ts'
import { functionToRange } from './function-to-range.ts'
import { notInToNotExists } from './not-in-to-not-exists.ts'
import { offsetToKeyset } from './offset-to-keyset.ts'
import { orToRowValues } from './or-to-row-values.ts'
import { orToUnion } from './or-to-union.ts'
import type { Rewrite, RewriteRuleReader } from './rewrite.ts'
import { starToColumns } from './star-to-columns.ts'
import { substringSearch } from './substring-search.ts'

const rules: readonly RewriteRuleReader[] = [
  offsetToKeyset,
  starToColumns,
  substringSearch,
  orToRowValues,
  orToUnion,
  countToExists,
  notInToNotExists,
  functionToRange,
]

export interface RewriteOptions {
  /**
   * Values that the statement was seen with, by place: they tell patterns, and whether an OFFSET skips
   * anything.
   */
  readonly bindings?: readonly unknown[]
}

/**
 * Rewrites of a statement for review: each is proven to return the same rows, or describes the differences.
 */
export function suggestRewrites(
  tree: QueryTree,
  snapshot: DatabaseSnapshot,
  { bindings }: RewriteOptions = {},
): readonly Rewrite[] {
  const source = { tree, index: SnapshotIndex.of(snapshot), bindings }
  return rules.flatMap((rule) => rule(source))
}
