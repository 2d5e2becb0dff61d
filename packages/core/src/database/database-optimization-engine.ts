import { DEFAULT_LIMITS } from '../pipeline/repetition.ts'
import type { Connection } from '../schema/connection.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import { InvalidArgumentError, SluiceError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { SLOW_QUERY_MS } from '../shared/thresholds.ts'
import type { Periodic } from '../shared/timers.ts'
import { likelyDialect } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import {
  type DuplicateIndex,
  duplicateIndexes,
  type MissingForeignKeyIndex,
  missingForeignKeyIndexes,
  type UnusedIndex,
  unusedIndexes,
} from './advisor/schema-indexes.ts'
import type { DatabaseAnalysis } from './analysis/database-analysis.ts'
import { type IndexPreset, IndexPresets } from './analysis/index-preset.ts'
import { type IndexStrategy, indexesForWorkload, strategiesOf } from './analysis/recommended-indexes.ts'
import { analyzePlan, analyzeQueryText, type QueryAnalysis } from './checks/analyze-query.ts'
import { type FragmentationReport, fragmentation } from './checks/fragmentation.ts'
import { meanMsOf, nPlusOneProblems } from './checks/n-plus-one.ts'
import type { PartitionRecommendation } from './checks/partitions.ts'
import { poolLimit, poolRecommendations, slowestOf } from './checks/pools.ts'
import { AnalyzedQueries, slowQueries } from './checks/slow-queries.ts'
import { type DatabaseStatistics, TableSizes } from './checks/table-statistics.ts'
import {
  type AnalyzeOptions,
  checkAmount,
  checkDatabaseOptions,
  checkText,
  type DatabaseOptions,
  type ObservedStatement,
} from './database-options.ts'
import type { ExplainOptions } from './explain/explain-statement.ts'
import type { DatabaseSnapshot } from './inspectors/database-snapshot.ts'
import { inspectRegularly } from './inspectors/inspect-regularly.ts'
import { tableNamed } from './names.ts'
import type { PlanWatch, PlanWatchCounts } from './plan-watch.ts'
import { watchNewPlans } from './plan-watch.ts'
import type { PoolReader } from './pool-monitor.ts'
import { writeWorkload } from './workload/workload-file.ts'
import type { OtherWorkload } from './workload/workload-log.ts'
import type { WorkloadEntry } from './workload/workload-record.ts'
import { type DatabaseEngineParts, WorkloadRecorder } from './workload-recorder.ts'

/**
 * Analyzes the query workload of an app and its database, and recommends changes.
 *
 * A Sluice's engine (`sluice.database`) sees the statements of attached clients. `inspect` reads the
 * database; the other methods use the last inspection and the recorded workload: `inspectedAt` and `age`
 * contain its time, and methods that need it return nothing before.
 *
 * @example
 * ```ts
 * const engine = new DatabaseOptimizationEngine()
 * engine.analyzeQuery('SELECT * FROM tiles WHERE domain = $1', 1250, 100_000, 20).recommendations
 * ```
 */
export class DatabaseOptimizationEngine {
  readonly #parts: DatabaseEngineParts
  readonly #clock: Clock
  readonly #instances: number
  readonly #recorder: WorkloadRecorder
  readonly #analyzed = new AnalyzedQueries()
  readonly #presets = new IndexPresets()
  readonly #sizes = new TableSizes()
  readonly #planWatch: PlanWatch | undefined
  readonly #inspections: Periodic | undefined
  #snapshot: DatabaseSnapshot | undefined
  #connection: Connection | undefined
  #analysis: DatabaseAnalysis | undefined

  /** @throws InvalidOptionError for an unknown option, or one out of its bounds. */
  constructor(options?: DatabaseOptions)
  /**
   * @param parts - Passed by a Sluice; apps omit it.
   * @internal
   */
  constructor(options?: DatabaseOptions, parts?: DatabaseEngineParts)
  constructor(options: DatabaseOptions = {}, parts: DatabaseEngineParts = {}) {
    checkDatabaseOptions(options)
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#instances = options.instances ?? 1
    const onError = parts.onError ?? (() => {})
    const { clock, random } = { clock: this.#clock, random: parts.random ?? Math.random }
    this.#recorder = parts.recorder ?? new WorkloadRecorder(options, { clock, random, onError })
    const { explainNew = false, inspectEveryMs = false } = options
    if (explainNew) {
      const onFullScan = parts.onFullScan ?? (() => {})
      this.#planWatch = watchNewPlans(this, this.#recorder, { clock, onError, onFullScan })
    }
    if (inspectEveryMs !== false) {
      const isAttached = () => (this.#connection ?? parts.connection?.()) !== undefined
      this.#inspections = inspectRegularly(inspectEveryMs, {
        isAttached,
        inspect: () => this.inspect(),
        onError,
      })
    }
  }

  /**
   * Reads the database's tables, indexes, statistics, sizes, connections, and counters.
   *
   * @param connection - Default: that of the last call, otherwise one of an attached client.
   * @throws SluiceError `SLUICE_NO_CLIENT` if there is none; the database's errors.
   */
  async inspect(connection?: Connection): Promise<DatabaseSnapshot> {
    const used = this.#connectionFor(connection)
    const { inspectDatabase } = await import('./inspectors/inspect-database.ts')
    const snapshot = await inspectDatabase(used)
    this.#connection = used
    this.#snapshot = snapshot
    return snapshot
  }

  /**
   * Determines what to change in the database and its workload: inspects the database, and plans the workload
   * with the existing and with hypothetical indexes. Writes nothing to the database. Afterwards,
   * `getRecommendedIndexes` returns the result.
   *
   * If the planner does not support hypothetical indexes, advice is marked as not validated: PostgreSQL needs
   * the extension HypoPG or a scratch database, SQLite an empty database in memory (`tools`). The command
   * line, `sluice analyze`, has both.
   *
   * @param options - `connection` as for `inspect`; `workload` replaces the recorded workload.
   * @throws SluiceError `SLUICE_NO_CLIENT` if there is no connection; InvalidArgumentError for an invalid
   *   time limit; the database's errors.
   */
  async analyze(options: AnalyzeOptions = {}): Promise<DatabaseAnalysis> {
    const { connection, workload, tools, statementTimeoutMs, timeLimitMs } = options
    if (statementTimeoutMs !== undefined)
      checkAmount('statementTimeoutMs', statementTimeoutMs, 'milliseconds')
    if (timeLimitMs !== undefined) checkAmount('timeLimitMs', timeLimitMs, 'milliseconds')
    const snapshot = await this.inspect(connection)
    const { analyzeDatabase } = await import('./analysis/analyze-database.ts')
    const observed = workload ?? this.getWorkload()
    this.#analysis = await analyzeDatabase({
      connection: this.#connectionFor(undefined),
      snapshot,
      ...(observed.length === 0 ? {} : { workload: observed }),
      ...(tools === undefined ? {} : { tools }),
      ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
      ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
      clock: this.#clock,
    })
    return this.#analysis
  }

  /** Result of the last `analyze`. */
  get analysis(): DatabaseAnalysis | undefined {
    return this.#analysis
  }

  /** Takes over what was read of the database elsewhere, or before. */
  useSnapshot(snapshot: DatabaseSnapshot): void {
    this.#snapshot = snapshot
  }

  /** Result of the last inspection. */
  get snapshot(): DatabaseSnapshot | undefined {
    return this.#snapshot
  }

  /** When the database was last read, in milliseconds since 1970. */
  get inspectedAt(): number | undefined {
    return this.#snapshot?.takenAt
  }

  /** Milliseconds since the database was last read. */
  get age(): number | undefined {
    return this.#snapshot === undefined ? undefined : Math.max(0, this.#clock.wall() - this.#snapshot.takenAt)
  }

  /**
   * Records a statement that no attached client sent. Statements of attached clients are recorded
   * automatically.
   *
   * @throws InvalidArgumentError for an empty string, or a time that is negative or not a number.
   */
  observe(statement: ObservedStatement): void {
    const { sql, executionTime, rows = 0 } = statement
    checkText('statement.sql', sql)
    checkAmount('statement.executionTime', executionTime, 'milliseconds')
    checkAmount('statement.rows', rows, 'rows')
    this.#recorder.observe(statement, statement.dialect ?? this.#dialectOf(sql))
  }

  /** The recorded workload by normalized query: those with the most total time first. */
  getWorkload(): WorkloadEntry[] {
    return this.#recorder.log?.snapshot() ?? []
  }

  /** Statements that are not in `getWorkload()`, because there were too many normalized queries. */
  getOtherWorkload(): OtherWorkload {
    return this.#recorder.log?.others ?? { forgotten: 0, calls: 0, errors: 0, totalMs: 0, rows: 0 }
  }

  /**
   * Approximate quantile of the execution times of one normalized query, in milliseconds: they are counted in
   * buckets (1, 5, 10, 50, 100 …), whose bounds can be far apart.
   *
   * @param share - 0 to 1: 0.95 for the 95th percentile.
   * @returns `undefined` if it was never seen, or was removed.
   * @throws InvalidArgumentError for an invalid share.
   */
  getWorkloadQuantile(fingerprint: string, dialect: Dialect, share: number): number | undefined {
    const rule = option.number(0, 1)
    if (!rule.accepts(share)) throw new InvalidArgumentError('share', rule.expected, share)
    return this.#recorder.log?.quantile(fingerprint, dialect, share)
  }

  /** Plans that `explainNew` requested: full scans first, then those with the most total time. */
  getPlans(): QueryAnalysis[] {
    return this.#planWatch?.plans() ?? []
  }

  /** Number of new normalized queries by outcome, if `explainNew` is on. */
  getPlanCounts(): PlanWatchCounts {
    return this.#planWatch?.counts ?? { explained: 0, waiting: 0, skipped: 0, failed: 0 }
  }

  /** Stops automatic work: `explainNew` and `inspectEveryMs`. A Sluice closes its engine. */
  close(): void {
    this.#planWatch?.close()
    this.#inspections?.stop()
  }

  /**
   * The workload as the content of a file for `sluice analyze --workload`. Contains parameter values, unless
   * the workload is redacted.
   */
  exportWorkload(): string {
    return writeWorkload(this.getWorkload())
  }

  /** Clears the recorded workload. */
  resetWorkload(): void {
    this.#recorder.log?.reset()
  }

  /**
   * The indexes that a table needs: those that `analyze` found; before it ran, those for conditions of the
   * recorded workload without an index, if there are both; otherwise the registered presets, without existing
   * indexes.
   *
   * @param table - Name with or without schema.
   * @throws InvalidArgumentError for an empty name.
   */
  getRecommendedIndexes(table: string): IndexStrategy[] {
    checkText('table', table)
    const snapshot = this.#snapshot
    const known = snapshot && tableNamed(snapshot, table)
    const workload = known === undefined ? [] : this.getWorkload()
    if (this.#analysis !== undefined && snapshot !== undefined && known !== undefined)
      return strategiesOf(this.#analysis, known, snapshot)
    if (snapshot !== undefined && known !== undefined && workload.length > 0)
      return indexesForWorkload(snapshot, known, workload)
    return this.#presets.recommended(
      { dialect: snapshot?.dialect ?? this.#parts.dialect?.() ?? 'postgresql', table },
      known,
    )
  }

  /**
   * Registers the indexes that a table needs, replacing those that were registered for it before.
   *
   * @throws InvalidArgumentError for an empty name; InvalidOptionError for an invalid preset.
   */
  registerPresets(table: string, presets: readonly IndexPreset[]): void {
    checkText('table', table)
    this.#presets.register(table, presets)
  }

  /**
   * Judges a statement by its numbers and its text, and takes it for one execution, which counts for
   * `getSlowQueries` and `detectNPlusOneProblems`. Whether it reads a whole table is inferred: `explain`
   * knows.
   *
   * @param executionTime - Milliseconds.
   * @param rowsScanned - Rows that the database read for it.
   * @throws InvalidArgumentError for an empty query, or a number that is negative or none.
   */
  analyzeQuery(
    query: string,
    executionTime: number,
    rowsScanned: number,
    rowsReturned: number,
  ): QueryAnalysis {
    checkText('query', query)
    checkAmount('executionTime', executionTime, 'milliseconds')
    checkAmount('rowsScanned', rowsScanned, 'rows')
    checkAmount('rowsReturned', rowsReturned, 'rows')
    const dialect = this.#dialectOf(query)
    const measured = { executionTime, rowsScanned, rowsReturned }
    const analysis = analyzeQueryText(query, dialect, measured, this.#snapshot)
    this.#analyzed.add(analysis.fingerprint, query, dialect, measured)
    const site = this.#recorder.log?.entry(analysis.fingerprint, dialect)?.callSites[0]
    if (site === undefined) return analysis
    const { count: _count, ...callSite } = site
    return { ...analysis, callSite }
  }

  /**
   * Requests the plan of a statement from the database, and analyzes it. Nothing is executed, unless
   * `analyze` is set: then a read is executed in a transaction that is rolled back; a write never is.
   *
   * @param bindings - By position. Omit them for SQL with parameters: PostgreSQL and SQLite plan it without
   *   values; MySQL cannot.
   * @throws SluiceError `SLUICE_NO_CLIENT` if there is no connection; NotExplainableError; the database's
   *   errors.
   */
  async explain(
    query: string,
    bindings?: readonly unknown[],
    options: ExplainOptions = {},
  ): Promise<QueryAnalysis> {
    checkText('query', query)
    const connection = this.#connectionFor(undefined)
    const { explainStatement } = await import('./explain/explain-statement.ts')
    const plan = await explainStatement(connection, query, bindings, options)
    return analyzePlan(query, connection.dialect, plan, this.#snapshot)
  }

  /**
   * Normalized queries with a slow execution: of the workload, of the queries passed to `analyzeQuery`, and
   * of those that the server counted at the inspection. Those with the most total time come first, each with
   * its call site, if it is known.
   *
   * @param threshold - Minimum of the longest execution in milliseconds.
   * @param limit - Maximum number of normalized queries.
   * @throws InvalidArgumentError if one is negative or not a number.
   */
  getSlowQueries(threshold: number = SLOW_QUERY_MS, limit = 20): QueryAnalysis[] {
    checkAmount('threshold', threshold, 'milliseconds')
    checkAmount('limit', limit, 'shapes')
    return slowQueries(
      { workload: this.getWorkload(), analyzed: this.#analyzed.entries(), snapshot: this.#snapshot },
      threshold,
      limit,
    )
  }

  /**
   * Size of a table: the given values, otherwise those of the inspection. Given values also apply to
   * `getPartitionRecommendations`.
   *
   * @param totalSize - Bytes, including indexes.
   * @throws InvalidArgumentError for an empty name, or an invalid or negative number.
   */
  collectTableStatistics(table: string, rowCount?: number, totalSize?: number): DatabaseStatistics {
    checkText('table', table)
    if (rowCount !== undefined) checkAmount('rowCount', rowCount, 'rows')
    if (totalSize !== undefined) checkAmount('totalSize', totalSize, 'bytes')
    return this.#sizes.collect(table, { rowCount, totalSize }, this.#clock.wall(), this.#snapshot)
  }

  /**
   * Finds repetitions in statements that belong together, such as those of one request. Reports at least 5
   * equal normalized queries, or 3 identical ones without a write in between; a Sluice's engine uses its
   * `detection.threshold` and `detection.repeats`.
   *
   * @returns One sentence each: the normalized query, its count, and the saving of one query; the most
   *   frequent first.
   * @throws InvalidArgumentError if it is not an array of strings.
   */
  detectNPlusOneProblems(queries: readonly string[]): string[] {
    if (!option.strings.accepts(queries))
      throw new InvalidArgumentError('queries', 'an array of SQL strings', queries)
    const meanMs = (fingerprint: string, dialect: Dialect) =>
      meanMsOf(this.#recorder.log?.entry(fingerprint, dialect) ?? this.#analyzed.get(fingerprint))
    const limits = this.#parts.limits ?? DEFAULT_LIMITS
    return nPlusOneProblems(queries, limits, (sql) => this.#dialectOf(sql), meanMs)
  }

  /**
   * Room that tables and indexes take and do not need, as the database was when it was inspected; most first.
   */
  getFragmentationStatus(): FragmentationReport[] {
    return this.#check(fragmentation)
  }

  /** How tables of more than 1,000,000 rows could be cut by time; the largest first. */
  getPartitionRecommendations(): PartitionRecommendation[] {
    return this.#sizes.partitions(this.#snapshot, (table) => this.#presets.columnsOf(table))
  }

  /** Recommendations for the attached pools, with the server's connections of the last inspection. */
  getConnectionPoolRecommendations(): string[] {
    const { connections } = this.#snapshot ?? {}
    return poolRecommendations({
      pools: this.#recorder.pools.pools(),
      connections,
      instances: this.#instances,
      cpu: this.#parts.cpu?.() ?? 0,
      slowest: slowestOf(this.getWorkload()),
    })
  }

  /**
   * The most that the maximum of a pool can be with the connections that the server had at the last
   * inspection; `undefined` if that is unknown. @internal
   */
  poolLimit(max: number): number | undefined {
    return poolLimit(max, { connections: this.#snapshot?.connections, instances: this.#instances })
  }

  /** Number of rows of a table at the last inspection; `undefined` if that is unknown. @internal */
  tableRows(table: string): number | undefined {
    const rows = (this.#snapshot && tableNamed(this.#snapshot, table))?.rows ?? -1
    return rows < 0 ? undefined : rows
  }

  /**
   * Attaches a connection pool; an adapter can attach those of its ORM. It is observed while statements are
   * sent.
   *
   * @param name - Name for people. Replaces a pool of the same name.
   * @returns A function that detaches it.
   * @example
   * ```ts
   * engine.attachPool('pg', () => ({
   *   min: 0, max: pool.options.max, used: pool.totalCount - pool.idleCount, idle: pool.idleCount,
   *   waiting: pool.waitingCount,
   * }))
   * ```
   */
  attachPool(name: string, read: PoolReader): () => void {
    checkText('name', name)
    if (typeof read !== 'function')
      throw new InvalidArgumentError('read', 'a function that returns the state of the pool', read)
    this.#recorder.pools.attach(name, read)
    return () => this.#recorder.pools.detach(name)
  }

  /**
   * Indexes that nothing had read when the database was inspected, where the server counts that; the largest
   * first.
   */
  getUnusedIndexes(): UnusedIndex[] {
    return this.#check(unusedIndexes)
  }

  /** Indexes that serve nothing that another of their table does not serve. */
  getDuplicateIndexes(): DuplicateIndex[] {
    return this.#check(duplicateIndexes)
  }

  /** Foreign keys by which no index finds rows; those of the largest tables first. */
  getMissingForeignKeyIndexes(): MissingForeignKeyIndex[] {
    return this.#check(missingForeignKeyIndexes)
  }

  #check<T>(check: (snapshot: DatabaseSnapshot) => T[]): T[] {
    return this.#snapshot === undefined ? [] : check(this.#snapshot)
  }

  #connectionFor(passed: Connection | undefined): Connection {
    const connection = passed ?? this.#connection ?? this.#parts.connection?.()
    if (connection !== undefined) return connection
    throw new SluiceError(
      'SLUICE_NO_CLIENT',
      'There is no connection. Pass one to `inspect`, or attach a client to this Sluice first.',
    )
  }

  #dialectOf(sql: string): Dialect {
    const known = this.#snapshot?.dialect ?? this.#parts.dialect?.()
    return known ?? likelyDialect(sql)
  }
}
