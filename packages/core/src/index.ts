export type {
  BalancingEfficiency,
  BalancingEvents,
  LoadBalancerStats,
  NodeStats,
} from './balancing/balancing-stats.ts'
export type { EjectionReason } from './balancing/health/outlier-detector.ts'
export {
  LoadBalancingEngine,
  type NodeLease,
  type NodeMetrics,
  type RemoveNodeOptions,
} from './balancing/load-balancing-engine.ts'
export type { LoadBalancingOptions } from './balancing/load-balancing-options.ts'
export type { NodeOptions } from './balancing/node-options.ts'
export type { SelectOptions } from './balancing/node-pool.ts'
export type { RegionOptions } from './balancing/regions/region-options.ts'
export type { RegionStats, TierStats } from './balancing/regions/region-picker.ts'
export type { ReplicaOptions } from './balancing/replicas/replica-options.ts'
export type { PendingConsistencyToken, ReplicaRouters } from './balancing/replicas/replica-routers.ts'
export type { PrimaryReason, ReplicaRoutingStats, ReplicaStats } from './balancing/replicas/replica-stats.ts'
export {
  DuplicateNodeError,
  type HealthStatus,
  type ServerNode,
  UnknownNodeError,
} from './balancing/server-node.ts'
export type { BalancingStrategy } from './balancing/strategies/create-picker.ts'
export type { CacheEntry, CacheKey } from './cache/cache-entry.ts'
export type { CacheSetOptions, CachingStrategyEngineOptions } from './cache/cache-options.ts'
export type { CacheEfficiency, CacheStats, TieredStats } from './cache/cache-stats.ts'
export { CachingStrategyEngine } from './cache/caching-strategy-engine.ts'
export { WriteRejectedError } from './cache/coherence/shared-writes.ts'
export {
  type ChangeTriggersOptions,
  type ChangeTriggerTable,
  changeTriggersSql,
  type DropChangeTriggersOptions,
  dropChangeTriggersSql,
} from './cache/external/change-triggers-sql.ts'
export {
  type ChangeConnection,
  type ChangeListener,
  type ChangeTarget,
  type ListenOptions,
  listenToChanges,
} from './cache/external/listen-to-changes.ts'
export type { CopyMode } from './cache/fetch-request.ts'
export type { InvalidationEvent, InvalidationRule, InvalidationTarget } from './cache/invalidation-rules.ts'
export { WriteBehind, type WriteBehindLag } from './cache/patterns/write-behind.ts'
export type {
  WriteBehindEntry,
  WriteBehindFailure,
  WriteBehindOptions,
  WriteBehindRetryOptions,
} from './cache/patterns/write-behind-options.ts'
export type { EvictionPolicyName } from './cache/policies/create-policy.ts'
export {
  type CacheStore,
  type EntryTimes,
  type NewEntry,
  type RegionState,
  type Stamps,
  type StoredEntry,
  type StoreState,
  StoreUnavailableError,
  type StoreWatcher,
} from './cache/stores/cache-store.ts'
export {
  type ClusterStoreServer,
  type ServeClusterStoreOptions,
  serveClusterStore,
} from './cache/stores/cluster-service.ts'
export { type ClusterStoreOptions, clusterStore } from './cache/stores/cluster-store.ts'
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from './cache/stores/memory-store.ts'
export { TieredCache } from './cache/tiered-cache.ts'
export type { GetOrLoadOptions, TieredOptions } from './cache/tiered-options.ts'
export type { WarmEntry, WarmLoader, WarmOptions, WarmProgress } from './cache/warm-up.ts'
export { LoadTimeoutError } from './cache/with-timeouts.ts'
export type {
  DuplicateIndex,
  MissingForeignKeyIndex,
  UnusedIndex,
} from './database/advisor/schema-indexes.ts'
export type { IndexPreset } from './database/analysis/index-preset.ts'
export type { IndexStrategy } from './database/analysis/recommended-indexes.ts'
export type { QueryAnalysis, QuerySeverity } from './database/checks/analyze-query.ts'
export type { FragmentationReport } from './database/checks/fragmentation.ts'
export type { PartitionRecommendation } from './database/checks/partitions.ts'
export type { DatabaseStatistics } from './database/checks/table-statistics.ts'
export { DatabaseOptimizationEngine } from './database/database-optimization-engine.ts'
export type { AnalyzeOptions, DatabaseOptions, ObservedStatement } from './database/database-options.ts'
export type { ExplainOptions } from './database/explain/explain-statement.ts'
export { NotExplainableError } from './database/explain/explainable.ts'
export type { PlanStep, PlanSummary } from './database/explain/plan-summary.ts'
export type { SchemaChange } from './database/fixes/schema-change.ts'
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
export type { PlanWatchCounts } from './database/plan-watch.ts'
export type { PoolReader } from './database/pool-monitor.ts'
export { OmittedValue } from './database/workload/sample-value.ts'
export type { WorkloadEntry } from './database/workload/workload-entry.ts'
export { InvalidWorkloadError, readWorkload, writeWorkload } from './database/workload/workload-file.ts'
export type { OtherWorkload, WorkloadOptions } from './database/workload/workload-log.ts'
export type { AuditEntry, AuditSink, Authorize, JobAction, JobTarget } from './jobs/access.ts'
export { AsyncBatchProcessingEngine } from './jobs/async-batch-processing-engine.ts'
export type {
  AddedTask,
  BatchRow,
  CancelledBatch,
  CancelledTask,
  JobBackend,
  MaybePromise,
  NewBatch,
  NewTask,
  PageRange,
  QueueCounts,
  RenewedClaims,
  RetentionLimits,
  StepResult,
  TaskClaim,
  TaskFilter,
  TaskLevel,
  TaskOutcome,
  TaskOutcomeKind,
  TaskRecord,
  TaskSettings,
  WakeHint,
} from './jobs/backends/job-backend.ts'
export { memoryJobBackend } from './jobs/backends/memory/memory-backend.ts'
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
export type { HealthState, JobEvents, QueueHealth, TaskEvent } from './jobs/job-events.ts'
export type {
  ActorOptions,
  BatchJobOptions,
  DrainOptions,
  EnqueueOptions,
  JobsOptions,
  QueueOptions,
  RateLimit,
  RetentionOptions,
  WebhookOptions,
} from './jobs/job-options.ts'
export type { Processor, ProcessorOptions, TaskContext } from './jobs/processor.ts'
export type { ProcessingStats } from './jobs/queue-health.ts'
export type { TimeQuantiles } from './jobs/queues/queue-stats.ts'
export type { TaskQueue } from './jobs/queues/queues.ts'
export type { Schedule, ScheduleOptions } from './jobs/schedules.ts'
export type {
  BatchJob,
  BatchStatus,
  DeadLetter,
  ProgressDetails,
  Task,
  TaskFailure,
  TaskPriority,
  TaskStatus,
} from './jobs/task.ts'
export type { Alert, AlertChange, AlertSeverity } from './monitoring/alerts/alert-book.ts'
export type { Notifier } from './monitoring/alerts/notifier.ts'
export {
  consoleNotifier,
  type WebhookNotifierOptions,
  webhookNotifier,
} from './monitoring/alerts/notifier.ts'
export type { BurnRate, Objective, ObjectiveOptions } from './monitoring/alerts/objective.ts'
export type { CollectOptions, CountedServer } from './monitoring/collectors/collectors.ts'
export { type MetricsFormat, OPEN_METRICS_CONTENT_TYPE } from './monitoring/export/open-metrics-text.ts'
export { METRICS_CONTENT_TYPE } from './monitoring/export/prometheus-text.ts'
export type {
  Exemplar,
  FamilyHead,
  HistogramSample,
  Labels,
  MetricFamily,
  MetricFeed,
  NumberSample,
  SummarySample,
} from './monitoring/feeds/metric-family.ts'
export type { ForecastModelName, Prediction } from './monitoring/forecast/load-forecaster-options.ts'
export type { TrendData } from './monitoring/metrics/metric-store.ts'
export {
  type AcrossSources,
  type BuiltInMetric,
  type MetricName,
  type MetricType,
  type MetricTypeOptions,
  UnknownMetricError,
} from './monitoring/metrics/metric-type.ts'
export type { MetricSummary } from './monitoring/metrics/series.ts'
export {
  type Meter,
  type Metric,
  MonitoringAndAutoScalingEngine,
} from './monitoring/monitoring-and-auto-scaling-engine.ts'
export type {
  AlertOptions,
  MonitoringEvents,
  MonitoringOptions,
} from './monitoring/monitoring-options.ts'
export type { ExpectedEffect, TuningAdvice, TuningChange } from './monitoring/report/advice.ts'
export type { HealthCheckResult, MetricHealth } from './monitoring/report/performance-report.ts'
export { type PerformanceReport, reportMarkdown } from './monitoring/report/performance-report.ts'
export type { LoadRuleOptions } from './monitoring/scaling/control/control-options.ts'
export type { ScaleDirection, ScalingPolicy } from './monitoring/scaling/policies/scaling-policies.ts'
export {
  type Admission,
  type ScalerTarget,
  ScalingFailedError,
} from './monitoring/scaling/scaling-executor.ts'
export type { ScalingEvent, ScalingSkip, ScalingSource } from './monitoring/scaling/scaling-history.ts'
export type { ScalingOptions } from './monitoring/scaling/scaling-options.ts'
export { type WebhookTargetOptions, webhookTarget } from './monitoring/scaling/targets/webhook-target.ts'
export type { ScalingCost } from './monitoring/scaling-desk.ts'
export type { MetricAnomaly } from './monitoring/trends/anomaly-watch.ts'
export type { TrendAnalysis } from './monitoring/trends/trend-analysis.ts'
export type { CacheControl } from './pipeline/cache-control.ts'
export { type CallSite, formatCallSite } from './pipeline/call-site.ts'
export type { ReadExplanation } from './pipeline/explanation.ts'
export type { ValueTypes } from './pipeline/operation.ts'
export type { OverheadSnapshot } from './pipeline/overhead.ts'
export type { QueryStatsSnapshot } from './pipeline/query-stats.ts'
export type { Mode, ScopeCounts } from './pipeline/scope.ts'
export type { FirstDifference, RedactedValue, ShadowDifference } from './pipeline/shadow-difference.ts'
export type { StatementCaller } from './pipeline/statement-watch.ts'
export type { JoinStrategy } from './query/advice/join-strategy.ts'
export type { FindingRoute, NPlusOnePattern } from './query/advice/n-plus-one-log.ts'
export type { Anomaly, AnomalyKind } from './query/anomalies/anomaly.ts'
export type { QueryPlan } from './query/cost/query-plan.ts'
export { createConsoleReport, type ReportStream, wantsColor } from './query/detect/console-report.ts'
export type { DetectionOptions, IgnoreRule } from './query/detect/detection-options.ts'
export type { Finding, FindingCode, Pattern, QueryGroup, Severity } from './query/detect/finding.ts'
export { formatFinding } from './query/detect/format-finding.ts'
export { formatShadowDifference } from './query/detect/format-shadow-difference.ts'
export { InvalidIgnoreFileError, readIgnoreFile } from './query/detect/ignore-file.ts'
export { NPlusOneError } from './query/detect/n-plus-one-error.ts'
export type { FormatOptions } from './query/detect/paint.ts'
export type { FindingImpact } from './query/detect/severity.ts'
export type { QueryOptimizationEngineOptions } from './query/engine-options.ts'
export { QueryOptimizationEngine } from './query/query-optimization-engine.ts'
export type { Connection, PoolState } from './schema/connection.ts'
export type { Row } from './schema/row-loader.ts'
export type { Clock } from './shared/clock.ts'
export {
  FlushIncompleteError,
  InvalidArgumentError,
  InvalidOptionError,
  MissingPackageError,
  SluiceError,
  type SluiceErrorCode,
} from './shared/errors.ts'
export type { Logger } from './shared/logger.ts'
export { PrivateAddressError } from './shared/public-address.ts'
export type { RandomSource } from './shared/random.ts'
export { describeReason, type ReasonCode } from './shared/reasons.ts'
export { isSignedWebhook } from './shared/webhook.ts'
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
export type {
  BatchOptions,
  CacheOptions,
  PrefetchOptions,
  ShadowModeOptions,
  SluiceOptions,
} from './sluice/options.ts'
export type { Explained, RunOptions, ScopeHandle, ScopeReport } from './sluice/scopes.ts'
export { type CompleteSluice, createSluice, type Sluice } from './sluice/sluice.ts'
export type { TuningOptions, TuningRange } from './sluice/tuning/tuning-options.ts'
export { type AnalyzedSql, analyzeSql } from './sql/analyze.ts'
export type { BatchQuery, QueryInput } from './sql/batch/batch-query.ts'
export type { Dialect } from './sql/dialect.ts'
export type { SessionChange, Statement, TableWrite, TransactionControl } from './sql/statement.ts'
export type { StatementNames } from './sql/statement-names.ts'
