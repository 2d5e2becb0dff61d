import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type { MetricType } from '../metrics/metric-type.ts'
import type { Cell, Series } from '../metrics/series.ts'
import { type Alert, AlertBook, type AlertChange } from './alert-book.ts'
import { type Notifier, Notifiers } from './notifier.ts'
import { BurnRateObjective, type Objective, type ObjectiveOptions } from './objective.ts'
import { type ThresholdRule, ThresholdWatch } from './threshold-watch.ts'

/** Milliseconds that a notifier may take. */
const NOTIFY_TIMEOUT_MS = 10_000

export interface AlertingParts {
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
      this.#notifiers.tell(alert, change)
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

  /** Evaluates the objectives. */
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
