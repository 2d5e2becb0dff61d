/** The mode of Sluice. */
export type Mode = 'observe' | 'shadow' | 'optimize'

export type Severity = 'low' | 'medium' | 'high'

export type FindingCode = 'N_PLUS_ONE' | 'REPEATED_QUERY' | 'QUERY_BUDGET'

/** A value with its time in milliseconds since 1970. */
export type Point = readonly [at: number, value: number]

/** A process of the app. */
export interface ProcessInfo {
  /** Unique across all processes, including ended ones with the same `pid`. */
  readonly id: string
  readonly pid: number
  readonly hostname: string
  /** Display name of the app. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Index among the processes that this dashboard knows, from 1. */
  readonly index: number
  readonly of: number
}

/** A process with its current state. `null`: unknown. */
export interface ProcessRow extends ProcessInfo {
  /** Whether it responded recently. If not, its data is omitted from all figures. */
  readonly isAnswering: boolean
  readonly requestsPerSecond: number | null
  /** Percentage of the available CPU or memory. */
  readonly cpu: number | null
  readonly memory: number | null
  /** Milliseconds. */
  readonly eventLoopDelay: number | null
}

/** A call site in the code of the app, or in a package. */
export interface Place {
  /** Relative to the working directory if the file is inside it. */
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly functionName: string | null
  /** `file:line:column`, and the package through which the app sent the queries, if there is one. */
  readonly text: string
}

/** The body of every response that is not 2xx. */
export interface ErrorBody {
  readonly error: {
    /** A `SluiceErrorCode`, or a code of the dashboard: see `RefusalCode`. */
    readonly code: string
    /** Message for users. */
    readonly message: string
  }
}

/**
 * - `NOT_TRUSTED` (401): the client is unknown. `FORBIDDEN` (403): the client is known, but not authorized.
 * - `CROSS_SITE` (403): a page of another site may have sent the request.
 * - `READ_ONLY` (403): actions are disabled.
 * - `NOT_FOUND` (404): unknown path, or a request that is no longer stored.
 * - `METHOD` (405), `MEDIA_TYPE` (415), `TOO_LARGE` (413), `BAD_BODY` (400), `BAD_QUERY` (400): invalid
 * request.
 * - `TOO_MANY_STREAMS` (503): the maximum number of streams is open.
 * - `OFF` (409): the required engine is disabled.
 * - `FAILED` (502): the request failed. The message contains the reason.
 */
export type RefusalCode =
  | 'NOT_TRUSTED'
  | 'FORBIDDEN'
  | 'CROSS_SITE'
  | 'READ_ONLY'
  | 'NOT_FOUND'
  | 'METHOD'
  | 'MEDIA_TYPE'
  | 'TOO_LARGE'
  | 'BAD_BODY'
  | 'BAD_QUERY'
  | 'TOO_MANY_STREAMS'
  | 'OFF'
  | 'FAILED'
