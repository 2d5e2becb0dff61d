export type {
  Trace,
  TracedBatching,
  TracedCaching,
  TracedLoop,
  TracedOperation,
  TracedQuery,
  TracedReason,
  TracedStatement,
  TracedTransaction,
  TraceEvent,
  TraceHeader,
  TraceLine,
} from './trace.ts'
export { InvalidTraceError, readTrace, traceLine } from './trace-lines.ts'
export {
  boundOf,
  estimateYield,
  type MissedStatements,
  savedOf,
  sumOfYields,
  type YieldReport,
} from './yield-report.ts'
