import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import type { Statistics } from './statistics.ts'

/** What candidates are made from, beside the statement. */
export interface CandidateContext {
  readonly snapshot: DatabaseSnapshot
  readonly statistics: Statistics
  /** How many statements of the workload look a column up by a value: `table.column`. Those asked for most come first in an index. */
  readonly popularity: ReadonlyMap<string, number>
}
