import type { ExpectedEffect, TuningAdvice } from '../../monitoring/report/advice.ts'
import type { TunedKind } from './tuning-options.ts'

/** Advice that can be applied. */
export type ApplicableAdvice = Required<TuningAdvice>

/** A setting that can be changed while the app runs. */
export interface TunedSetting {
  readonly kind: TunedKind
  /** As in the advice. */
  readonly name: string
  /** The present value; `undefined` while there is nothing to set. */
  current(): number | undefined
  /** Advice based on the measurements since the last call. */
  advise(): TuningAdvice | undefined | Promise<TuningAdvice | undefined>
  /** The most that is possible now, regardless of the user's range; `undefined`: no limit is known. */
  limit?(): number | undefined
  set(value: number): void
  /** Begins to measure the effect of a change, which follows. */
  measure(from: number, expected: ExpectedEffect): Measurement
}

/** Measures the effect of a change. */
export interface Measurement {
  /** Until now, the change took effect: only what follows counts. */
  restart(): void
  /** `undefined` as long as too little was measured. */
  result(): MeasuredEffect | undefined | Promise<MeasuredEffect | undefined>
  close(): void
}

export interface MeasuredEffect {
  /** The measure of the expected effect, without the change and with it. */
  readonly without: number
  readonly with: number
  readonly helped: boolean
}

/** Whether advice names a setting, its values, and its expected effect. */
export function isApplicable(advice: TuningAdvice | undefined): advice is ApplicableAdvice {
  return (
    advice?.setting !== undefined &&
    advice.from !== undefined &&
    advice.to !== undefined &&
    advice.expected !== undefined
  )
}
