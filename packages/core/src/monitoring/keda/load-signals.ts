import { InvalidArgumentError } from '../../shared/errors.ts'

const DEFAULT_METRIC = 'requests'
const DEFAULT_MINUTES = 5
const MAX_MINUTES = 60
/** An interval that is so wide says nothing: the middle of it does. */
const WIDE = 2

/** What a scaler asks: a `MonitoringAndAutoScalingEngine` is one. */
export interface ScalingSignals {
  /** What a metric is; `undefined` where it is missing, which is not 0. */
  currentLoad(metric: string): number | undefined
  predictLoad(metric: string, minutesAhead: number): { readonly value: number; readonly p90: number } | undefined
}

/** What a trigger asks for. */
export interface Signal {
  readonly metric: string
  readonly minutes: number
}

/** @throws InvalidArgumentError for minutes that are not from above 0 to 60. */
export function signalOf(metric: string | undefined, minutes: string | undefined): Signal {
  const ahead = minutes === undefined || minutes === '' ? DEFAULT_MINUTES : Number(minutes)
  if (!(ahead > 0 && ahead <= MAX_MINUTES)) throw new InvalidArgumentError('minutes', `a number above 0, at most ${MAX_MINUTES}`, minutes)
  return { metric: metric || DEFAULT_METRIC, minutes: ahead }
}

/**
 * The load that is to be ready for: what it will be in nine cases of ten, where the forecast is that sure.
 *
 * @throws UnknownMetricError.
 */
export function forecastOf(signals: ScalingSignals, { metric, minutes }: Signal): number | undefined {
  const prediction = signals.predictLoad(metric, minutes)
  if (prediction === undefined) return undefined
  return prediction.p90 <= WIDE * prediction.value ? prediction.p90 : prediction.value
}
