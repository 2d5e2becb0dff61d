export type { Connection } from '../schema/connection.ts'
export type { Advice, IndexAdvice, LeftStatement, Measurement, ServedStatement, StatementAdvice } from './advisor/advice.ts'
export { type AdviseDatabaseOptions, type AdvisorTools, adviseDatabase, type PostgresqlScratch } from './advisor/advise-database.ts'
export { createPostgresqlIndex, type IndexSupposer } from './advisor/planners/postgresql-planner.ts'
export type { SupposedIndex, Validation } from './advisor/what-if-planner.ts'
export { type AnalyzeDatabaseOptions, analyzeDatabase } from './analysis/analyze-database.ts'
export type { DatabaseAnalysis } from './analysis/database-analysis.ts'
export type { DatabaseFinding, DatabaseFindingCode, FindingStatement } from './analysis/database-finding.ts'
export { serverTraffic } from './analysis/server-traffic.ts'
export { type ExplainOptions, explainStatement } from './explain/explain-statement.ts'
export type { PlanStep, PlanSummary } from './explain/plan-summary.ts'
export type { FixFile, RefusedChange, SchemaChange } from './fixes/fix.ts'
export { type FixPlan, type FixProject, planFixFiles } from './fixes/plan-fix-files.ts'
export { schemaChangeSql } from './fixes/schema-change-sql.ts'
export { type IndexDefinition, type IndexKey, type IndexMethod, indexLabel } from './index-definition.ts'
export type {
  ColumnSnapshot,
  ColumnStatistics,
  DatabaseSnapshot,
  IndexSnapshot,
  InspectionGap,
  TableSnapshot,
} from './inspectors/database-snapshot.ts'
export { type InspectOptions, inspectDatabase } from './inspectors/inspect-database.ts'
export type { TrafficEntry } from './traffic/traffic-entry.ts'
export { InvalidTrafficError, readTraffic, writeTraffic } from './traffic/traffic-file.ts'
