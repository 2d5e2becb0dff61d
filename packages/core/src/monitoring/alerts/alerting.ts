import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { metricTitle } from '../../shared/metric-title.ts'
import type { MetricType } from '../metrics/metric-type.ts'
import type { Cell, Series } from '../metrics/series.ts'
import { type Alert, AlertBook, type AlertChange, type AlertSeverity, alertKey } from './alert-book.ts'
import { type Notifier, Notifiers } from './notifier.ts'
import { BurnRateObjective, type Objective, type ObjectiveOptions } from './objective.ts'

/** Milliseconds that a notifier may take. */
const NOTIFY_TIMEOUT_MS = 10_000

interface AlertingParts {
  readonly clock: Clock
  readonly rule: ThresholdRule
  readonly notifiers: readonly Notifier[]
  readonly onAlert: (alert: Alert, change: AlertChange) => void
  readonly onError: (error: unknown) => void
}

/** The alerts of an engine: raised by thresholds and objectives, and delivered to notifiers. */
export class Alerting {
  readonly book: AlertBook
  readonly #clock: Clock
  readonly #thresholds: ThresholdWatch
  readonly #notifiers: Notifiers
  readonly #objectives = new Map<string, BurnRateObjective>()

  constructor({ clock, rule, notifiers, onAlert, onError }: AlertingParts) {
    this.#clock = clock
    this.#notifiers = new Notifiers(NOTIFY_TIMEOUT_MS, onError)
    for (const notifier of notifiers) this.#notifiers.add(notifier)
    this.book = new AlertBook(clock, (alert, change) => {
      onAlert(alert, change)
      this.#notifiers.send(alert, change)
    })
    this.#thresholds = new ThresholdWatch(this.book, clock, () => rule)
  }

  /** A value was recorded. */
  see(series: Series, value: number): void {
    this.#thresholds.see(series, value)
  }

  /** The values of a second were put together. */
  seeCell(series: Series, cell: Cell): void {
    this.#thresholds.see(series, alertValue(series.type, cell))
  }

  /** There is nothing to measure, such as response times without requests. */
  idle(metric: string, source: string): void {
    this.#thresholds.idle(metric, source)
  }

  forget(series: Series): void {
    this.#thresholds.forget(series)
  }

  evaluate(): void {
    for (const objective of this.#objectives.values()) objective.evaluate()
  }

  /**
   * @throws InvalidArgumentError.
   * @returns The function that removes it.
   */
  addNotifier(notifier: Notifier): () => void {
    if (typeof (notifier as Notifier | null)?.notify !== 'function')
      throw new InvalidArgumentError('notifier', 'an object with a function `notify`', notifier)
    return this.#notifiers.add(notifier)
  }

  /**
   * Replaces one of that name.
   *
   * @throws InvalidArgumentError; InvalidOptionError.
   */
  addObjective(name: string, options: ObjectiveOptions): Objective {
    const objective = new BurnRateObjective(name, options, this.#clock, this.book)
    this.#objectives.set(name, objective)
    return objective
  }

  close(): void {
    this.#notifiers.close()
  }
}

function alertValue({ across }: MetricType, { sum, count, max }: Cell): number {
  return across === 'max' ? max : sum / count
}

/** An alert is resolved when the value is below this share of its threshold. */
const HYSTERESIS = 0.9

export interface ThresholdRule {
  /** Milliseconds for which a value has to be above a threshold before there is an alert. */
  readonly forMs: number
  /** Milliseconds for which a value has to be below `HYSTERESIS` of its threshold to resolve the alert. */
  readonly clearMs: number
}

interface State {
  /** Since when the value is above each; `undefined`: it is not. */
  warningSince: number | undefined
  criticalSince: number | undefined
  /** Time since which the value is low enough to resolve the open alert, or to downgrade it to a warning. */
  calmSince: number | undefined
  downgradableSince: number | undefined
}

/**
 * Compares values with the thresholds of their type. Nothing changes while no value is recorded, because
 * missing is not zero, unless the recorder reports that there is nothing to measure.
 */
export class ThresholdWatch {
  readonly #states = new Map<string, State>()

  constructor(
    private readonly book: AlertBook,
    private readonly clock: Clock,
    private readonly ruleOf: (metric: string) => ThresholdRule,
  ) {}

  see({ type, source, key }: Pick<Series, 'type' | 'source' | 'key'>, value: number): void {
    const { name, warning, critical } = type
    const open = this.book.of(key)
    if (warning === undefined && critical === undefined) {
      // It had thresholds before it was registered again.
      if (open !== undefined) this.forget({ type, source, key })
      return
    }
    const isAbove =
      value > (warning ?? Number.POSITIVE_INFINITY) || value > (critical ?? Number.POSITIVE_INFINITY)
    let state = this.#states.get(key)
    // Almost always: nothing is wrong, and nothing was.
    if (state === undefined && !isAbove && open === undefined) return
    if (state === undefined) {
      state = {
        warningSince: undefined,
        criticalSince: undefined,
        calmSince: undefined,
        downgradableSince: undefined,
      }
      this.#states.set(key, state)
    }
    const now = this.clock.now()
    const rule = this.ruleOf(name)
    const lowest = warning ?? critical ?? 0
    state.warningSince = value > lowest ? (state.warningSince ?? now) : undefined
    state.criticalSince =
      critical !== undefined && value > critical ? (state.criticalSince ?? now) : undefined
    state.calmSince = value < lowest * HYSTERESIS || value === 0 ? (state.calmSince ?? now) : undefined
    state.downgradableSince =
      critical !== undefined && value < critical * HYSTERESIS ? (state.downgradableSince ?? now) : undefined
    const lasts = (since: number | undefined, ms: number) => since !== undefined && now - since >= ms
    if (lasts(state.criticalSince, rule.forMs)) this.#set(type, source, value, 'critical', critical ?? lowest)
    else if (open !== undefined && lasts(state.calmSince, rule.clearMs)) this.book.clear(name, source)
    else if (open?.severity === 'critical') {
      // Without a warning threshold, it would be resolved by now.
      const isWarning = lasts(state.downgradableSince, rule.clearMs)
      this.#set(
        type,
        source,
        value,
        isWarning ? 'warning' : 'critical',
        (isWarning ? warning : critical) ?? lowest,
      )
    } else if (open !== undefined) this.#set(type, source, value, open.severity, open.threshold)
    else if (warning !== undefined && lasts(state.warningSince, rule.forMs))
      this.#set(type, source, value, 'warning', warning)
    if (state.warningSince === undefined && this.book.of(key) === undefined) this.#states.delete(key)
  }

  /** There is nothing to measure at the moment: an alert is resolved after `clearMs` of this. */
  idle(metric: string, source: string): void {
    const key = alertKey(metric, source)
    const state = this.#states.get(key)
    if (state === undefined) return
    const now = this.clock.now()
    state.warningSince = undefined
    state.criticalSince = undefined
    state.calmSince ??= now
    if (this.book.of(key) !== undefined && now - state.calmSince < this.ruleOf(metric).clearMs) return
    this.#states.delete(key)
    this.book.clear(metric, source)
  }

  /** Removes the state of a series that no longer exists. */
  forget({ type, source, key }: Pick<Series, 'type' | 'source' | 'key'>): void {
    this.#states.delete(key)
    this.book.clear(type.name, source)
  }

  #set(
    { name, unit }: MetricType,
    source: string,
    value: number,
    severity: AlertSeverity,
    threshold: number,
  ): void {
    const shown = (number: number) => `${round(number)}${unit === '%' ? '%' : unit === '' ? '' : ` ${unit}`}`
    const message = () =>
      `${metricTitle(name)} of ${source} ${value > threshold ? `is ${shown(value)}, above ${shown(threshold)}` : `was above ${shown(threshold)}, and is ${shown(value)}`}`
    this.book.set({ metric: name, source, severity, message, value, threshold })
  }
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
