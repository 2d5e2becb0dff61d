export type { LoadBalancerStats, NodeStats } from './balancing/balancing-stats.ts'
export type { RegionStats, TierStats } from './balancing/regions/region-picker.ts'
export type { PendingConsistencyToken } from './balancing/replicas/replica-routers.ts'
export type { PrimaryReason, ReplicaRoutingStats } from './balancing/replicas/replica-stats.ts'
export type { CacheEfficiency, TieredStats } from './cache/cache-stats.ts'
export type { ReadBasis } from './cache/coherence/read-basis.ts'
export type { DerivedValue, DerivedValues } from './cache/derived-values.ts'
export type { ChangeTriggerTable } from './cache/external/change-triggers-sql.ts'
export {
  countersOf,
  otherGaps,
  staleTables,
  statementsProblem,
} from './database/checks/statistics-problems.ts'
export { isRunnable } from './database/workload/workload-record.ts'
export type { MetricsFormat } from './monitoring/export/open-metrics-text.ts'
export { counter, counters } from './monitoring/feeds/metric-family.ts'
export type { MetricName } from './monitoring/metrics/metric-type.ts'
export type { ScaleDirection } from './monitoring/scaling/policies/scaling-policies.ts'
export type { ScalingSkip } from './monitoring/scaling/scaling-history.ts'
export type { ScalingCost } from './monitoring/scaling-desk.ts'
export { analyzeTrend } from './monitoring/trends.ts'
export { parseCallSite } from './pipeline/call-site.ts'
export type { ExecutionGroup } from './pipeline/execution-group.ts'
export { registerOwnFrames } from './pipeline/frame-packages.ts'
export type { Ambient, Scope, ScopeCounts } from './pipeline/scope.ts'
export type { SavedBy, ScopeTrace } from './pipeline/scope-trace.ts'
export type { WatchedShape } from './pipeline/statement-watch.ts'
export type { FindingRoute } from './query/advice/n-plus-one-log.ts'
export type { RunReport } from './query/advice/run-report.ts'
export { causeOf } from './query/detect/finding.ts'
export { FindingRepeats } from './query/detect/finding-book.ts'
export { outcomeOf, titleOf } from './query/detect/format-finding.ts'
export {
  compareFindings,
  type FindingImpact,
  impactOf,
  savingOf,
  severityOf,
  sumOfImpacts,
} from './query/detect/severity.ts'
export { callSafely } from './shared/call-safely.ts'
export { checkJson } from './shared/check-json.ts'
export { clientNetwork, forwardedAddresses, isLocalRequest, plainAddress } from './shared/client-address.ts'
export { closest } from './shared/closest.ts'
export { errorForLog, errorMessage } from './shared/error-message.ts'
export { joinedKey } from './shared/joined-key.ts'
export { loadPackage } from './shared/late-modules.ts'
export { median } from './shared/median.ts'
export { checkOptions, type OptionRule, option, UnknownOptionError } from './shared/options.ts'
export { isOwnServer, markOwnServer } from './shared/own-server.ts'
export { plainLine } from './shared/plain-line.ts'
export type { ProcessLink } from './shared/process-link.ts'
export type { RandomSource } from './shared/random.ts'
export { randomToken } from './shared/random-token.ts'
export {
  AuthorizeRequiredError,
  isAllowed,
  isDevelopment,
  printsReports,
  requireAuthorize,
} from './shared/read-access.ts'
export { defineReasons } from './shared/reasons.ts'
export { redact } from './shared/redact.ts'
export { checkSecrets, hmacOf, isSignedTimed, secretsRule, signTimed } from './shared/signature.ts'
export { isInstance, readThrown } from './shared/thrown.ts'
export {
  MAX_TIMER_MS,
  setBackgroundTimeout,
  setBusyAwareTimeout,
  setLongInterval,
  setLongTimeout,
  TIMEOUT_TICKS,
  timeoutSignal,
  within,
} from './shared/timers.ts'
export { trimEnd } from './shared/trim-end.ts'
export { CacheActions } from './sluice/cache-actions.ts'
export { startDefaultSluice } from './sluice/default-sluice.ts'
export { hostOf, type SluiceHost } from './sluice/sluice-host.ts'
