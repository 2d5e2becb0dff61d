import type { TableId } from '../../schema/catalog-data.ts'
import type { TableSnapshot } from '../inspectors/database-snapshot.ts'
import type { Explainable } from './explainable.ts'

/** A plan, in the same terms for every database. */
export interface PlanSummary {
  /**
   * The planner's own cost; `undefined` where it has none (SQLite). PostgreSQL and MariaDB count in different
   * units.
   */
  readonly cost?: number
  /** Rows read from tables and indexes: estimated; measured with `analyze`. `undefined`: not known. */
  readonly rowsScanned?: number
  readonly rowsReturned?: number
  /** Milliseconds; only with `analyze`. */
  readonly executionTime?: number
  readonly steps: readonly PlanStep[]
  /** Whether rows are sorted, and whether intermediate results are stored. */
  readonly sorts: number
  readonly temporaryStructures: number
  /** As the database gave it: JSON (PostgreSQL, MySQL), lines of text (SQLite). */
  readonly raw: unknown
}

/** One access to a table. */
export interface PlanStep {
  readonly table: TableId | undefined
  /** The name that the plan has for it: an alias, often. */
  readonly name: string
  /**
   * `index-scan`: a whole index, in its order; `index-search`: a part of it. `index-only-scan`: an index
   * alone; `searchedBy` shows whether it is a part. `key`: one row, by its primary or a unique key. `bitmap`:
   * rows found in one or several indexes, then read. `automatic-index`: an index that is created for this
   * statement only.
   */
  readonly access:
    | 'full-scan'
    | 'index-scan'
    | 'index-only-scan'
    | 'index-search'
    | 'bitmap'
    | 'key'
    | 'automatic-index'
    | 'other'
  readonly index?: string
  /** Columns that the index is searched by, if the plan contains them. */
  readonly searchedBy?: readonly string[]
  /** Rows that it yields each time it runs, and how often it runs; estimated, or measured with `analyze`. */
  readonly rows?: number
  readonly loops?: number
  readonly filter?: string
}

/** Request for a plan. */
export interface ExplainRequest {
  readonly statement: Explainable
  readonly bindings: readonly unknown[] | undefined
  readonly analyze: boolean
  readonly timeoutMs: number
  readonly tables: readonly TableSnapshot[]
  readonly defaultSchema: string | undefined
}
