/** Version of the format of traces. */
export const TRACE_VERSION = 1

/** First line of a trace. */
export interface TraceHeader {
  readonly type: 'trace'
  readonly schemaVersion: typeof TRACE_VERSION
  /** Milliseconds since 1970. All other times are milliseconds since then. */
  readonly startedAt: number
  /** Default time to live of cached results. */
  readonly ttlMs: number
}

/** A normalized query: a statement, or an operation of an ORM. Precedes the lines that refer to it. */
export interface TracedQuery {
  readonly type: 'query'
  readonly id: number
  /** SQL without values, or model and method. */
  readonly label: string
  /** Whether it only reads, and returns the same result until a table is written. Statements only. */
  readonly isRepeatable?: true
  /** Whether it compares a column with a parameter. Statements only. */
  readonly isByKey?: true
}

/** How a read can be cached. */
export interface TracedCaching {
  /** Hash of everything that identifies the read. */
  readonly key: string
  /** The tags that invalidate the result. */
  readonly tags: readonly string[]
  readonly ttlMs: number
}

/** How a read can be batched. */
export interface TracedBatching {
  /** Hash of everything that reads of one batch have in common. */
  readonly group: string
  readonly maxKeys: number
}

/** The loop that a read is part of. */
export interface TracedLoop {
  /** The operation whose query fetches the rows of this one: an earlier one of the loop, or itself. */
  readonly fetch: number
  /** `gain` of the read whose rows the loop iterates over. */
  readonly gain?: number
}

/** A read of the app, and what `optimize` would do with it. */
export interface TracedOperation {
  readonly type: 'operation'
  readonly id: number
  /** Omitted if its statement describes it. */
  readonly query?: number
  /** `0`: outside any scope. */
  readonly scope: number
  readonly at: number
  readonly end: number
  /** Number of the iteration of the event loop in which it was issued. */
  readonly tick: number
  /** The read of its scope whose result was returned last, if in the same iteration; otherwise `0`. */
  readonly after: number
  /** Identifies reads that are similar; see `Gain`. */
  readonly gain?: number
  /** Whether it can neither be batched with earlier reads nor be part of a loop. */
  readonly isAlone?: true
  /** A reason code: it is not cached. */
  readonly cache: TracedCaching | string
  /** A reason code: it is not batched. */
  readonly batch: TracedBatching | string
  /** Present if it is part of a loop. */
  readonly loop?: TracedLoop
  readonly isFailed?: true
}

/** A statement that reached the database. */
export interface TracedStatement {
  readonly type: 'statement'
  readonly query: number
  /** The operation that sent it; omitted if Sluice only observed the statement. */
  readonly operation?: number
  readonly scope: number
  readonly transaction?: number
  readonly at: number
  readonly end: number
  /** Hash of the SQL and its parameters; omitted if they cannot be compared. */
  readonly key?: string
  /** The tags that modify its result; omitted for writes. */
  readonly tags?: readonly string[]
  /** The tags that it modifies. In a transaction, this takes effect at the commit. */
  readonly wrote?: readonly string[]
  /** Why Sluice only observes it. */
  readonly refused?: string
  readonly isFailed?: true
}

/** A transaction that has ended. */
export interface TracedTransaction {
  readonly type: 'transaction'
  readonly id: number
  readonly at: number
  readonly end: number
  readonly isRolledBack?: true
  /** Whether the trace contains it from its beginning. */
  readonly isWhole?: true
}

export type TraceEvent = TracedOperation | TracedStatement | TracedTransaction

/** The text of a reason code of the trace, which only the package of an ORM may know. */
export interface TracedReason {
  readonly type: 'reason'
  readonly code: string
  readonly text: string
}

export type TraceLine = TraceHeader | TracedQuery | TracedReason | TraceEvent

/** Operations, statements and transactions of one process, without values. */
export interface Trace {
  readonly header: TraceHeader
  readonly queries: ReadonlyMap<number, TracedQuery>
  readonly events: readonly TraceEvent[]
}

/** The tag of a write that can modify anything. */
export const EVERYTHING_WRITTEN = '*'
