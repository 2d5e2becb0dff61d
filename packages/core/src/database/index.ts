export type { Connection } from '../schema/connection.ts'
export type { Advice, IndexAdvice, LeftStatement, Measurement, ServedStatement, StatementAdvice } from './advisor/advice.ts'
export { type AdviseDatabaseOptions, type AdvisorTools, adviseDatabase, type PostgresqlScratch } from './advisor/advise-database.ts'
export { createPostgresqlIndex, type IndexSupposer } from './advisor/planners/postgresql-planner.ts'
export type { SupposedIndex, Validation } from './advisor/what-if-planner.ts'
export type { DatabaseAnalysis } from './analysis/database-analysis.ts'
export type { DatabaseFinding, DatabaseFindingCode, FindingStatement } from './analysis/database-finding.ts'
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
