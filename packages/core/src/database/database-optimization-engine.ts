import { DEFAULT_LIMITS } from '../pipeline/repetition.ts'
import type { Connection } from '../schema/connection.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { option } from '../shared/options.ts'
import { SLOW_QUERY_MS } from '../shared/thresholds.ts'
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
import { type IndexStrategy, recommendedIndexes } from './analysis/recommended-indexes.ts'
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
} from './database-options.ts'
import type { ExplainOptions } from './explain/explain-statement.ts'
import type { DatabaseSnapshot } from './inspectors/database-snapshot.ts'
import { Inspections } from './inspectors/inspections.ts'
import { tableNamed } from './names.ts'
import { type PlanWatch, type PlanWatchCounts, watchNewPlans } from './plan-watch.ts'
import { RecordedWorkload } from './recorded-workload.ts'
import { callSiteOf } from './workload/workload-record.ts'
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
export class DatabaseOptimizationEngine extends RecordedWorkload {
  readonly #parts: DatabaseEngineParts
  readonly #clock: Clock
  readonly #instances: number
  readonly #analyzed = new AnalyzedQueries()
  readonly #presets = new IndexPresets()
  readonly #sizes = new TableSizes()
  readonly #planWatch: PlanWatch | undefined
  readonly #inspections: Inspections
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
    const { clock = systemClock, random = Math.random, onError = () => {}, onFullScan = () => {} } = parts
    super(parts.recorder ?? new WorkloadRecorder(options, { clock, random, onError }))
    this.#parts = parts
    this.#clock = clock
    this.#instances = options.instances ?? 1
    this.#inspections = new Inspections(() => parts.connection?.())
    const { explainNew = false, inspectEveryMs = false } = options
    if (explainNew) this.#planWatch = watchNewPlans(this, this.recorder, { clock, onError, onFullScan })
    if (inspectEveryMs !== false) this.#inspections.startEvery(inspectEveryMs, onError)
  }

  /**
   * Reads the database's tables, indexes, statistics, sizes, connections, and counters.
   *
   * @param connection - Default: that of the last call, otherwise one of an attached client.
   * @throws SluiceError `SLUICE_NO_CLIENT` if there is none; the database's errors.
   */
  inspect(connection?: Connection): Promise<DatabaseSnapshot> {
    return this.#inspections.inspect(connection)
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
    const { connection, workload, ...limits } = options
    for (const name of ['statementTimeoutMs', 'timeLimitMs'] as const)
      if (limits[name] !== undefined) checkAmount(name, limits[name], 'milliseconds')
    const snapshot = await this.inspect(connection)
    const { analyzeDatabase } = await import('./analysis/analyze-database.ts')
    const observed = workload ?? this.getWorkload()
    this.#analysis = await analyzeDatabase({
      ...limits,
      connection: this.#inspections.connection(),
      snapshot,
      ...(observed.length === 0 ? {} : { workload: observed }),
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
    this.#inspections.snapshot = snapshot
  }

  /** Result of the last inspection. */
  get snapshot(): DatabaseSnapshot | undefined {
    return this.#inspections.snapshot
  }

  /** When the database was last read, in milliseconds since 1970. */
  get inspectedAt(): number | undefined {
    return this.snapshot?.takenAt
  }

  /** Milliseconds since the database was last read. */
  get age(): number | undefined {
    return this.snapshot === undefined ? undefined : Math.max(0, this.#clock.wall() - this.snapshot.takenAt)
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
    this.#inspections.stop()
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
    const { snapshot } = this
    const known = snapshot && tableNamed(snapshot, table)
    const dialect = snapshot?.dialect ?? this.#parts.dialect?.() ?? 'postgresql'
    const found = snapshot && known && recommendedIndexes(snapshot, known, this.#analysis, this.getWorkload())
    return found ?? this.#presets.recommended({ dialect, table }, known)
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
    const dialect = this.dialectOf(query)
    const measured = { executionTime, rowsScanned, rowsReturned }
    const analysis = analyzeQueryText(query, dialect, measured, this.snapshot)
    this.#analyzed.add(analysis.fingerprint, query, dialect, measured)
    const callSite = callSiteOf(this.recorder.log?.entry(analysis.fingerprint, dialect))
    return callSite === undefined ? analysis : { ...analysis, callSite }
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
    const connection = this.#inspections.connection()
    const { explainStatement } = await import('./explain/explain-statement.ts')
    const plan = await explainStatement(connection, query, bindings, options)
    return analyzePlan(query, connection.dialect, plan, this.snapshot)
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
      { workload: this.getWorkload(), analyzed: this.#analyzed.entries(), snapshot: this.snapshot },
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
    return this.#sizes.collect(table, { rowCount, totalSize }, this.#clock.wall(), this.snapshot)
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
      meanMsOf(this.recorder.log?.entry(fingerprint, dialect) ?? this.#analyzed.get(fingerprint))
    const limits = this.#parts.limits ?? DEFAULT_LIMITS
    return nPlusOneProblems(queries, limits, (sql) => this.dialectOf(sql), meanMs)
  }

  /**
   * Room that tables and indexes take and do not need, as the database was when it was inspected; most first.
   */
  getFragmentationStatus(): FragmentationReport[] {
    return this.#check(fragmentation)
  }

  /** How tables of more than 1,000,000 rows could be cut by time; the largest first. */
  getPartitionRecommendations(): PartitionRecommendation[] {
    return this.#sizes.partitions(this.snapshot, (table) => this.#presets.columnsOf(table))
  }

  /** Recommendations for the attached pools, with the server's connections of the last inspection. */
  getConnectionPoolRecommendations(): string[] {
    const { connections } = this.snapshot ?? {}
    return poolRecommendations({
      pools: this.recorder.pools.pools(),
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
    return poolLimit(max, { connections: this.snapshot?.connections, instances: this.#instances })
  }

  /** Number of rows of a table at the last inspection; `undefined` if that is unknown. @internal */
  tableRows(table: string): number | undefined {
    const rows = (this.snapshot && tableNamed(this.snapshot, table))?.rows ?? -1
    return rows < 0 ? undefined : rows
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
    return this.snapshot === undefined ? [] : check(this.snapshot)
  }

  protected dialectOf(sql: string): Dialect {
    return this.snapshot?.dialect ?? this.#parts.dialect?.() ?? likelyDialect(sql)
  }
}
