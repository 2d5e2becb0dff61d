import type { QueryStats } from '../pipeline/query-stats.ts'
import type { SchemaCatalog } from '../schema/catalog.ts'
import type { Clock } from '../shared/clock.ts'
import { checkOptions, option } from '../shared/options.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { LogScope } from './advice/n-plus-one-log.ts'
import type { Detector } from './detect/detector.ts'
import type { RowLoaders } from './eager/row-loaders.ts'
import type { Links } from './prefetch/link.ts'
import type { QueryLog } from './query-log.ts'

/** Stores the results that the app passes to `cacheResult`. */
interface QueryResultStore {
  /** `null` if there is none, or it has expired. */
  get(query: string): readonly unknown[] | null
  /** @param ttl - Seconds. `undefined`: the store's default. */
  set(query: string, rows: readonly unknown[], ttl: number | undefined): void
}

export interface QueryOptimizationEngineOptions {
  /**
   * Dialect of the SQL that you pass: `postgresql`, `mysql` or `sqlite`.
   * @defaultValue the dialect of the first attached adapter; without one, the first dialect that can parse
   *   the SQL
   */
  readonly dialect?: Dialect
  /**
   * Number of equal normalized queries within one scope that is reported as an N+1.
   * Minimum: `2`.
   * @defaultValue 5
   */
  readonly threshold?: number
  /**
   * Description of the tables. Their keys determine which conditions an index covers.
   * @defaultValue the catalogs of attached adapters
   */
  readonly catalog?: SchemaCatalog
  /**
   * Time source. For tests.
   * @defaultValue the process's clocks
   */
  readonly clock?: Clock
}

/** The parts that a Sluice passes to its engine. */
export interface QueryEngineParts {
  readonly stats: QueryStats
  readonly log: QueryLog
  readonly detector: Detector | undefined
  readonly links: Links | undefined
  readonly loaders: RowLoaders
  /** `undefined` if caching is off. */
  readonly results: QueryResultStore | undefined
  catalog(dialect: Dialect): SchemaCatalog | undefined
  /** Number of rows of a table at the last inspection of the database. */
  tableRows(table: string): number | undefined
  scope(): LogScope | undefined
}

const rules = {
  dialect: option.oneOf('postgresql', 'mysql', 'sqlite'),
  threshold: option.integer(2),
  catalog: option.object,
  clock: option.clock,
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
export function checkEngineOptions(options: QueryOptimizationEngineOptions): void {
  checkOptions(options, rules)
}
