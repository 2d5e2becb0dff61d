import type { QueryAnalysis } from '../database/checks/analyze-query.ts'
import type { TuningChange } from '../monitoring/report/advice.ts'
import type { ShadowDifference } from '../pipeline/shadow-difference.ts'
import type { Finding } from '../query/detect/finding.ts'
import type { ScopeReport } from './scopes.ts'

/** A cached response was different from the app's response. Contains no content of either. */
export interface ResponseDifference {
  /** The name of the request's scope: `GET /cities/:id`. */
  readonly scope: string
  readonly requestId?: string | undefined
  /** Statuses that differ, or bodies. */
  readonly differs: 'status' | 'body'
  /** Bytes of the two bodies. */
  readonly cachedBytes: number
  readonly newBytes: number
  /** Age of the cached response in milliseconds. */
  readonly ageMs: number
}

export interface SluiceEvents {
  /** An N+1, a needless repeat, or a budget that was exceeded, in a scope that has ended. */
  finding: Finding
  /** A scope has ended. */
  scope: ScopeReport
  /**
   * A statement that is new reads the whole of a table of 1,000 rows or more; with
   * `database: { explainNew: true }`.
   */
  fullScan: QueryAnalysis
  /** Shadow mode found a difference. */
  shadowDifference: ShadowDifference
  /** Shadow mode found that a cached response, which counted as valid, differs from the app's response. */
  responseDifference: ResponseDifference
  /** `sluice.tune` has changed a setting, or kept or undone a change. */
  tuning: TuningChange
  /** Sluice itself failed; the operation continued without it. */
  error: unknown
}

/** The names of the events. */
export const sluiceEvents: Readonly<Record<keyof SluiceEvents, true>> = {
  finding: true,
  scope: true,
  fullScan: true,
  shadowDifference: true,
  responseDifference: true,
  tuning: true,
  error: true,
}
