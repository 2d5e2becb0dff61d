const texts = new Map<string, string>()

/** Adds the reason codes of a package, with a short text for each. */
export function defineReasons(table: Readonly<Record<string, string>>): void {
  for (const [code, text] of Object.entries(table)) texts.set(code, text)
}

const STEPS: Readonly<Record<string, string>> = { batch: 'Not batched: ', cache: 'Not cached: ' }

/**
 * Returns a short text for a reason in statistics or in the result of `sluice.explain`. A code that no loaded
 * package defines is returned in lowercase words.
 *
 * @param reason - A code such as `NO_SCOPE`, with its step and a detail if it has them:
 *   `batch:UNSUPPORTED_CLAUSE:having`.
 */
export function describeReason(reason: string): string {
  const [, step = '', code = reason, detail] =
    /^(?:([a-z]+):)?([A-Z][A-Z0-9_]*)(?::(.*))?$/.exec(reason) ?? []
  const text = `${STEPS[step] ?? ''}${texts.get(code) ?? code.toLowerCase().replaceAll('_', ' ')}`
  return detail === undefined ? text : `${text}: ${detail}`
}

/** The reasons why an operation is not batched or its result is not cached, apart from those of adapters. */
const REASONS = {
  BATCHED_BY_ORM: 'The ORM batches it',
  BATCHING_DISABLED: 'Batching is off',
  BYPASSED: 'In sluice.bypass',
  CACHE_DISABLED: 'Caching is off, or the table is excluded',
  COMPUTED_COLUMNS: 'It selects computed columns',
  COMPUTED_FIELD: 'It reads a function as a column',
  CONNECTION_IN_USE: 'An earlier write or reservation uses the only connection',
  DISABLED: 'Caching is disabled for the read or its model',
  DISCARDED_BY_WRITE: 'A concurrent write invalidated it',
  DIFFERED_BEFORE: 'A batched result was different',
  EXCLUDED: 'The model or table is excluded',
  EXPIRED: 'It expired before it could be cached',
  GROUPED_ROWS: 'Its rows are grouped or distinct',
  GROUP_FAILED_BEFORE: 'Batches of this group failed',
  IN_TRANSACTION: 'In a transaction',
  KEY_TOO_LONG: 'The key has more than 1,000 characters',
  KEY_USED_TWICE: 'The parameter of the key is used twice, or the key has two values',
  LOCKS_ROWS: 'It locks rows',
  MAY_READ_CLOCK: 'It reads a column as a time, and the column may contain the name of the current time',
  NAMED_PARAMETERS: 'Its parameters have names or numbers',
  NONDETERMINISTIC_FIRST_ROW: 'The order of the first row is nondeterministic',
  NON_CANONICAL_KEY: 'The key is not in the canonical form of its column',
  NOT_A_PLAIN_READ: 'It does more than read',
  NOT_A_SELECT: 'It is not a plain SELECT',
  NOT_BY_KEY: 'It compares no key by equality',
  NOT_COPYABLE: 'The result cannot be copied exactly',
  NOT_ONE_BASE_TABLE: 'Its first table is not a base table, or it has joins that batches do not support',
  NO_BASE_TABLE: 'It reads a view or an unknown table',
  NO_CATALOG: 'The catalog has not been read',
  NO_COLUMNS: 'It selects no column',
  NO_RECENT_GAIN: 'Similar reads had no benefit recently',
  NO_RECENT_HIT: 'Similar reads were not served from the cache recently',
  NO_SCOPE: 'Outside any scope',
  NULL_KEY: 'The key is null',
  OBSERVE_MODE: 'The mode is observe',
  OFFSET: 'It has an OFFSET',
  PAGE_ON_SQLITE: 'Pages run individually on SQLite',
  PREFETCHED: 'It was prefetched without the state of the store',
  QUERY_CHANGED: 'The query changed after it was issued',
  REJECTED_BY_STORE:
    'The store rejected it: a write is in flight, or the store lost its state or does not respond',
  RELATIVE_DATE: 'It binds a relative date',
  SHADOW_MODE: 'The mode is shadow, and the read was not compared',
  STATEMENT_TOO_LONG: 'The statement has more than 250,000 characters',
  SUBQUERY: 'It has a subquery that batches do not support',
  SYSTEM_COLUMN: 'It reads a system column',
  TABLE_NOT_LISTED: 'Its table is not in cache.tables',
  SYNCHRONOUS_CLIENT: 'The client is synchronous, so it is only observed',
  TOO_MANY_TABLES: 'It has more than 16 dependencies',
  UNKNOWN_COLUMN: 'The catalog does not contain the column',
  UNKNOWN_DATABASE: 'The database is not identified',
  UNKNOWN_FUNCTION: 'It calls a function that is not built in',
  UNSEEN_CLIENT: 'Statements of a client of this process are not seen',
  UNSUPPORTED_AGGREGATE: 'It has an aggregate that batches do not support',
  UNSUPPORTED_BINDINGS: 'Its bindings cannot be compared',
  UNSUPPORTED_CONSTANTS: 'Its other values cannot be compared',
  UNSUPPORTED_FILTER: 'It has a filter that batches do not support',
  UNSUPPORTED_KEY_TYPE: 'The type of the key does not identify rows reliably',
  UNSUPPORTED_LIMIT: 'It has a limit that batches do not support',
  UNSUPPORTED_OPTIONS: 'Its options or type parsers cannot be compared',
  UNSUPPORTED_PARAMETERS: 'Its values and parameters differ in number',
  UNSUPPORTED_SQL: 'The SQL is not fully understood',
  USER_DEFINED_FUNCTION: 'It calls a user-defined function',
  USER_DEFINED_OPERATOR: 'It uses a user-defined operator',
  USER_DEFINED_TYPE: 'It uses a user-defined type',
  VOLATILE_FUNCTION: 'It calls a volatile function',
  WRITES: 'It writes',
  WRITE_IN_FLIGHT: 'A write is in flight',
  // Traces.
  INVALIDATED: 'A write to its tables invalidated the result',
  PART_OF_DIFFERENT_READ: 'The same statement was part of a different read',
  RAW_STATEMENT: 'It was sent as raw SQL, or as a part of a write',
  SEQUENTIAL: 'The lookups run sequentially, and no earlier result contains their keys',
  TRANSACTION_FRAME: 'BEGIN and COMMIT of transactions whose reads could all be saved',
  TTL_EXPIRED: 'The result had expired',
  // Responses.
  ABANDONED: 'The response was abandoned',
  COALESCING_FAILED: 'The load that a read shared failed, or is not current',
  DIFFERENT_CONTEXT: 'Its reads have different contexts',
  NO_QUERY: 'It reads no table',
  PENDING_WRITE: 'It reads a value whose write is pending',
  READ_IN_FLIGHT: 'A read is in flight',
  READ_OUTSIDE_SCOPE: 'A read ran outside any scope',
  REFRESH: 'A read requested a refresh',
  STALE_ON_ERROR: 'It contains a stale value',
  TOO_MANY_TAGS: 'It has too many dependencies',
  UNKNOWN_READ: 'It contains a read with unknown dependencies',
  UNKNOWN_TABLES: 'The catalog of its tables is unknown',
  WRITE: 'The request writes',
} as const

defineReasons(REASONS)

export type ReasonCode = keyof typeof REASONS
