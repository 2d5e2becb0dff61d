import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import { checkOptions, type OptionRule, option } from '../../shared/options.ts'
import { CellRing } from '../metrics/series.ts'
import type { AlertBook, AlertSeverity } from './alert-book.ts'

export interface ObjectiveOptions {
  /**
   * Target share of good events: `0.999` allows 1 bad event in 1,000. Between 0 and 1.
   * @defaultValue 0.999
   */
  readonly target?: number
  /**
   * Events that a long window must hold before it says anything. Minimum: `1`.
   * @defaultValue 100
   */
  readonly minEvents?: number
}

/** How quickly the budget of bad events is being used up. */
export interface BurnRate {
  readonly windowMs: number
  /** 1: exactly as quickly as is allowed. */
  readonly rate: number
  readonly events: number
}

/** A service level objective. */
export interface Objective {
  readonly name: string
  readonly target: number
  /**
   * Counts events.
   *
   * @throws InvalidArgumentError for a count that is not an integer of at least 1.
   */
  record(isGood: boolean, count?: number): void
  burnRates(): readonly BurnRate[]
}

interface BurnRule {
  readonly longSeconds: number
  /** Whether it is still so: an alert ends soon after its reason. */
  readonly shortSeconds: number
  readonly rate: number
  readonly severity: AlertSeverity
}

/**
 * Source: Site Reliability Workbook (Google), chapter 5: 2% of a month's budget in an hour, 5% in six, 10% in
 * three days.
 */
const RULES: readonly BurnRule[] = [
  { longSeconds: 3_600, shortSeconds: 300, rate: 14.4, severity: 'critical' },
  { longSeconds: 21_600, shortSeconds: 1_800, rate: 6, severity: 'critical' },
  { longSeconds: 259_200, shortSeconds: 21_600, rate: 1, severity: 'warning' },
]

const rules: Readonly<Record<keyof ObjectiveOptions, OptionRule>> = {
  target: {
    expected: 'a number between 0 and 1',
    accepts: (value) => typeof value === 'number' && value > 0 && value < 1,
  },
  minEvents: option.integer(1),
}

/**
 * Good and bad events of three days. Two windows have to burn, so that neither a moment nor what is long over
 * is an alert.
 */
export class BurnRateObjective implements Objective {
  readonly target: number
  readonly #minEvents: number
  readonly #startedAt: number
  // By ten seconds for an hour, by minutes for six and a half, by ten minutes for three days and some. A
  // cell's sum is its bad events.
  readonly #levels: readonly CellRing[] = [
    new CellRing(10, 361),
    new CellRing(60, 391),
    new CellRing(600, 437),
  ]

  /** @throws InvalidArgumentError; InvalidOptionError. */
  constructor(
    readonly name: string,
    options: ObjectiveOptions,
    private readonly clock: Clock,
    private readonly book: AlertBook,
  ) {
    if (typeof name !== 'string' || name === '')
      throw new InvalidArgumentError('name', 'a non-empty string', name)
    checkOptions(options, rules)
    this.target = options.target ?? 0.999
    this.#minEvents = options.minEvents ?? 100
    this.#startedAt = clock.now()
  }

  record(isGood: boolean, count = 1): void {
    if (!Number.isInteger(count) || count < 1)
      throw new InvalidArgumentError('count', 'an integer of at least 1', count)
    const bad = isGood ? 0 : count
    for (const level of this.#levels) level.add(this.#second, count, bad, bad, bad)
  }

  burnRates(): readonly BurnRate[] {
    const seconds = new Set(RULES.flatMap(({ longSeconds, shortSeconds }) => [shortSeconds, longSeconds]))
    return [...seconds]
      .sort((a, b) => a - b)
      .map((window) => ({ windowMs: window * 1_000, ...this.#burn(window) }))
  }

  /** Raises and clears its alert. */
  evaluate(): void {
    for (const { longSeconds, shortSeconds, rate, severity } of RULES) {
      const long = this.#burn(longSeconds)
      if (long.events < this.#minEvents || long.rate < rate || this.#burn(shortSeconds).rate < rate) continue
      const times = Number(long.rate.toPrecision(3))
      const message = `${this.name} consumes its error budget ${times} times as fast as allowed, over the last ${durationOf(longSeconds)}`
      this.book.set({
        metric: 'errorBudget',
        source: this.name,
        severity,
        message: () => message,
        value: times,
        threshold: rate,
      })
      return
    }
    this.book.clear('errorBudget', this.name)
  }

  get #second(): number {
    return Math.max(0, Math.floor((this.clock.now() - this.#startedAt) / 1_000))
  }

  #burn(seconds: number): { readonly rate: number; readonly events: number } {
    const now = this.#second
    const level = this.#levels.find((one) => one.seconds > seconds) ?? (this.#levels.at(-1) as CellRing)
    let [events, bad] = [0, 0]
    // A cell that began before the window is not in it, though a part of it is.
    for (const cell of level.between(now - seconds, now)) {
      events += cell.count
      bad += cell.sum
    }
    return { rate: events === 0 ? 0 : bad / events / (1 - this.target), events }
  }
}

function durationOf(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400} days`
  return seconds === 3_600 ? 'hour' : `${seconds / 3_600} hours`
}
