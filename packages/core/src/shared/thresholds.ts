// The thresholds of all advice about queries and connections: one for each question, in every engine.

/** Number of equal normalized queries from one call site in one scope from which they are an N+1. */
export const N_PLUS_ONE_QUERIES = 5
/** Number of queries with the same values from one call site in one scope from which they are duplicates. */
export const DUPLICATE_QUERIES = 3
/** The share of a query's time that each further key adds to a query for many keys. */
export const FURTHER_KEY_SHARE = 0.1

/** Milliseconds from which an execution of a statement is slow. */
export const SLOW_QUERY_MS = 1_000
/** Maximum number of joins of one statement that planners order well. */
export const MAX_JOINS = 5

/** A pool is too small if 5% of the requests for a connection wait this long, in milliseconds. */
export const LONG_POOL_WAIT_MS = 50
export const LONG_POOL_WAIT_SHARE = 0.05
/** The share of its maximum above which the use of a pool, or of a server's connections, is a warning. */
export const HIGH_USE = 0.9
/** CPU usage in percent from which a process has no capacity for more concurrent work. */
export const BUSY_CPU = 80
