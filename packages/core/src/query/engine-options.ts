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

/** Where results that the app hands over are kept. */
interface QueryResultStore {
  /** `null` when there is none, or its time is over. */
  get(query: string): readonly unknown[] | null
  /** @param ttl - Seconds; left out, the store's default. */
  set(query: string, rows: readonly unknown[], ttl: number | undefined): void
}

export interface QueryOptimizationEngineOptions {
  /**
   * The dialect of the SQL that is handed in: `postgresql`, `mysql` or `sqlite`.
   * @defaultValue that of the first attached adapter; without one, the first in which a text can be read
   */
  readonly dialect?: Dialect
  /**
   * Statements of one shape, handed in within one scope, before they are an N+1.
   * Minimum: `2`.
   * @defaultValue 5
   */
  readonly threshold?: number
  /**
   * What is known of the tables: their keys tell which conditions an index serves.
   * @defaultValue what attached adapters read
   */
  readonly catalog?: SchemaCatalog
  /**
   * Where time comes from. For tests.
   * @defaultValue the process's clocks
   */
  readonly clock?: Clock
}

/** What a Sluice joins its engine with. */
export interface QueryEngineParts {
  readonly stats: QueryStats
  readonly log: QueryLog
  readonly detector: Detector | undefined
  readonly links: Links | undefined
  readonly loaders: RowLoaders
  /** `undefined` where caching is off. */
  readonly results: QueryResultStore | undefined
  catalog(dialect: Dialect): SchemaCatalog | undefined
  scope(): LogScope | undefined
}

const rules = {
  dialect: option.oneOf('postgresql', 'mysql', 'sqlite'),
  threshold: option.integer(2),
  catalog: option.object,
  clock: option.object,
}

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds. */
export function checkEngineOptions(options: QueryOptimizationEngineOptions): void {
  checkOptions(options, rules)
}
