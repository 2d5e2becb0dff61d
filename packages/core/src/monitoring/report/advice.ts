/** A recommended change, or a warning, based on measurements. */
export interface TuningAdvice {
  readonly kind: 'cacheBytes' | 'poolSize' | 'concurrency' | 'alerts' | 'growth'
  /** The setting to change: `cache.maxBytes`, for example. Omitted for a warning. */
  readonly setting?: string
  /** The present value of the setting, and the recommended one. Omitted if the text recommends none. */
  readonly from?: number
  readonly to?: number
  /** Expected improvement. Omitted if it is unknown. */
  readonly expected?: ExpectedEffect
  /** The advice and its expected effect, for people. */
  readonly text: string
}

/** The effect of a change on a measure. */
export interface ExpectedEffect {
  /** `hitRate`: from 0 to 1. `waitMs`: mean wait in milliseconds. */
  readonly measure: 'hitRate' | 'waitMs' | 'tasksPerSecond'
  readonly from: number
  readonly to: number
}

/** A recommended change that `sluice.tune` has made, and its outcome. */
export interface TuningChange {
  readonly kind: TuningAdvice['kind']
  readonly setting: string
  readonly from: number
  readonly to: number
  readonly expected: ExpectedEffect
  /** Milliseconds since 1970. */
  readonly at: number
  /**
   * `checking`: the effect is being measured. `undone`: it did not help, and the setting has its former
   * value.
   */
  readonly status: 'checking' | 'kept' | 'undone'
  /** Time of the decision to keep or undo it. Milliseconds since 1970. */
  readonly checkedAt?: number
  /** The measured value without the change and with it. Omitted if there was too little traffic. */
  readonly measured?: { readonly without: number; readonly with: number }
  /** The change, its expected and its measured effect, for people. */
  readonly text: string
}

/** A size in bytes, for people. */
export function megabytes(bytes: number): string {
  const size = bytes / 1_048_576
  return `${size.toFixed(size < 10 ? 1 : 0)} MB`
}

/** A share from 0 to 1, for people: with a decimal where whole percents would hide a difference. */
export function percent(share: number, decimals = 0): string {
  return `${(share * 100).toFixed(decimals)}%`
}
