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

/** A number as reasons show it. */
export function shown(value: number): string {
  return String(Math.abs(value) >= 100 || Number.isInteger(value) ? Math.round(value) : Number(value.toPrecision(3)))
}

export function percent(share: number): string {
  return `${shown(share * 100)} %`
}

export function workers(count: number): string {
  return `${count} ${count === 1 ? 'worker' : 'workers'}`
}

/** What a load will be at one time. */
export interface LoadForecast {
  /** In the unit of the load; as likely too high as too low. */
  readonly p50: number
  /** One load in ten is above. */
  readonly p90: number
  /** The share of such forecasts that were right of late (within 15 %): from 0 to 1, `undefined` while nobody knows. */
  readonly accuracy?: number | undefined
}

/** Where forecasts of the load come from. */
export interface Forecasts {
  /** What the load will be, so many seconds from now; `undefined` while nothing can be said. */
  at(seconds: number): LoadForecast | undefined
}
