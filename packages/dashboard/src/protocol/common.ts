/** How Sluice treats operations. */
export type Mode = 'observe' | 'shadow' | 'optimize'

export type Severity = 'low' | 'medium' | 'high'

export type FindingCode = 'N_PLUS_ONE' | 'REPEATED_QUERY' | 'QUERY_BUDGET'

/** A value at a time: milliseconds since 1970, and the value. */
export type Point = readonly [at: number, value: number]

/** A process that runs the app. */
export interface ProcessInfo {
  /** Unlike that of any other process, also of one that had its `pid` before. */
  readonly id: string
  readonly pid: number
  readonly hostname: string
  /** What people call the app. */
  readonly name: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Which of how many processes that this dashboard knows, from 1. */
  readonly index: number
  readonly of: number
}

/** A process, and how it is at the moment. `null`: not known. */
export interface ProcessRow extends ProcessInfo {
  /** Whether it said lately how it is: figures are without one that did not. */
  readonly isAnswering: boolean
  readonly requestsPerSecond: number | null
  /** Percent of what it may have. */
  readonly cpu: number | null
  readonly memory: number | null
  /** Milliseconds. */
  readonly eventLoopDelay: number | null
}

/** A place in the app's code. */
export interface Place {
  /** Relative to the working directory where it lies below it. */
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly functionName: string | null
  /** `file:line:column`. */
  readonly text: string
}

/** Why something was not done. The body of every answer that is not 2xx. */
export interface ErrorBody {
  readonly error: {
    /** A `SluiceErrorCode`, or one of the dashboard's: see `RefusalCode`. */
    readonly code: string
    /** For people. */
    readonly message: string
  }
}

/**
 * - `NOT_TRUSTED` (401): whoever asks is not known. `FORBIDDEN` (403): they are, and may not.
 * - `CROSS_SITE` (403): an action that another site's page may have caused.
 * - `READ_ONLY` (403): there are no actions here.
 * - `NOT_FOUND` (404): no such path; a request that is not kept any more.
 * - `METHOD` (405), `MEDIA_TYPE` (415), `TOO_LARGE` (413), `BAD_BODY` (400), `BAD_QUERY` (400): how it was asked.
 * - `TOO_MANY_STREAMS` (503): as many as there may be are open.
 * - `OFF` (409): the engine that would do it is switched off.
 * - `FAILED` (502): what was asked for failed: the message says what.
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
