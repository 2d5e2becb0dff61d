import { QueryStats, type QueryStatsSnapshot } from '../pipeline/query-stats.ts'
import type { Row } from '../schema/row-loader.ts'
import { systemClock } from '../shared/clock.ts'
import { copyValue, isCopyable } from '../shared/copy.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { analyzeSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import { type BatchQuery, mergeByKey, type QueryInput } from './advice/batch-query.ts'
import { fixFor } from './advice/fix-text.ts'
import { type JoinStrategy, joinStrategy } from './advice/join-strategy.ts'
import { NPlusOneLog, type NPlusOnePattern, withSaving } from './advice/n-plus-one-log.ts'
import type { Observations } from './advice/observations.ts'
import { recommendations } from './advice/recommendations.ts'
import type { Anomaly } from './anomalies/anomaly.ts'
import type { AnomalyLog } from './anomalies/anomaly-log.ts'
import { planOf } from './cost/cost-model.ts'
import type { PlanFacts, QueryPlan } from './cost/query-plan.ts'
import { TableFacts } from './cost/table-facts.ts'
import { RowLoaders } from './eager/row-loaders.ts'
import { checkEngineOptions, type QueryEngineParts, type QueryOptimizationEngineOptions } from './engine-options.ts'
import type { PrefetchLink } from './prefetch/link.ts'
import { QueryLog } from './query-log.ts'

const DEFAULT_THRESHOLD = 5
/** The share of a query's time that each further key of a batch takes. */
const FURTHER_KEY = 0.1
/** In this order: what a dialect refuses, an earlier one rarely takes for something else. */
const DIALECTS: readonly Dialect[] = ['postgresql', 'mysql', 'sqlite']
const JOIN_TYPES = option.oneOf('INNER', 'LEFT', 'RIGHT', 'FULL')

/**
 * What Sluice saw of an app's queries, what it did about them, and what it advises.
 *
 * A Sluice's engine (`sluice.queries`) sees the statements of attached clients. One made alone knows what it is handed: `analyzeQuery`,
 * `setTableRows`, `setTableIndexes`.
 *
 * @example
 * ```ts
 * const engine = new QueryOptimizationEngine({ dialect: 'postgresql' })
 * engine.analyzeQuery('SELECT * FROM tiles WHERE user_id = 7 ORDER BY id', 48).estimatedCost // 120
 * ```
 */
export class QueryOptimizationEngine {
  readonly #dialect: Dialect | undefined
  readonly #parts: Partial<QueryEngineParts>
  readonly #stats: QueryStats
  readonly #loaders: RowLoaders
  readonly #tables: TableFacts
  readonly #observations: Observations
  readonly #nPlusOnes: NPlusOneLog
  readonly #anomalies: AnomalyLog

  /** @throws InvalidOptionError for an unknown option, or one out of its bounds. */
  constructor(options?: QueryOptimizationEngineOptions)
  /**
   * @param parts - What a Sluice hands over; apps leave it out.
   * @internal
   */
  constructor(options?: QueryOptimizationEngineOptions, parts?: Partial<QueryEngineParts>)
  constructor(options: QueryOptimizationEngineOptions = {}, parts: Partial<QueryEngineParts> = {}) {
    checkEngineOptions(options)
    const { catalog, clock = systemClock, threshold = DEFAULT_THRESHOLD } = options
    this.#dialect = options.dialect ?? catalog?.dialect
    this.#parts = parts
    this.#stats = parts.stats ?? new QueryStats()
    this.#loaders = parts.loaders ?? new RowLoaders()
    this.#tables = new TableFacts((dialect) => (catalog?.dialect === dialect ? catalog : parts.catalog?.(dialect)))
    const log = parts.log ?? new QueryLog(clock)
    this.#observations = log.observations
    this.#anomalies = log.anomalies
    this.#nPlusOnes = new NPlusOneLog(clock, threshold, {
      meanMs: (fingerprint) => this.#observations.meanMs(fingerprint),
      fix: (sql) => fixFor(sql, this.#dialectOf(sql)),
    })
  }

  /** Counters since the Sluice was made. */
  getStats(): QueryStatsSnapshot {
    return this.#stats.snapshot()
  }

  /**
   * Estimates what a query costs, from its text and what is known of its tables; and takes it for one execution, which counts for
   * `detectNPlusOne`, `getAnomalies` and `getQueryRecommendations`. SQL that cannot be read has a plan whose `optimization` says so.
   *
   * @param executionTime - What it took, in milliseconds.
   * @throws InvalidArgumentError for an empty query, or a time that is negative or no number.
   */
  analyzeQuery(query: string, executionTime: number): QueryPlan {
    checkQuery(query)
    if (!option.number(0).accepts(executionTime)) {
      throw new InvalidArgumentError('executionTime', 'milliseconds, a number of at least 0', executionTime)
    }
    const dialect = this.#dialectOf(query)
    const facts = planOf(query, dialect, this.#tables)
    const { fingerprint } = facts.plan
    this.#observations.time(fingerprint, facts.label, 1, executionTime)
    this.#observations.text(fingerprint, facts.label, query, dialect)
    this.#anomalies.see(query, dialect)
    this.#count(query, dialect, facts)
    return facts.plan
  }

  /**
   * Counts a query that no adapter sees: those of one shape, within one scope or within a second of each other, are an N+1 once they
   * reach the threshold. Only reads count.
   *
   * @throws InvalidArgumentError for an empty query.
   */
  detectNPlusOne(query: string): void {
    checkQuery(query)
    const dialect = this.#dialectOf(query)
    this.#count(query, dialect, planOf(query, dialect, this.#tables))
  }

  /**
   * Every N+1 that was found, by scopes or among what was handed in, and whatever else detection reports; those that would save most
   * time first. At most 1,000 of each are kept.
   */
  getNPlusOnePatterns(): readonly NPlusOnePattern[] {
    const found = [...(this.#parts.detector?.findings() ?? []).map(withSaving), ...this.#nPlusOnes.patterns()]
    return found.sort((a, b) => b.estimatedSaving.ms - a.estimatedSaving.ms || b.count - a.count)
  }

  /**
   * Merges queries that differ in one key into one: `key = ?` becomes `key IN (?, …)`. Values are bound; equal keys come once; the key
   * column is added to the columns, so that rows can be told apart by `keyColumn`.
   *
   * @param queries - Of one shape: `SELECT … WHERE key = ?` with any further conditions joined by AND. LIMIT is taken only where the key is
   *   known to be unique; aggregates are refused.
   * @param expectedTime - Milliseconds that the batch will take. Default: what was observed of it; else what was observed of the single
   *   query, and a tenth of it for each further key; else `undefined`.
   * @throws InvalidArgumentError when they cannot be merged without changing what they mean, or have more keys than the database binds.
   */
  createBatchQuery(queries: readonly QueryInput[], expectedTime?: number): BatchQuery {
    if (!Array.isArray(queries) || queries.length === 0) {
      throw new InvalidArgumentError('queries', 'an array of at least one query', queries)
    }
    if (expectedTime !== undefined && !option.number(0).accepts(expectedTime)) {
      throw new InvalidArgumentError('expectedTime', 'milliseconds, a number of at least 0', expectedTime)
    }
    const [first]: readonly QueryInput[] = queries
    const text = typeof first === 'string' ? first : first?.sql
    const dialect = this.#dialectOf(typeof text === 'string' ? text : '')
    const batch = mergeByKey(queries, dialect, (table, column) => this.#tables.isUnique(table, column, dialect))
    const mean = (sql: string) => this.#observations.meanMs(analyzeSql(sql, dialect).fingerprint)
    const single = mean(batch.originalQueries[0] ?? '')
    const guess = single === undefined ? undefined : single * (1 + FURTHER_KEY * (queries.length - 1))
    const expected = expectedTime ?? mean(batch.query) ?? guess
    const expectedSaving = single === undefined || expected === undefined ? undefined : single * queries.length - expected
    return { ...batch, expectedTime: expected, expectedSaving }
  }

  /**
   * Advises how to join two tables.
   *
   * @param condition - `a.x = b.y`, or a whole `LEFT JOIN b ON a.x = b.y`.
   * @param type - The join's type. Default: as the condition says it; LEFT, RIGHT or FULL where it tests one side for NULL; by the foreign
   *   key where a catalogue knows it (LEFT where a row may have no partner); else INNER.
   * @throws InvalidArgumentError when an argument is empty, or the type is none of the four.
   */
  recommendJoinStrategy(left: string, right: string, condition: string, type?: JoinStrategy['type']): JoinStrategy {
    checkText('left', left, 'the name of a table')
    checkText('right', right, 'the name of a table')
    checkText('condition', condition, 'a condition such as `a.x = b.y`')
    if (type !== undefined && !JOIN_TYPES.accepts(type)) throw new InvalidArgumentError('type', JOIN_TYPES.expected, type)
    const dialect = this.#dialectOf(`SELECT 1 FROM ${left} JOIN ${right} ON ${condition}`)
    return joinStrategy(left, right, condition, type, { dialect, facts: this.#tables, seen: this.#observations.describe(this.#tables) })
  }

  /**
   * Loads the rows that belong to many ids at once, through an attached client: one query, or one for each full list of keys that the
   * database binds (SQLite 900, PostgreSQL 32,000, MySQL 65,000). Of several clients the first that knows the table is asked.
   *
   * @param table - A model, or a table's name; it is the one whose rows are loaded.
   * @param ids - Values of the field. A text of digits stands for a number where the column holds integers; `null` has no rows.
   * @param field - The field or column that holds them, such as `authorId`.
   * @returns The rows of each id as its client returns them; an empty list where there are none.
   * @throws SluiceError `SLUICE_NO_ADAPTER` when no client is attached; InvalidArgumentError when none knows the field.
   */
  async eagerLoadRelationships<TId>(table: string, ids: readonly TId[], field: string): Promise<Map<TId, Row[]>> {
    checkText('table', table, 'the name of a model or table')
    checkText('field', field, 'the name of a field or column')
    if (!Array.isArray(ids)) throw new InvalidArgumentError('ids', 'an array of ids', ids)
    return this.#loaders.load(table, ids, field)
  }

  /**
   * Keeps a copy of a query's rows in the cache, by its text. Writes do not drop it: its time does. Does nothing where caching is off, and
   * in an engine made alone.
   *
   * @param ttl - Seconds, greater than 0. Default: 3600.
   * @throws InvalidArgumentError for an empty query, a result that is no array of plain rows, or a lifetime out of bounds.
   */
  cacheResult(query: string, result: readonly unknown[], ttl?: number): void {
    checkQuery(query)
    if (!Array.isArray(result) || !isCopyable(result)) throw new InvalidArgumentError('result', 'an array of plain rows', result)
    if (ttl !== undefined && !option.positive.accepts(ttl)) throw new InvalidArgumentError('ttl', 'seconds, a number greater than 0', ttl)
    this.#parts.results?.set(query, copyValue(result), ttl)
  }

  /**
   * A copy of the rows that `cacheResult` was given for this very text; `null` when there are none, their time is over, or caching is off.
   *
   * @throws InvalidArgumentError for an empty query.
   */
  getCachedResult(query: string): unknown[] | null {
    checkQuery(query)
    const rows = this.#parts.results?.get(query) ?? null
    return rows === null ? null : copyValue([...rows])
  }

  /** What to change in the app, by the time it would have saved so far; at most 50. Empty when nothing was seen. */
  getQueryRecommendations(): string[] {
    const client = this.#loaders.first()
    // Of an attached database whose keys are not known yet, no index can be missed.
    const knowsKeys = client === undefined || this.#parts.catalog?.(client.dialect) !== undefined
    return recommendations(this.getNPlusOnePatterns(), this.#observations.describe(this.#tables), knowsKeys)
  }

  /**
   * Statements that look like SQL injection, or open to it; the worst first. At most 1,000 are kept. Each text of attached clients is
   * looked at once, when it is new; nothing is ever held up.
   */
  getAnomalies(): readonly Anomaly[] {
    return this.#anomalies.anomalies()
  }

  /**
   * Tells how many rows a table has, for estimates. Until then: `users` 10,000, `tiles` 100,000, `inferences` 50,000, `comments` 500,000,
   * `audit_logs` 1,000,000, and any other 10,000.
   *
   * @param table - The table's name, with or without its schema.
   * @throws InvalidArgumentError for an empty name, or rows that are no integer of at least 0.
   */
  setTableRows(table: string, rows: number): void {
    checkText('table', table, 'the name of a table')
    if (!option.integer(0).accepts(rows)) throw new InvalidArgumentError('rows', 'an integer of at least 0', rows)
    this.#tables.setRows(table, rows)
  }

  /**
   * Tells which indexes a table has besides its keys, each by its columns in order. Replaces what was told of the table before.
   *
   * @throws InvalidArgumentError for an empty name, or what is no array of arrays of names.
   */
  setTableIndexes(table: string, indexes: readonly (readonly string[])[]): void {
    checkText('table', table, 'the name of a table')
    if (!Array.isArray(indexes) || !indexes.every((columns) => option.strings.accepts(columns) && columns.length > 0)) {
      throw new InvalidArgumentError('indexes', 'an array of arrays of column names', indexes)
    }
    this.#tables.setIndexes(table, indexes)
  }

  /** What prefetching learned of the app's loops, as plain data: kept, it spares the next process learning it again. */
  getPrefetchLinks(): readonly PrefetchLink[] {
    return this.#parts.links?.save() ?? []
  }

  /**
   * Gives back what `getPrefetchLinks` gave, in this process or another. Does nothing where prefetching is off.
   *
   * @throws InvalidArgumentError when it is no such list.
   */
  restorePrefetchLinks(links: readonly PrefetchLink[]): void {
    this.#parts.links?.restore(links)
  }

  #count(query: string, dialect: Dialect, { plan, label }: PlanFacts): void {
    const { kinds, writes } = analyzeSql(query, dialect).statement
    if (!kinds.includes('SELECT') || writes.length > 0) return
    const { fingerprint, estimatedCost } = plan
    this.#nPlusOnes.see(query, { fingerprint, label, estimatedCost }, this.#parts.scope?.())
  }

  #dialectOf(sql: string): Dialect {
    const known = this.#dialect ?? this.#loaders.first()?.dialect
    if (known !== undefined) return known
    return DIALECTS.find((dialect) => analyzeSql(sql, dialect).statement.opaque === undefined) ?? 'postgresql'
  }
}

function checkText(argument: string, value: unknown, expected: string): void {
  if (typeof value !== 'string' || value.trim() === '') throw new InvalidArgumentError(argument, expected, value)
}

function checkQuery(query: unknown): void {
  checkText('query', query, 'a SQL text that is not empty')
}
