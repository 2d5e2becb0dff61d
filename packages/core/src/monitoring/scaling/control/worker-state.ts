/** What is known of the workers when it is decided how many there are to be. What is not known is left out, and is not 0. */
export interface WorkerState {
  /** Workers that run or are starting. */
  readonly current: number
  /** CPU that they use of what they have, in percent. */
  readonly cpu?: number | undefined
  /** Requests a second that are answered, by all of them. */
  readonly throughput?: number | undefined
  /** The share of looks at the pools of database connections, of late, in which somebody waited: from 0 to 1. */
  readonly poolWaiting?: number | undefined
}

/** How many workers there are to be, and why. */
export interface ScalingDecision {
  readonly from: number
  readonly desired: number
  readonly direction: 'up' | 'down' | null
  /** Why, in words for people, with figures. */
  readonly reasons: readonly string[]
  /** What was looked at and not done, and why not. */
  readonly skipped: readonly string[]
  /** Requests a second; `undefined` while it is not known. */
  readonly load: number | undefined
  /** Whether the load has risen so fast that nothing slows the way up. */
  readonly isPanic: boolean
  /** Database connections for each worker, so that all together stay within the budget; `undefined` where there is none. */
  readonly poolSize: number | undefined
}
