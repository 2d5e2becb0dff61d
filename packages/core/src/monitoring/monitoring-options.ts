import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import type { Alert, AlertChange } from './alerts/alert-book.ts'
import type { Notifier } from './alerts/notifier.ts'
import { type CollectOptions, checkCollectOptions } from './collectors/collect-options.ts'
import { type FeedOptions, feedRules } from './feeds/feed-book.ts'
import type { ForecastModelName } from './forecast/load-forecaster-options.ts'
import type { ScalingEvent } from './scaling/scaling-history.ts'
import { resolveScalingOptions, type ScalingOptions } from './scaling/scaling-options.ts'
import type { MetricAnomaly } from './trends/anomaly-watch.ts'

/** Events of the engine. */
export interface MonitoringEvents {
  /** An alert was raised or changed. */
  alert: { readonly alert: Alert; readonly change: AlertChange }
  /** A value, or a change, that was not to be expected. */
  anomaly: MetricAnomaly
  /** It was decided to scale. */
  scaling: ScalingEvent
  /** The target did what was decided. */
  scaled: { readonly workers: number }
  /**
   * A notifier, a collector or a scaler's target failed. It is tried again; nothing else is held up by it.
   */
  error: { readonly error: unknown }
}

/** The names of the events. */
export const monitoringEvents: Readonly<Record<keyof MonitoringEvents, true>> = {
  alert: true,
  anomaly: true,
  scaling: true,
  scaled: true,
  error: true,
}

export interface AlertOptions {
  /**
   * Milliseconds for which a value has to be above a threshold before there is an alert. Minimum: `0`.
   * @defaultValue 0
   */
  readonly forMs?: number
  /**
   * An alert is resolved when the value is below this share of its threshold. From `0` to `1`.
   * @defaultValue 0.9
   */
  readonly hysteresis?: number
  /**
   * Milliseconds for which it has to be. Minimum: `0`.
   * @defaultValue 60000
   */
  readonly clearMs?: number
  /**
   * Notifiers of alerts, in addition to `on('alert', …)`.
   * @defaultValue none
   */
  readonly notifiers?: readonly Notifier[]
  /**
   * Milliseconds that a notifier may take. Minimum: `1`.
   * @defaultValue 10000
   */
  readonly notifyTimeoutMs?: number
}

export interface ForecastOptions {
  /**
   * Metrics that are forecast, each from its first value on.
   * @defaultValue ['cpu', 'memory', 'requests', 'responseTime', 'connections']
   */
  readonly metrics?: readonly string[]
  /**
   * How: a mixture of experts, or a line through the last 30 minutes.
   * @defaultValue 'mixture'
   */
  readonly model?: ForecastModelName
  /**
   * Interval in milliseconds of the values that the model learns from. From `1000` to `3600000`; a day must
   * be a multiple of it.
   * @defaultValue 60000
   */
  readonly stepMs?: number
}

export interface MonitoringOptions {
  /**
   * Maximum number of series. An additional one counts for the source `other` of its metric. Each needs about
   * 75 KB. Minimum: `16`.
   * @defaultValue 500
   */
  readonly maxSeries?: number
  /** @defaultValue {} */
  readonly alerts?: AlertOptions
  /** @defaultValue {} */
  readonly forecasts?: ForecastOptions
  /**
   * Number of workers, and the target that scales them.
   * @defaultValue {}
   */
  readonly scaling?: ScalingOptions
  /**
   * Whether metrics of the process and its host are recorded, as with `startCollecting`. Off by default,
   * because they raise alerts on the state of the machine.
   * @defaultValue false
   */
  readonly collect?: boolean | CollectOptions
  /** @defaultValue {} */
  readonly feeds?: FeedOptions
}

export interface ResolvedMonitoringOptions {
  readonly maxSeries: number
  readonly alerts: Required<AlertOptions>
  readonly forecasts: Required<ForecastOptions>
  readonly scaling: ScalingOptions
  readonly collect: false | CollectOptions
  readonly feeds: Required<FeedOptions>
}

const alertRules: Readonly<Record<keyof AlertOptions, OptionRule>> = {
  forMs: option.number(0),
  hysteresis: option.number(0, 1),
  clearMs: option.number(0),
  notifiers: {
    expected: 'an array of notifiers',
    accepts: (value) =>
      Array.isArray(value) && value.every((one) => typeof (one as Notifier | null)?.notify === 'function'),
  },
  notifyTimeoutMs: option.number(1),
}

const forecastRules: Readonly<Record<keyof ForecastOptions, OptionRule>> = {
  metrics: option.strings,
  model: option.oneOf('mixture', 'linear'),
  stepMs: option.integer(1_000, 3_600_000),
}

const rules: Readonly<Record<keyof MonitoringOptions, OptionRule>> = {
  maxSeries: option.integer(16),
  alerts: option.object,
  forecasts: option.object,
  scaling: option.object,
  collect: option.either(option.boolean, option.object),
  feeds: option.object,
}

/** @throws InvalidOptionError. */
export function checkMonitoringOptions(options: MonitoringOptions, prefix: string): void {
  checkOptions(options, rules, prefix)
  if (options.alerts !== undefined) checkOptions(options.alerts, alertRules, `${prefix}alerts.`)
  if (options.scaling !== undefined) resolveScalingOptions(options.scaling, `${prefix}scaling.`)
  if (options.forecasts !== undefined) checkOptions(options.forecasts, forecastRules, `${prefix}forecasts.`)
  if (typeof options.collect === 'object') checkCollectOptions(options.collect, `${prefix}collect.`)
  if (options.feeds !== undefined) checkOptions(options.feeds, feedRules, `${prefix}feeds.`)
}

/** @throws InvalidOptionError. */
export function resolveMonitoringOptions(options: MonitoringOptions): ResolvedMonitoringOptions {
  checkMonitoringOptions(options, '')
  const {
    forMs = 0,
    hysteresis = 0.9,
    clearMs = 60_000,
    notifiers = [],
    notifyTimeoutMs = 10_000,
  } = options.alerts ?? {}
  const {
    metrics = ['cpu', 'memory', 'requests', 'responseTime', 'connections'],
    model = 'mixture',
    stepMs = 60_000,
  } = options.forecasts ?? {}
  const { collect = false } = options
  const { timeoutMs = 1_000, maxSamples = 1_000 } = options.feeds ?? {}
  return {
    maxSeries: options.maxSeries ?? 500,
    alerts: { forMs, hysteresis, clearMs, notifiers, notifyTimeoutMs },
    forecasts: { metrics, model, stepMs },
    scaling: options.scaling ?? {},
    collect: collect === true ? {} : collect,
    feeds: { timeoutMs, maxSamples },
  }
}
