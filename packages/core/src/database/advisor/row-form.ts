import { readQueryTree } from '../../sql/tree/read-sql.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import { SnapshotIndex } from '../inspectors/snapshot-index.ts'
import { orToRowValues } from '../rewrites/or-to-row-values.ts'
import { resolveStatement } from './resolve-statement.ts'
import type { ReadStatement } from './resolve-workload.ts'
import type { StatementUse } from './table-use.ts'

interface RowForm {
  readonly sql: string
  readonly use: StatementUse
  /** Observed sets of its values. */
  readonly samples: ReadStatement['entry']['samples']
}

/**
 * A statement in the form for which indexes are chosen. A page by `a < ? OR (a = ? AND b < ?)` is planned as
 * `(a, b) < (?, ?)`, which is proposed as a rewrite, because the first form hides its index from PostgreSQL
 * and SQLite.
 */
export function rowFormOf(
  { entry, use }: Pick<ReadStatement, 'entry' | 'use'>,
  snapshot: DatabaseSnapshot,
): RowForm {
  const isKeyset = use.uses.some(({ rowComparisons }) => rowComparisons.some((one) => one.isAlternatives))
  if (!isKeyset || snapshot.dialect === 'mysql') return { sql: entry.sql, samples: entry.samples, use }
  const [bindings] = entry.samples
  const [rewrite, another] = orToRowValues({
    tree: readQueryTree(entry.sql, snapshot.dialect),
    index: SnapshotIndex.of(snapshot),
    bindings,
    minColumns: 1,
  })
  const isProven = rewrite?.isEquivalent === true || bindings !== undefined
  if (rewrite === undefined || another !== undefined || !isProven)
    return { sql: entry.sql, samples: entry.samples, use }
  const { after: sql, bound } = rewrite
  const samples =
    bound === undefined ? entry.samples : entry.samples.map((values) => bound.map((place) => values[place]))
  return { sql, samples, use: resolveStatement(readQueryTree(sql, snapshot.dialect), snapshot) }
}
