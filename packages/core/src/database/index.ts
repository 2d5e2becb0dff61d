export type { CallSite } from '../pipeline/call-site.ts'
export type { Connection } from '../schema/connection.ts'
export { quoteName } from '../sql/dialect.ts'
export type {
  Advice,
  IndexAdvice,
  LeftStatement,
  Measurement,
  RewriteAdvice,
  ServedStatement,
  StatementAdvice,
} from './advisor/advice.ts'
export {
  type AdviseDatabaseOptions,
  type AdvisorTools,
  adviseDatabase,
  type PostgresqlScratch,
} from './advisor/advise-database.ts'
export type { OnAdviceProgress } from './advisor/index-check.ts'
export { indexPages, PAGE_BYTES } from './advisor/index-pages.ts'
export type { Thresholds } from './advisor/limits.ts'
export { isBytewise } from './advisor/own-type.ts'
export { createPostgresqlIndex, type IndexSupposer } from './advisor/planners/postgresql-planner.ts'
export type { DuplicateIndex, MissingForeignKeyIndex, UnusedIndex } from './advisor/schema-indexes.ts'
export type { SupposedIndex, Validation } from './advisor/what-if-planner.ts'
export { type AnalyzeDatabaseOptions, analyzeDatabase, serverWorkload } from './analysis/analyze-database.ts'
export type {
  DatabaseAnalysis,
  DatabaseFinding,
  DatabaseFindingCode,
  FindingStatement,
} from './analysis/database-analysis.ts'
export type { IndexPreset } from './analysis/index-preset.ts'
export type { QuerySeverity } from './checks/analyze-query.ts'
export type { FragmentationReport } from './checks/fragmentation.ts'
export type { PartitionRecommendation } from './checks/partitions.ts'
export type { DatabaseStatistics } from './checks/table-statistics.ts'
export type { AnalyzeOptions, ObservedStatement } from './database-options.ts'
export { type ExplainOptions, explainStatement } from './explain/explain-statement.ts'
export type { PlanStep, PlanSummary } from './explain/plan-summary.ts'
export type { ApplyEvent, ApplyOptions, ApplyResult } from './fixes/apply/apply-change.ts'
export { applyChanges } from './fixes/apply/apply-change.ts'
export { type DatabaseFacts, isSameName, type NamedTable, tableOf } from './fixes/database-facts.ts'
export { conventionalName, type IndexNaming, indexName } from './fixes/index-name.ts'
export { type ChangeSql, type IndexPlace, LOCK_TIMEOUT, type SqlStep } from './fixes/index-sql.ts'
export {
  changeComment,
  codeLiteral,
  commentText,
  fileName,
  type MigrationLines,
  migrationLines,
  migrationName,
  timeStamps,
} from './fixes/migration-text.ts'
export {
  changeProblem,
  type FixFile,
  type FixPlan,
  type PatchedChange,
  type ProjectFormat,
  planFixFiles,
  type RefusedChange,
  type SqlFolder,
  sqlFix,
  sqlProject,
} from './fixes/project-format.ts'
export {
  type CreateIndexChange,
  type DropIndexChange,
  type SchemaChange,
  schemaChangeSql,
} from './fixes/schema-change.ts'
export {
  type IndexDefinition,
  type IndexKey,
  type IndexMethod,
  indexKeySql,
  indexLabel,
  plainSql,
} from './index-definition.ts'
export type {
  ColumnSnapshot,
  ColumnStatistics,
  DatabaseSnapshot,
  IndexSnapshot,
  InspectionGap,
  ServerConnections,
  ServerStatement,
  StatisticsValue,
  TableSnapshot,
} from './inspectors/database-snapshot.ts'
export { type InspectOptions, inspectDatabase } from './inspectors/inspect-database.ts'
export type { PlanWatchCounts } from './plan-watch.ts'
export type { PoolReader } from './pool-monitor.ts'
export type { Rewrite, RewriteRule } from './rewrites/rewrite.ts'
export { InvalidWorkloadError, readWorkload, writeWorkload } from './workload/workload-file.ts'
export type { OtherWorkload, WorkloadOptions } from './workload/workload-log.ts'
export type { WorkloadEntry } from './workload/workload-record.ts'
export { OmittedValue } from './workload/workload-record.ts'
