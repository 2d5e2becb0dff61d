export type { BalancingEvents } from './balancing/balancing-stats.ts'
export { LoadBalancingEngine, type NodeLease } from './balancing/load-balancing-engine.ts'
export type { LoadBalancingOptions, NodeOptions } from './balancing/load-balancing-options.ts'
export {
  DuplicateNodeError,
  type HealthStatus,
  type ServerNode,
  UnknownNodeError,
} from './balancing/node-state.ts'
export type { RegionOptions } from './balancing/regions/region-options.ts'
export type { ReplicaOptions } from './balancing/replicas/replica-options.ts'
export type { BalancingStrategy } from './balancing/strategies/create-picker.ts'
export type { CacheEntry } from './cache/cache-entry.ts'
export type { CachingStrategyEngineOptions } from './cache/cache-options.ts'
export type { CacheStats } from './cache/cache-stats.ts'
export { CachingStrategyEngine } from './cache/caching-strategy-engine.ts'
export { WriteRejectedError } from './cache/coherence/shared-writes.ts'
export { changeTriggersSql, dropChangeTriggersSql } from './cache/external/change-triggers-sql.ts'
export {
  type ChangeListener,
  type ListenOptions,
  listenToChanges,
} from './cache/external/listen-to-changes.ts'
export type { CopyMode } from './cache/fetch-request.ts'
export type { InvalidationRule } from './cache/invalidation-rules.ts'
export { WriteBehind } from './cache/patterns/write-behind.ts'
export type { WriteBehindOptions } from './cache/patterns/write-behind-options.ts'
export { serveClusterStore } from './cache/stores/cluster-service.ts'
export { clusterStore } from './cache/stores/cluster-store.ts'
export { memoryStore } from './cache/stores/memory-store.ts'
export { TieredCache } from './cache/tiered-cache.ts'
export type { GetOrLoadOptions, TieredOptions } from './cache/tiered-options.ts'
export { LoadTimeoutError } from './cache/with-timeouts.ts'
export type { IndexStrategy } from './database/analysis/recommended-indexes.ts'
export type { QueryAnalysis } from './database/checks/analyze-query.ts'
export { DatabaseOptimizationEngine } from './database/database-optimization-engine.ts'
export type { DatabaseOptions } from './database/database-options.ts'
export { NotExplainableError } from './database/explain/explainable.ts'
export type { AuditEntry, Authorize } from './jobs/access.ts'
export { AsyncBatchProcessingEngine } from './jobs/async-batch-processing-engine.ts'
export { memoryJobBackend } from './jobs/backends/memory/memory-backend.ts'
export {
  InvalidPayloadError,
  NoProcessorError,
  NotAuthorizedError,
  TaskAbortedError,
  TaskTimeoutError,
  UnknownQueueError,
  UnretryableError,
} from './jobs/job-errors.ts'
export type { JobEvents, QueueHealth } from './jobs/job-events.ts'
export type { BatchJobOptions, EnqueueOptions, JobsOptions } from './jobs/job-options.ts'
export type { Processor, TaskContext } from './jobs/processor.ts'
export type { ProcessingStats } from './jobs/queue-health.ts'
export type { TaskQueue } from './jobs/queues.ts'
export type { BatchJob, DeadLetter, ProgressDetails, Task } from './jobs/task.ts'
export type { Alert, AlertChange } from './monitoring/alerts/alert-book.ts'
export { consoleNotifier, type Notifier, webhookNotifier } from './monitoring/alerts/notifier.ts'
export { OPEN_METRICS_CONTENT_TYPE } from './monitoring/export/open-metrics-text.ts'
export { METRICS_CONTENT_TYPE } from './monitoring/export/prometheus-text.ts'
export type { MetricFamily, MetricFeed } from './monitoring/feeds/metric-family.ts'
export type { Prediction } from './monitoring/forecast/forecaster-state.ts'
export { UnknownMetricError } from './monitoring/metrics/metric-type.ts'
export type { Meter, Metric } from './monitoring/metrics/series.ts'
export { MonitoringAndAutoScalingEngine } from './monitoring/monitoring-and-auto-scaling-engine.ts'
export type { MonitoringEvents, MonitoringOptions } from './monitoring/monitoring-options.ts'
export type { TuningChange } from './monitoring/report/advice.ts'
export { type PerformanceReport, reportMarkdown } from './monitoring/report/performance-report.ts'
export type { ScalingPolicy } from './monitoring/scaling/policies/scaling-policies.ts'
export { type ScalerTarget, ScalingFailedError } from './monitoring/scaling/scaling-executor.ts'
export type { ScalingEvent } from './monitoring/scaling/scaling-history.ts'
export type { ScalingOptions } from './monitoring/scaling/scaling-options.ts'
export { webhookTarget } from './monitoring/scaling/targets/webhook-target.ts'
export type { MetricAnomaly, TrendAnalysis } from './monitoring/trends.ts'
export type { CacheControl } from './pipeline/cache-control.ts'
export { type CallSite, formatCallSite } from './pipeline/call-site.ts'
export type { QueryStatsSnapshot } from './pipeline/query-stats.ts'
export type { Mode } from './pipeline/scope.ts'
export type { ShadowDifference } from './pipeline/shadow-difference.ts'
export type { QueryPlan } from './query/cost/cost-model.ts'
export { createConsoleReport, supportsColor } from './query/detect/console-report.ts'
export type { DetectionOptions, IgnoreRule } from './query/detect/detection-options.ts'
export type { Finding, FindingCode } from './query/detect/finding.ts'
export { formatFinding, formatShadowDifference, NPlusOneError } from './query/detect/format-finding.ts'
export { InvalidIgnoreFileError, readIgnoreFile } from './query/detect/ignore-list.ts'
export type { QueryOptimizationEngineOptions } from './query/engine-options.ts'
export { QueryOptimizationEngine } from './query/query-optimization-engine.ts'
export type { Connection } from './schema/connection.ts'
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
export type { Readiness, ReadyOptions } from './sluice/readiness.ts'
export type { RunOptions, ScopeHandle, ScopeReport } from './sluice/scopes.ts'
export { type CompleteSluice, createSluice, type Sluice } from './sluice/sluice.ts'
export type { TuningOptions } from './sluice/tuning/tuning-options.ts'
export { analyzeSql } from './sql/analyze.ts'
export type { BatchQuery, QueryInput } from './sql/batch/batch-query.ts'
export type { Dialect } from './sql/dialect.ts'
