import type { ForecastRecord } from './forecast-record.ts'
import type { LoadContext } from './load-context.ts'
import type { StateVisitor } from './state-visitor.ts'

/** Forecasts one horizon, and learns from what comes to be. */
export interface ForecastModel {
  /** @returns Finite, and at least 0. What is needed to learn from it goes into `record`. */
  forecast(context: LoadContext, record: ForecastRecord): number
  /**
   * @param record - As it was when the forecast was made.
   * @param log - That of `actual`, on the series' scale.
   * @param minutes - Between two forecasts that are learnt from.
   */
  learn(record: ForecastRecord, actual: number, log: number, minutes: number): void
  /** @param shift - By how much the logarithm of the load's level changed. */
  translate(shift: number): void
  visit(state: StateVisitor): void
}
