export type { BalancingEvents } from './balancing/balancing-events.ts'
export type { BalancingEfficiency, LoadBalancerStats, NodeStats } from './balancing/balancing-stats.ts'
export type { EjectionOptions } from './balancing/health/ejection-options.ts'
export type { EjectionReason } from './balancing/health/outlier-detector.ts'
export {
  LoadBalancingEngine,
  type NodeLease,
  type NodeMetrics,
  type RemoveNodeOptions,
  type SelectOptions,
} from './balancing/load-balancing-engine.ts'
export type { LoadBalancingOptions } from './balancing/load-balancing-options.ts'
export { DuplicateNodeError, UnknownNodeError } from './balancing/node-errors.ts'
export { type ReplicaOptions, resolveReplicaOptions } from './balancing/replicas/replica-options.ts'
export type { ReplicaRouters, WrittenFloor } from './balancing/replicas/replica-routers.ts'
export type { PrimaryReason, ReplicaRoutingStats, ReplicaStats } from './balancing/replicas/replica-stats.ts'
export type { HealthStatus, ServerNode } from './balancing/server-node.ts'
export type { BalancingStrategy } from './balancing/strategies/create-picker.ts'
export type { CacheEntry, CacheKey } from './cache/cache-entry.ts'
export type { CachingStrategyEngineOptions } from './cache/cache-options.ts'
export type { CacheEfficiency, CacheStats } from './cache/cache-stats.ts'
export { CachingStrategyEngine } from './cache/caching-strategy-engine.ts'
export { WriteRejectedError } from './cache/coherence/write-rejected-error.ts'
export type { DerivedValues, Found, KeepDerived } from './cache/derived/derived-values.ts'
export type { BasisPart, PartTerms, ReadBasis } from './cache/derived/read-basis.ts'
export type { ChangeConnection, ChangeTarget, ListenOptions } from './cache/external/change-listener-options.ts'
export {
  type ChangeTriggersOptions,
  type ChangeTriggerTable,
  changeTriggersSql,
  type DropChangeTriggersOptions,
  dropChangeTriggersSql,
} from './cache/external/change-triggers-sql.ts'
export { type ChangeListener, listenToChanges } from './cache/external/listen-to-changes.ts'
export type { InvalidationEvent, InvalidationRule, InvalidationTarget } from './cache/invalidation-rules.ts'
export { LoadTimeoutError } from './cache/load-timeout-error.ts'
export { ownCacheNamespaces } from './cache/own-namespaces.ts'
export { WriteBehind, type WriteBehindLag } from './cache/patterns/write-behind.ts'
export type {
  WriteBehindEntry,
  WriteBehindFailure,
  WriteBehindOptions,
  WriteBehindRetryOptions,
} from './cache/patterns/write-behind-options.ts'
export type { EvictionPolicyName } from './cache/policies/create-policy.ts'
export type { CacheSetOptions } from './cache/set-options.ts'
export {
  type CacheStore,
  type EntryTimes,
  EVERY_TAG,
  type NewEntry,
  type Stamps,
  type StoredEntry,
  type StoreState,
  type StoreWatcher,
} from './cache/stores/cache-store.ts'
export { type ClusterStoreOptions, clusterStore } from './cache/stores/cluster-store.ts'
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from './cache/stores/memory-store.ts'
export { type ClusterStoreServer, type ServeClusterStoreOptions, serveClusterStore } from './cache/stores/serve-cluster-store.ts'
export { StoreUnavailableError } from './cache/stores/store-unavailable-error.ts'
export { type CopyMode, type GetOrLoadOptions, TieredCache } from './cache/tiered-cache.ts'
export type { TieredOptions } from './cache/tiered-options.ts'
export type { TieredStats } from './cache/tiered-stats.ts'
export type { WarmEntry, WarmLoader, WarmOptions, WarmProgress } from './cache/warm-up.ts'
export { type AnalyzeOptions, DatabaseOptimizationEngine, type ObservedStatement } from './database/database-optimization-engine.ts'
export type { DatabaseOptions } from './database/database-options.ts'
export type { ExplainOptions } from './database/explain/explain-statement.ts'
export { NotExplainableError } from './database/explain/not-explainable-error.ts'
export type { PlanStep, PlanSummary } from './database/explain/plan-summary.ts'
export type { SchemaChange } from './database/fixes/fix.ts'
export type { IndexDefinition, IndexKey, IndexMethod } from './database/index-definition.ts'
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
} from './database/inspectors/database-snapshot.ts'
export type { ExplainNewOptions, PlanWatchCounts } from './database/plan-watch.ts'
export type { PoolReader } from './database/pool-monitor.ts'
export type { IndexPreset } from './database/presets/index-preset.ts'
export type { DatabaseStatistics } from './database/results/database-statistics.ts'
export type { FragmentationReport } from './database/results/fragmentation-report.ts'
export type { DuplicateIndex, MissingForeignKeyIndex, UnusedIndex } from './database/results/index-findings.ts'
export type { IndexStrategy } from './database/results/index-strategy.ts'
export type { PartitionRecommendation } from './database/results/partition-recommendation.ts'
export type { QueryAnalysis, QuerySeverity } from './database/results/query-analysis.ts'
export { isRunnable, OmittedValue } from './database/traffic/sample-value.ts'
export type { TrafficEntry } from './database/traffic/traffic-entry.ts'
export { InvalidTrafficError, readTraffic, writeTraffic } from './database/traffic/traffic-file.ts'
export type { OtherTraffic } from './database/traffic/traffic-log.ts'
export type { TrafficOptions } from './database/traffic/traffic-options.ts'
export type { AuditEntry, AuditSink } from './jobs/access/audit-log.ts'
export type { Authorize } from './jobs/access/authorize.ts'
export type { JobAction, JobTarget } from './jobs/access/job-action.ts'
export { AsyncBatchProcessingEngine } from './jobs/async-batch-processing-engine.ts'
export type {
  Added,
  BatchRow,
  CancelledBatch,
  CancelledTask,
  Claim,
  JobBackend,
  Level,
  MaybePromise,
  NewBatch,
  NewTask,
  Outcome,
  OutcomeKind,
  QueueCounts,
  Range,
  Renewed,
  RetentionLimits,
  StepResult,
  TaskFilter,
  TaskRecord,
  TaskSettings,
  WakeHint,
} from './jobs/backends/job-backend.ts'
export { MAX_FAILURES } from './jobs/backends/max-failures.ts'
export { memoryJobBackend } from './jobs/backends/memory/memory-job-backend.ts'
export type { BatchJob, BatchStatus, ProgressDetails } from './jobs/batch/batch-job.ts'
export {
  InvalidPayloadError,
  JobBackendError,
  NoProcessorError,
  NotAuthorizedError,
  TaskAbortedError,
  TaskTimeoutError,
  UnknownQueueError,
  UnretryableError,
} from './jobs/job-errors.ts'
export type { JobEvents, TaskEvent } from './jobs/job-events.ts'
export type {
  ActorOptions,
  BatchJobOptions,
  DrainOptions,
  EnqueueOptions,
  JobsOptions,
  QueueOptions,
  RetentionOptions,
} from './jobs/job-options.ts'
export type { Processor, ProcessorOptions, TaskContext } from './jobs/processor.ts'
export type { TaskQueue } from './jobs/queues.ts'
export type { Schedule, ScheduleOptions } from './jobs/schedule/schedules.ts'
export type { HealthState, ProcessingStats, QueueHealth } from './jobs/stats/queue-health.ts'
export type { TimeQuantiles } from './jobs/stats/queue-stats.ts'
export type { DeadLetter, Task, TaskFailure, TaskPriority, TaskStatus } from './jobs/task.ts'
export type { RateLimit } from './jobs/worker/rate-bucket.ts'
export type { Alert, AlertChange, AlertSeverity } from './monitoring/alerts/alert.ts'
export type { Notifier } from './monitoring/alerts/notifier.ts'
export { consoleNotifier, type WebhookNotifierOptions, webhookNotifier } from './monitoring/alerts/notifiers.ts'
export type { BurnRate, Objective, ObjectiveOptions } from './monitoring/alerts/objective.ts'
export type { CollectOptions, CountedServer } from './monitoring/collectors/collect-options.ts'
export { OPEN_METRICS_CONTENT_TYPE } from './monitoring/export/open-metrics-text.ts'
export { METRICS_CONTENT_TYPE } from './monitoring/export/prometheus-text.ts'
export type { FeedOptions } from './monitoring/feeds/feed-options.ts'
export type {
  Exemplar,
  FamilyHead,
  FamilyType,
  HistogramSample,
  Labels,
  MetricFamily,
  MetricFeed,
  NumberSample,
  SummarySample,
} from './monitoring/feeds/metric-family.ts'
export type { ForecastModelName } from './monitoring/forecast/load-forecaster-options.ts'
export type { Prediction } from './monitoring/forecast/prediction.ts'
export type { HealthCheckResult, MetricHealth } from './monitoring/health.ts'
export type { TrendData } from './monitoring/metrics/metric-store.ts'
export {
  type AcrossSources,
  type BuiltInMetric,
  type MetricName,
  type MetricType,
  type MetricTypeOptions,
  UnknownMetricError,
} from './monitoring/metrics/metric-type.ts'
export type { Summary } from './monitoring/metrics/series.ts'
export {
  type Meter,
  type Metric,
  type MetricsFormat,
  MonitoringAndAutoScalingEngine,
} from './monitoring/monitoring-and-auto-scaling-engine.ts'
export type { MonitoringEvents } from './monitoring/monitoring-events.ts'
export type { AlertOptions, ForecastOptions, MonitoringOptions } from './monitoring/monitoring-options.ts'
export { type PerformanceReport, reportMarkdown } from './monitoring/report/performance-report.ts'
export type { TuningFacts } from './monitoring/report/tuning-advice.ts'
export type { LoadRuleOptions } from './monitoring/scaling/control/control-options.ts'
export type { ScaleDirection, ScalingPolicy } from './monitoring/scaling/policies/scaling-policy.ts'
export { type Admission, type ScalerTarget, ScalingFailedError } from './monitoring/scaling/scaler-target.ts'
export type { ScalingEvent, ScalingSkip, ScalingSource } from './monitoring/scaling/scaling-event.ts'
export type { ScalingOptions } from './monitoring/scaling/scaling-options.ts'
export { isSignedDemand, type SignedDemand } from './monitoring/scaling/targets/webhook-signature.ts'
export { type WebhookTargetOptions, webhookTarget } from './monitoring/scaling/targets/webhook-target.ts'
export type { ScalingCost } from './monitoring/scaling-desk.ts'
export type { MetricAnomaly } from './monitoring/trends/anomaly-watch.ts'
export { analyzeTrend, type TrendAnalysis } from './monitoring/trends/trend-analysis.ts'
export { type CacheControl, checkCacheControl } from './pipeline/cache-control.ts'
export { type CallSite, captureStack, formatCallSite, parseCallSite, registerOwnFrames } from './pipeline/call-site.ts'
export type { ExecutionGroup, Listing, Sample, Stack } from './pipeline/execution-group.ts'
export type { ReadExplanation } from './pipeline/explanation.ts'
export { type Lookup, type LookupKey, type LookupTarget, TooManyRowsError } from './pipeline/lookup.ts'
export {
  type CacheRequest,
  isRefusal,
  type Operation,
  type OperationKind,
  type Refusal,
  type RowSource,
  refuse,
  type Shape,
  type Source,
  type ValueTypes,
} from './pipeline/operation.ts'
export { writeOutcomeOf } from './pipeline/outcome.ts'
export { isPoolExhausted, type PoolState } from './pipeline/pool-state.ts'
export type { QueryStatsSnapshot } from './pipeline/query-stats.ts'
export { currentDemand, mayBeKept, type ReadDemand } from './pipeline/read-demand.ts'
export type { ReadRouter, ReplicaAttempt, ReplicaTarget, RoutedClient, RoutedRead } from './pipeline/read-routing.ts'
export type { Mode, Scope, ScopeCounts } from './pipeline/scope.ts'
export type { ScopeTrace, SparedBy } from './pipeline/scope-trace.ts'
export type { FirstDifference, RedactedValue, ShadowDifference } from './pipeline/shadow-difference.ts'
export { isShadowing } from './pipeline/shadowing.ts'
export type { StatementCaller, StatementWatch, WatchedShape } from './pipeline/statement-watch.ts'
export { WriteSet } from './pipeline/write-set.ts'
export type { AnnouncedWrite, StateAhead, TransactionWrites, WriteIntent, WriteOutcome, WriteTracker } from './pipeline/writes.ts'
export type { BatchQuery, QueryInput } from './query/advice/batch-query.ts'
export type { JoinStrategy } from './query/advice/join-strategy.ts'
export type { NPlusOnePattern } from './query/advice/n-plus-one-log.ts'
export type { Anomaly, AnomalyKind } from './query/anomalies/anomaly.ts'
export { isCanonicalInteger, keyKinds, keyRefusal, lookupKey, typedKeyText } from './query/batch/key-text.ts'
export { maxRowsOfSlices, maxSlices, type Slice } from './query/batch/slice-limits.ts'
export { splitRows } from './query/batch/split-rows.ts'
export type { QueryPlan } from './query/cost/query-plan.ts'
export { createConsoleReport, type ReportStream, wantsColor } from './query/detect/console-report.ts'
export type { DetectionOptions, IgnoreRule } from './query/detect/detection-options.ts'
export type { Finding, FindingCode, Pattern, QueryGroup, Severity } from './query/detect/finding.ts'
export { formatFinding, outcomeOf, titleOf } from './query/detect/format-finding.ts'
export { formatShadowDifference } from './query/detect/format-shadow-difference.ts'
export { InvalidIgnoreFileError, readIgnoreFile } from './query/detect/ignore-file.ts'
export { NPlusOneError } from './query/detect/n-plus-one-error.ts'
export type { FormatOptions } from './query/detect/paint.ts'
export type { QueryOptimizationEngineOptions } from './query/engine-options.ts'
export type { PrefetchLink } from './query/prefetch/link.ts'
export { QueryOptimizationEngine } from './query/query-optimization-engine.ts'
export { type CatalogTable, type Change, EVERYTHING, SchemaCatalog, type WriteEffect } from './schema/catalog.ts'
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
} from './schema/catalog-data.ts'
export type { CatalogRegistry } from './schema/catalog-registry.ts'
export { type PinnedRead, pinnedReadOf } from './schema/condition-rows.ts'
export type { Connection } from './schema/connection.ts'
export type { ConnectionRegistry, ConnectionSource } from './schema/connection-registry.ts'
export { readCatalog } from './schema/read-catalog.ts'
export { rowBucket } from './schema/row-bucket.ts'
export { type KeyedRows, keyedRows, MAX_READ_ROWS, MAX_WRITTEN_ROWS, type RowKey, rowKeyOf } from './schema/row-key.ts'
export type { Row, RowLoader, RowTarget } from './schema/row-loader.ts'
export { effectOfStatement, readsOfStatement } from './schema/statement-effect.ts'
export { warnOfLateWrites } from './schema/warn-of-late-writes.ts'
export { canonicalKey } from './shared/canonical.ts'
export { checkJson } from './shared/check-json.ts'
export type { Clock } from './shared/clock.ts'
export { copyValue, isCopyable } from './shared/copy.ts'
export { type DecimalLike, isDecimal } from './shared/decimal.ts'
export {
  InvalidArgumentError,
  InvalidOptionError,
  MissingPackageError,
  SluiceError,
  type SluiceErrorCode,
  UnwrittenError,
} from './shared/errors.ts'
export type { Logger } from './shared/logger.ts'
export { checkOptions, type OptionRule, type OptionRules, option } from './shared/options.ts'
export { patiently } from './shared/patiently.ts'
export type { ProcessLink } from './shared/process-link.ts'
export type { RandomSource } from './shared/random.ts'
export { unwrapValue, type WrappedTypes, type WrappedValue, wrapValue } from './shared/wrapped-value.ts'
export { type AdapterHost, hostOf } from './sluice/adapter-host.ts'
export {
  getAsyncBatchProcessingEngine,
  getCachingStrategyEngine,
  getDatabaseOptimizationEngine,
  getDefaultSluice,
  getLoadBalancingEngine,
  getMonitoringAndAutoScalingEngine,
  getQueryOptimizationEngine,
  sluiceFrom,
} from './sluice/default-sluice.ts'
export type { ResponseDifference, SluiceEvents } from './sluice/events.ts'
export type { BatchOptions, CacheOptions, PrefetchOptions, ShadowModeOptions, SluiceOptions } from './sluice/options.ts'
export type { Explained, RunOptions, ScopeHandle, ScopeReport } from './sluice/scopes.ts'
export { createSluice, type Sluice } from './sluice/sluice.ts'
export { type AnalyzedSql, analyzeSql } from './sql/analyze.ts'
export { type Dialect, MAX_BOUND_KEYS } from './sql/dialect.ts'
export type { Statement, TableWrite, TransactionControl } from './sql/statement.ts'
