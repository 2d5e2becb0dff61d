/** How a value is kept and refreshed; every time resolved, in milliseconds. */
export interface FetchPolicy {
  /** How long a value is fresh. */
  readonly ttlMs: number
  /** The same for `null` and `undefined`; `0`: they are not kept. */
  readonly negativeTtlMs: number
  /** How long after that it is still handed out, while it is refreshed. */
  readonly swrMs: number
  /** How long after it was fresh it is handed out if loading fails or takes longer than `softTimeoutMs`. */
  readonly graceMs: number
  /** `undefined`: the load is waited for. */
  readonly softTimeoutMs: number | undefined
  /** After that the caller is given an error, or what `graceMs` allows. `undefined`: never. */
  readonly hardTimeoutMs: number | undefined
  /** The share of the time to live that is cut off by chance, from 0 to 1. */
  readonly jitter: number
  /** How eagerly values are refreshed before they are stale; 0: not at all. */
  readonly earlyRefresh: number
  /** `refresh`: asks the source, whatever is kept, and keeps the answer. */
  readonly strategy: 'cache-first' | 'refresh'
  /** With a shared store: whether each read is validated in it, or memory is trusted for a bounded time. */
  readonly consistency: 'strict' | 'bounded'
  /** How long one process waits for another that is loading the same key; 0: each loads for itself. */
  readonly fleetWaitMs: number
}

/** How long the value is worth keeping, fresh or not. */
export function keepMs(policy: FetchPolicy, ttlMs: number): number {
  return ttlMs + Math.max(policy.swrMs, policy.graceMs)
}
