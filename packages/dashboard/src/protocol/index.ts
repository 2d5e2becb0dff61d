export { type ActionBodies, type ActionName, type ActionResults, actionHeader } from './action.ts'
export type {
  ErrorBody,
  FindingCode,
  Mode,
  Place,
  Point,
  ProcessInfo,
  ProcessRow,
  RefusalCode,
  Severity,
} from './common.ts'
export type {
  CachePage,
  DeadLetterGroup,
  DeadLetterRow,
  JobsPage,
  NodesPage,
  QueueRow,
  ReplicaGroup,
  ReplicaRow,
  YieldPage,
} from './engine-pages.ts'
export type { FindingGroup, FindingItem, FindingsPage, StatementAnomaly } from './finding.ts'
export type {
  AlertsPage,
  ForecastPoint,
  MetricForecast,
  MetricInfo,
  MetricsPage,
  MetricsQuery,
  TimelineEntry,
} from './monitor.ts'
export type { Badges, Engines, NowPage, RankedItem, Section, Sparkline, Totals, Vitals } from './now.ts'
export type { DatabaseAdvice, ExplainResult, QueriesPage, StatementRow } from './query.ts'
export type {
  Fill,
  RequestDetail,
  RequestSummary,
  RequestsPage,
  RequestsQuery,
  RingState,
  RouteRow,
  Tick,
  WaterfallRow,
} from './request.ts'
export {
  type Delta,
  type FirstView,
  firstViewId,
  type Rights,
  type Snapshot,
  schemaVersion,
} from './stream.ts'
