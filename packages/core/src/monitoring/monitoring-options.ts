import { checkOptions, type OptionRule, option } from '../shared/options.ts'
import type { Alert, AlertChange } from './alerts/alert-book.ts'
import type { Notifier } from './alerts/notifier.ts'
import { type CollectOptions, checkCollectOptions } from './collectors/collectors.ts'
import type { ScalingEvent } from './scaling/scaling-history.ts'
import { resolveScalingOptions, type ScalingOptions } from './scaling/scaling-options.ts'
import type { MetricAnomaly } from './trends.ts'

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

interface AlertOptions {
  /**
   * Milliseconds for which a value has to be above a threshold before there is an alert. Minimum: `0`.
   * @defaultValue 0
   */
  readonly forMs?: number
  /**
   * Milliseconds for which a value has to be below 90% of its threshold before the alert is resolved.
   * Minimum: `0`.
   * @defaultValue 60000
   */
  readonly clearMs?: number
  /**
   * Notifiers of alerts, in addition to `on('alert', …)`.
   * @defaultValue none
   */
  readonly notifiers?: readonly Notifier[]
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
  /**
   * Metrics that are forecast, each from its first value on.
   * @defaultValue ['cpu', 'memory', 'requests', 'responseTime', 'connections']
   */
  readonly forecasts?: readonly string[]
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
}

export interface ResolvedMonitoringOptions {
  readonly maxSeries: number
  readonly alerts: Required<AlertOptions>
  readonly forecasts: readonly string[]
  readonly scaling: ScalingOptions
  readonly collect: false | CollectOptions
}

const alertRules: Readonly<Record<keyof AlertOptions, OptionRule>> = {
  forMs: option.number(0),
  clearMs: option.number(0),
  notifiers: {
    expected: 'an array of notifiers',
    accepts: (value) =>
      Array.isArray(value) && value.every((one) => typeof (one as Notifier | null)?.notify === 'function'),
  },
}

const FORECASTS: readonly string[] = ['cpu', 'memory', 'requests', 'responseTime', 'connections']

const rules: Readonly<Record<keyof MonitoringOptions, OptionRule>> = {
  maxSeries: option.integer(16),
  alerts: option.object,
  forecasts: option.strings,
  scaling: option.object,
  collect: option.either(option.boolean, option.object),
}

/** @throws InvalidOptionError. */
export function checkMonitoringOptions(options: MonitoringOptions, prefix: string): void {
  checkOptions(options, rules, prefix)
  if (options.alerts !== undefined) checkOptions(options.alerts, alertRules, `${prefix}alerts.`)
  if (options.scaling !== undefined) resolveScalingOptions(options.scaling, `${prefix}scaling.`)
  if (typeof options.collect === 'object') checkCollectOptions(options.collect, `${prefix}collect.`)
}

/** @throws InvalidOptionError. */
export function resolveMonitoringOptions(options: MonitoringOptions): ResolvedMonitoringOptions {
  checkMonitoringOptions(options, '')
  const { forMs = 0, clearMs = 60_000, notifiers = [] } = options.alerts ?? {}
  const { collect = false } = options
  return {
    maxSeries: options.maxSeries ?? 500,
    alerts: { forMs, clearMs, notifiers },
    forecasts: options.forecasts ?? FORECASTS,
    scaling: options.scaling ?? {},
    collect: collect === true ? {} : collect,
  }
}
