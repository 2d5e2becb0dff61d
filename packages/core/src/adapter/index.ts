export { replicaErrorOfCode } from '../balancing/replicas/replica-errors.ts'
export { checkCacheControl } from '../pipeline/cache-control.ts'
export { captureStack } from '../pipeline/call-site.ts'
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
export { type ClientErrors, type ReplicaErrorKind, writeOutcomeOfCode } from '../pipeline/outcome.ts'
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
export { type AdapterClient, attachClient, type ClientDescription } from './attach-client.ts'
export { chooseKey } from './choose-key.ts'
export { type PoolDescription, sluicePool } from './drivers/pg.ts'
export { isPgPool, pgPoolState, timePgConnects } from './drivers/pg-pool-state.ts'
export {
  type EqualitySelect,
  readEqualitySelect,
  type SelectAggregate,
  type SelectColumn,
  type SelectCondition,
  type SelectOrder,
} from './equality-select.ts'
export { isKeyType, refuseKeyValue } from './key-values.ts'
export type { RowForm } from './keyed-select.ts'
export type { SentControl, SentStatement, StreamedStatement } from './sent-statement.ts'
export { isSettledSlice, withNeighbors } from './settled-slice.ts'
export { maxRowsOfSlices, maxSlices, type Slice } from './slice-limits.ts'
export { splitRows } from './split-rows.ts'
export type { SqlRead, SqlRow } from './sql-read.ts'
