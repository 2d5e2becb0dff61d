import { defineReasons } from '@sluice/core/siblings'

/** The reasons why a response is not cached, apart from those of its reads. */
const RESPONSE_REASONS = {
  CACHE_CONTROL: 'Its Cache-Control or Expires header does not allow it',
  CONNECTION_CLOSED: 'The connection closed before the response ended',
  CONTENT_RANGE: 'It is a part of a response',
  ERROR: 'Caching it failed',
  EVENT_STREAM: 'It is an event stream',
  SET_COOKIE: 'It sets a cookie',
  STATUS: 'Its status is not cached',
  TOO_LARGE: 'Its body is too large',
  VARY: 'Its Vary header does not allow it',
} as const

defineReasons(RESPONSE_REASONS)

export type ResponseReason = keyof typeof RESPONSE_REASONS

/** Reasons that may not apply to the next request. */
export const PASSING_REASONS: ReadonlySet<string> = new Set([
  'DISCARDED_BY_WRITE',
  'REJECTED_BY_STORE',
  'QUERY_CHANGED',
  'READ_IN_FLIGHT',
  'READ_OUTSIDE_SCOPE',
  'COALESCING_FAILED',
  'CONNECTION_CLOSED',
  'ABANDONED',
  'EXPIRED',
])
