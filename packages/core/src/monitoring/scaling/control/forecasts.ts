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
