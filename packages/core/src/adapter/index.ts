export { replicaErrorOfCode } from '../balancing/replicas/replica-errors.ts'
export {
  type PlacedReplica,
  placedReplicas,
  resolveReplicaOptions,
} from '../balancing/replicas/replica-options.ts'
export { checkCacheControl } from '../pipeline/cache-control.ts'
export { captureStack } from '../pipeline/call-site.ts'
export { addCallers } from '../pipeline/error-stack.ts'
export type { Execution } from '../pipeline/execution.ts'
export type { Stack } from '../pipeline/execution-group.ts'
export { registerMovedFrames, registerOwnFrames } from '../pipeline/frame-packages.ts'
export { Gain } from '../pipeline/gain.ts'
export { keyKinds, keyRefusal, lookupKey, typedKeyText } from '../pipeline/key-text.ts'
export {
  type Lookup,
  type LookupKey,
  type LookupTarget,
  type ReadRequirements,
  TooManyRowsError,
} from '../pipeline/lookup.ts'
export {
  type CacheRequest,
  isRefusal,
  type Operation,
  type OperationKind,
  type Refusal,
  type RowSource,
  type RunContext,
  refuse,
  type Shape,
  type Source,
  type ValueTypes,
} from '../pipeline/operation.ts'
export { lateStack, OriginStacks } from '../pipeline/origin-stacks.ts'
export {
  type ClientErrors,
  outcomeOfSynchronous,
  type ReplicaErrorKind,
  writeOutcomeOf,
  writeOutcomeOfCode,
} from '../pipeline/outcome.ts'
export type { ReadRouter, ReplicaAttempt, ReplicaTarget } from '../pipeline/read-routing.ts'
export type { StatementCaller } from '../pipeline/statement-watch.ts'
export type { TransactionReads } from '../pipeline/transaction-reads.ts'
export { WriteSet } from '../pipeline/write-set.ts'
export type { TransactionWrites, WriteOutcome } from '../pipeline/writes.ts'
export {
  type CatalogTable,
  type Change,
  EVERYTHING,
  SchemaCatalog,
  type WriteEffect,
} from '../schema/catalog.ts'
export {
  type CatalogData,
  type ColumnInfo,
  type ColumnType,
  type ForeignKeyInfo,
  type ReferentialAction,
  type TableId,
  type TableInfo,
  tableId,
  UNKNOWN_SCHEMA,
} from '../schema/catalog-data.ts'
export type { CatalogRegistry } from '../schema/catalog-registry.ts'
export { isPoolExhausted, type PoolState } from '../schema/connection.ts'
export type { DatabaseFunctions, FunctionLevel } from '../schema/database-functions.ts'
export { readCatalog } from '../schema/read-catalog.ts'
export { ReadPlan } from '../schema/read-plan.ts'
export {
  type KeyedRows,
  keyedRows,
  MAX_READ_ROWS,
  MAX_WRITTEN_ROWS,
  type RowKey,
  rowKeyOf,
} from '../schema/row-key.ts'
export type { Row, RowLoader, RowTarget } from '../schema/row-loader.ts'
export { mayDefine } from '../schema/statement-definitions.ts'
export { effectOfStatement } from '../schema/statement-effect.ts'
export { canonicalKey } from '../shared/canonical.ts'
export { copyValue, exactCopy, isCopyable } from '../shared/copy.ts'
export { checkOptions, type OptionRule } from '../shared/options.ts'
export { defineReasons, type ReasonCode } from '../shared/reasons.ts'
export { factsOf, isInstance, readThrown } from '../shared/thrown.ts'
export { usesRule } from '../shared/yield-rules.ts'
export { type AdapterHost, adapterHostOf as hostOf } from '../sluice/adapter-host.ts'
export type { AnalyzedSql } from '../sql/analyze.ts'
export { MAX_BOUND_KEYS } from '../sql/dialect.ts'
export { bindsRelativeDate } from '../sql/relative-date.ts'
export type { SessionChange, Statement, TableWrite, TransactionControl } from '../sql/statement.ts'
export type { StatementNames } from '../sql/statement-names.ts'
export { afterCaller } from './after-caller.ts'
export { emptyTotals, isExactAggregate, isWrittenEqually as isWrittenAlike } from './aggregate-values.ts'
export { type AdapterClient, attachClient } from './attach-client.ts'
export { chooseKey } from './choose-key.ts'
export type { ClientDescription, ClientReplicas } from './client-description.ts'
export { isSqliteDatabase, sluiceSqlite } from './drivers/better-sqlite3.ts'
export { functionIdentity, isSelfContained } from './drivers/function-identity.ts'
export { isMysql2Pool, lazyMysql2Connection, mysql2ConnectionOf, sluiceMysql2Pool } from './drivers/mysql2.ts'
export {
  bareMysql2Connection,
  type MysqlConnections,
  mysql2StatementOf,
  sluiceMysqlConnections,
} from './drivers/mysql2-connections.ts'
export type { Mysql2LazyConnection } from './drivers/mysql2-lazy-connection.ts'
export { Mysql2Conversions } from './drivers/mysql2-settings.ts'
export { lazyPgClient, sluicePool } from './drivers/pg.ts'
export { bindsDate, dateFormOf } from './drivers/pg-dates.ts'
export type { LazyPgClient, LazyPool } from './drivers/pg-lazy-client.ts'
export { isPgPool, pgPoolAccess, timePgConnects } from './drivers/pg-pool.ts'
export type { QueryResult } from './drivers/pg-result.ts'
export { PgTransactions } from './drivers/pg-transactions.ts'
export { PgTypeParsers } from './drivers/pg-type-parsers.ts'
export type { PoolDescription, PoolReplicas, ReplicaPool } from './drivers/pool.ts'
export { standInFor } from './drivers/pool.ts'
export {
  SQLITE_METHODS,
  type SqliteCall,
  sendSqlite,
  sqliteConnection,
} from './drivers/sqlite.ts'
export {
  type EqualitySelect,
  readEqualitySelect,
  type SelectAggregate,
  type SelectColumn,
  type SelectCondition,
  type SelectOrder,
  sameValueNote,
} from './equality-select.ts'
export {
  isInstrumented,
  markInstrumented,
  markReplaceable,
  sluiceOf,
} from './instrumented-clients.ts'
export { isKeyType, refuseKeyValue } from './key-values.ts'
export { takeUntil } from './own-connections.ts'
export type { PoolWaits } from './pool-waits.ts'
export type { ProgramOrder, Reserved } from './program-order.ts'
export { type ReadForm, readForm } from './read-form.ts'
export { ReplicaConnections, type ReplicaDriver } from './replica-connections.ts'
export type { ResultForm } from './result-shape.ts'
export type { RowForm, SqlRow } from './select/outputs.ts'
export { isSending, sending } from './sending.ts'
export type { SentControl, SentStatement, StreamedStatement } from './sent-statement.ts'
export { dropUnsettled, isSettledSlice, withNeighbors } from './settled-slice.ts'
export { maxRowsOfSlices, maxSlices, type Slice } from './slice-limits.ts'
export { splitRows } from './split-rows.ts'
export type { SqlRead } from './sql-read.ts'
export type { StatementPlan, StatementPlans } from './statement-plan.ts'
export { type RequestedRead, type RequestingClient, StatementRequest } from './statement-request.ts'
export { isTotalOrder, showsTies } from './total-order.ts'
