export { replicaErrorOfCode } from '../balancing/replicas/replica-errors.ts'
export { checkCacheControl } from '../pipeline/cache-control.ts'
export { captureStack, lateStack } from '../pipeline/call-site.ts'
export { addCallers } from '../pipeline/error-stack.ts'
export type { Stack } from '../pipeline/execution-group.ts'
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
} from '../pipeline/operation.ts'
export { OriginStacks } from '../pipeline/origin-stacks.ts'
export {
  type ClientErrors,
  outcomeOfSynchronous,
  type ReplicaErrorKind,
  writeOutcomeOfCode,
} from '../pipeline/outcome.ts'
export type { ReplicaAttempt, ReplicaTarget } from '../pipeline/read-routing.ts'
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
export type { DatabaseFunctions, FunctionLevel } from '../schema/database-functions.ts'
export type { RowKey } from '../schema/row-key.ts'
export type { RowLoader, RowTarget } from '../schema/row-loader.ts'
export { effectOfStatement } from '../schema/statement-effect.ts'
export { canonicalKey } from '../shared/canonical.ts'
export { copyValue, exactCopy, isCopyable } from '../shared/copy.ts'
export { defineReasons, type ReasonCode } from '../shared/reasons.ts'
export { MAX_BOUND_KEYS } from '../sql/dialect.ts'
export { afterCaller } from './after-caller.ts'
export { emptyTotals, isExactAggregate, isWrittenAlike } from './aggregate-values.ts'
export { type AdapterClient, attachClient } from './attach-client.ts'
export { chooseKey } from './choose-key.ts'
export type { ClientDescription, ClientReplicas } from './client-description.ts'
export { isMysql2Pool, sluiceMysql2Pool } from './drivers/mysql2.ts'
export { sluicePool } from './drivers/pg.ts'
export { isPgPool, pgPoolAccess, timePgConnects } from './drivers/pg-pool-state.ts'
export type { PoolDescription, PoolReplicas, ReplicaPool } from './drivers/pool-description.ts'
export { isSelfContained } from './drivers/self-contained.ts'
export { standInFor } from './drivers/stand-in.ts'
export {
  type EqualitySelect,
  readEqualitySelect,
  type SelectAggregate,
  type SelectColumn,
  type SelectCondition,
  type SelectOrder,
  sameValueNote,
} from './equality-select.ts'
export { isKeyType, refuseKeyValue } from './key-values.ts'
export { takeUntil } from './own-connections.ts'
export type { ProgramOrder, Reserved } from './program-order.ts'
export { ReplicaConnections, type ReplicaDriver } from './replica-connections.ts'
export type { RowForm, SqlRow } from './select/outputs.ts'
export type { SentControl, SentStatement, StreamedStatement } from './sent-statement.ts'
export { dropUnsettled, isSettledSlice, withNeighbors } from './settled-slice.ts'
export { maxRowsOfSlices, maxSlices, type Slice } from './slice-limits.ts'
export { splitRows } from './split-rows.ts'
export type { SqlRead } from './sql-read.ts'
export { isTotalOrder, showsTies } from './total-order.ts'
