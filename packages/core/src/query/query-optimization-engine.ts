import { QueryStats, type QueryStatsSnapshot } from '../pipeline/query-stats.ts'
import { DEFAULT_LIMITS, savedTime } from '../pipeline/repetition.ts'
import type { Row } from '../schema/row-loader.ts'
import { systemClock } from '../shared/clock.ts'
import { copyValue, isCopyable } from '../shared/copy.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { analyzeSql, likelyDialect } from '../sql/analyze.ts'
import { type BatchQuery, fixFor, mergeByKey, type QueryInput } from '../sql/batch/batch-query.ts'
import type { Dialect } from '../sql/dialect.ts'
import { type JoinStrategy, joinStrategy } from './advice/join-strategy.ts'
import { groupByCause, NPlusOneLog, type NPlusOnePattern, withSaving } from './advice/n-plus-one-log.ts'
import type { Observations } from './advice/observations.ts'
import { recommendations } from './advice/recommendations.ts'
import type { AnomalyLog } from './anomalies/anomaly-log.ts'
import type { Anomaly } from './anomalies/inspect.ts'
import { type PlanFacts, planOf, type QueryPlan } from './cost/cost-model.ts'
import { TableFacts } from './cost/table-facts.ts'
import { RowLoaders } from './eager/row-loaders.ts'
import {
  checkEngineOptions,
  type QueryEngineParts,
  type QueryOptimizationEngineOptions,
} from './engine-options.ts'
import type { PrefetchLink } from './prefetch/link.ts'
import { QueryLog } from './query-log.ts'

const JOIN_TYPES = option.oneOf('INNER', 'LEFT', 'RIGHT', 'FULL')

/**
 * Statistics and findings about the queries of an app, and advice on how to improve them.
 *
 * The engine of a Sluice (`sluice.queries`) sees the statements of attached clients. An engine that you
 * create yourself knows only what you pass to it, with `analyzeQuery`, `setTableRows` and `setTableIndexes`.
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

  /** @throws InvalidOptionError for an unknown option or an invalid value. */
  constructor(options?: QueryOptimizationEngineOptions)
  /**
   * @param parts - Passed by a Sluice; apps omit it.
   * @internal
   */
  constructor(options?: QueryOptimizationEngineOptions, parts?: Partial<QueryEngineParts>)
  constructor(options: QueryOptimizationEngineOptions = {}, parts: Partial<QueryEngineParts> = {}) {
    checkEngineOptions(options)
    const { catalog, clock = systemClock } = options
    this.#dialect = options.dialect ?? catalog?.dialect
    this.#parts = parts
    this.#stats = parts.stats ?? new QueryStats()
    this.#loaders = parts.loaders ?? new RowLoaders()
    this.#tables = new TableFacts(
      (dialect) => (catalog?.dialect === dialect ? catalog : parts.catalog?.(dialect)),
      (table) => parts.tableRows?.(table),
    )
    const log = parts.log ?? new QueryLog(clock)
    this.#observations = log.observations
    this.#anomalies = log.anomalies
    const { threshold, repeats } = parts.detector?.limits ?? DEFAULT_LIMITS
    this.#nPlusOnes = new NPlusOneLog(
      clock,
      { threshold: options.threshold ?? threshold, repeats },
      {
        meanMs: (fingerprint) => this.#observations.meanMs(fingerprint),
        fix: (sql) => fixFor(sql, this.#dialectOf(sql)),
      },
    )
  }

  /** Returns the counters since the Sluice was created. */
  getStats(): QueryStatsSnapshot {
    return this.#stats.snapshot()
  }

  /**
   * Estimates the cost of a query from its SQL and the known facts about its tables. Also counts the call as
   * one execution of the query, for `detectNPlusOne`, `getAnomalies` and `getQueryRecommendations`. If the
   * SQL cannot be parsed, `optimization` of the plan contains the reason.
   *
   * @param executionTime - Duration of the query in milliseconds.
   * @throws InvalidArgumentError for an empty query, or a time that is negative or not a number.
   */
  analyzeQuery(query: string, executionTime: number): QueryPlan {
    checkQuery(query)
    if (!option.number(0).accepts(executionTime)) {
      throw new InvalidArgumentError('executionTime', 'a number of milliseconds, at least 0', executionTime)
    }
    const dialect = this.#dialectOf(query)
    const facts = planOf(query, dialect, this.#tables)
    const { fingerprint } = facts.plan
    this.#observations.time(fingerprint, facts.label, 1, executionTime)
    this.#observations.text(fingerprint, facts.label, query, dialect)
    this.#anomalies.see(query, dialect, analyzeSql(query, dialect))
    this.#count(query, dialect, facts)
    return facts.plan
  }

  /**
   * Counts a query that no adapter sees. Equal normalized queries of one scope, each at most 1 second after
   * the previous one, are an N+1 when their number reaches the threshold. Only reads count.
   *
   * @throws InvalidArgumentError for an empty query.
   */
  detectNPlusOne(query: string): void {
    checkQuery(query)
    const dialect = this.#dialectOf(query)
    this.#count(query, dialect, planOf(query, dialect, this.#tables))
  }

  /**
   * Returns every finding of scopes, and the N+1s among the queries that you passed to this engine, ordered
   * by severity, then by the time that a fix would save per minute. Findings of several scope names with one
   * call site are one finding. At most 1,000 of each are stored.
   */
  getNPlusOnePatterns(): readonly NPlusOnePattern[] {
    const found = (this.#parts.detector?.findings() ?? []).map(withSaving)
    return groupByCause([...found, ...this.#nPlusOnes.patterns()])
  }

  /**
   * Replaces queries that differ in one key with one query: `key = ?` becomes `key IN (?, …)`. The batch
   * query binds the values, contains each key once, and also selects the key column: `keyColumn` identifies
   * the key of each row.
   *
   * @param queries - Equal normalized queries: `SELECT … WHERE key = ?`, with any additional conditions
   *   joined by AND. LIMIT is accepted only if the key is known to be unique. Aggregates are rejected.
   * @param expectedTime - Expected duration of the batch in milliseconds. Default: the observed mean of the
   *   batch query; otherwise, the mean of the single query plus 10% for each further key; otherwise
   *   `undefined`.
   * @throws InvalidArgumentError if a batch would change the meaning of the queries, or if they have more
   *   keys than the database can bind.
   */
  createBatchQuery(queries: readonly QueryInput[], expectedTime?: number): BatchQuery {
    if (!Array.isArray(queries) || queries.length === 0) {
      throw new InvalidArgumentError('queries', 'an array of at least one query', queries)
    }
    if (expectedTime !== undefined && !option.number(0).accepts(expectedTime)) {
      throw new InvalidArgumentError('expectedTime', 'a number of milliseconds, at least 0', expectedTime)
    }
    const [first]: readonly QueryInput[] = queries
    const text = typeof first === 'string' ? first : first?.sql
    const dialect = this.#dialectOf(typeof text === 'string' ? text : '')
    const batch = mergeByKey(queries, dialect, (table, column) =>
      this.#tables.isUnique(table, column, dialect),
    )
    const mean = (sql: string) => this.#observations.meanMs(analyzeSql(sql, dialect).fingerprint)
    const single = mean(batch.originalQueries[0] ?? '')
    const guess =
      single === undefined
        ? undefined
        : single * queries.length - savedTime('N_PLUS_ONE', queries.length - 1, single)
    const expected = expectedTime ?? mean(batch.query) ?? guess
    const expectedSaving =
      single === undefined || expected === undefined ? undefined : single * queries.length - expected
    return { ...batch, expectedTime: expected, expectedSaving }
  }

  /**
   * Recommends how to join two tables.
   *
   * @param condition - `a.x = b.y`, or a complete `LEFT JOIN b ON a.x = b.y`.
   * @param type - Type of the join. Default: the type in the condition; LEFT, RIGHT or FULL if the condition
   *   tests one side for NULL; otherwise by the foreign key, if a catalog contains one (LEFT if a row can
   *   have no match); otherwise INNER.
   * @throws InvalidArgumentError if an argument is empty, or the type is not one of the four.
   */
  recommendJoinStrategy(
    left: string,
    right: string,
    condition: string,
    type?: JoinStrategy['type'],
  ): JoinStrategy {
    checkText('left', left, 'the name of a table')
    checkText('right', right, 'the name of a table')
    checkText('condition', condition, 'a condition such as `a.x = b.y`')
    if (type !== undefined && !JOIN_TYPES.accepts(type))
      throw new InvalidArgumentError('type', JOIN_TYPES.expected, type)
    const dialect = this.#dialectOf(`SELECT 1 FROM ${left} JOIN ${right} ON ${condition}`)
    return joinStrategy(left, right, condition, type, {
      dialect,
      facts: this.#tables,
      seen: this.#observations.describe(this.#tables),
    })
  }

  /**
   * Loads the rows that belong to many ids through an attached client: in one query, or in one for each full
   * list of keys that the database can bind (SQLite 900, PostgreSQL 32,000, MySQL 65,000). If several clients
   * are attached, the first one that knows the table loads them.
   *
   * @param table - The model or table whose rows are loaded.
   * @param ids - Values of the field. If the column contains integers, a string of digits is treated as a
   *   number. `null` has no rows.
   * @param field - The field or column that contains the ids, such as `authorId`.
   * @returns The rows of each id as the client returns them; an empty array for an id without rows.
   * @throws SluiceError `SLUICE_NO_CLIENT` if no client is attached; InvalidArgumentError if none knows the
   *   field.
   */
  async eagerLoadRelationships<TId>(
    table: string,
    ids: readonly TId[],
    field: string,
  ): Promise<Map<TId, Row[]>> {
    checkText('table', table, 'the name of a model or table')
    checkText('field', field, 'the name of a field or column')
    if (!Array.isArray(ids)) throw new InvalidArgumentError('ids', 'an array of ids', ids)
    return this.#loaders.load(table, ids, field)
  }

  /**
   * Caches a copy of a query's rows under its SQL string. Writes do not invalidate it; it expires after
   * `ttl`. Has no effect if caching is off, or in an engine that you created yourself.
   *
   * @param ttl - Seconds, greater than 0. Default: 3600.
   * @throws InvalidArgumentError for an empty query, a result that is not an array of plain rows, or an
   *   invalid `ttl`.
   */
  cacheResult(query: string, result: readonly unknown[], ttl?: number): void {
    checkQuery(query)
    if (!Array.isArray(result) || !isCopyable(result))
      throw new InvalidArgumentError('result', 'an array of plain rows', result)
    if (ttl !== undefined && !option.positive.accepts(ttl))
      throw new InvalidArgumentError('ttl', 'a number of seconds, greater than 0', ttl)
    this.#parts.results?.set(query, copyValue(result), ttl)
  }

  /**
   * Returns a copy of the rows that `cacheResult` cached for exactly this string; `null` if there are none,
   * they have expired, or caching is off.
   *
   * @throws InvalidArgumentError for an empty query.
   */
  getCachedResult(query: string): unknown[] | null {
    checkQuery(query)
    const rows = this.#parts.results?.get(query) ?? null
    return rows === null ? null : copyValue([...rows])
  }

  /**
   * Returns recommended changes to the app, ordered by the time that each would have saved so far; at most
   * 50. Empty if the engine saw no queries.
   */
  getQueryRecommendations(): string[] {
    const client = this.#loaders.first()
    // If the keys of an attached database are not known yet, no missing index can be reported.
    const knowsKeys = client === undefined || this.#parts.catalog?.(client.dialect) !== undefined
    return recommendations(this.getNPlusOnePatterns(), this.#observations.describe(this.#tables), knowsKeys)
  }

  /**
   * Returns statements that look like SQL injection, or are vulnerable to it, the most severe first. At most
   * 1,000 are stored. Each SQL string of attached clients is inspected once. Statements are never delayed.
   */
  getAnomalies(): readonly Anomaly[] {
    return this.#anomalies.anomalies()
  }

  /**
   * Sets the number of rows of a table, for estimates. Default: the rows at the last
   * `database.inspect()`; otherwise 10,000.
   *
   * @param table - Name of the table, with or without its schema.
   * @throws InvalidArgumentError for an empty name, or if `rows` is not an integer of at least 0.
   */
  setTableRows(table: string, rows: number): void {
    checkText('table', table, 'the name of a table')
    if (!option.integer(0).accepts(rows))
      throw new InvalidArgumentError('rows', 'an integer of at least 0', rows)
    this.#tables.setRows(table, rows)
  }

  /**
   * Sets the indexes that a table has in addition to its keys, each as a list of columns in order. Replaces
   * the indexes that were set for this table before.
   *
   * @throws InvalidArgumentError for an empty name, or if `indexes` is not an array of arrays of names.
   */
  setTableIndexes(table: string, indexes: readonly (readonly string[])[]): void {
    checkText('table', table, 'the name of a table')
    if (
      !Array.isArray(indexes) ||
      !indexes.every((columns) => option.strings.accepts(columns) && columns.length > 0)
    ) {
      throw new InvalidArgumentError('indexes', 'an array of arrays of column names', indexes)
    }
    this.#tables.setIndexes(table, indexes)
  }

  /**
   * Returns the loops that prefetching has learned, as plain data. Save it, so that the next process does not
   * have to learn them again.
   */
  getPrefetchLinks(): readonly PrefetchLink[] {
    return this.#parts.links?.save() ?? []
  }

  /**
   * Restores the result of `getPrefetchLinks`, from this process or another. Has no effect if prefetching is
   * off.
   *
   * @throws InvalidArgumentError if it is not such a list.
   */
  restorePrefetchLinks(links: readonly PrefetchLink[]): void {
    this.#parts.links?.restore(links)
  }

  #count(query: string, dialect: Dialect, { plan, label }: PlanFacts): void {
    const { kinds, writes } = analyzeSql(query, dialect).statement
    if (writes.length > 0) this.#nPlusOnes.write()
    else if (kinds.includes('SELECT'))
      this.#nPlusOnes.read(
        { sql: query, dialect, fingerprint: plan.fingerprint, label },
        this.#parts.scope?.(),
      )
  }

  #dialectOf(sql: string): Dialect {
    return this.#dialect ?? this.#loaders.first()?.dialect ?? likelyDialect(sql)
  }
}

function checkText(argument: string, value: unknown, expected: string): void {
  if (typeof value !== 'string' || value.trim() === '')
    throw new InvalidArgumentError(argument, expected, value)
}

function checkQuery(query: unknown): void {
  checkText('query', query, 'a non-empty SQL statement')
}
