import type { ResolvedControlOptions } from './control-options.ts'
import { percent, shown } from './decision.ts'
import type { LoadFreeze } from './load-freeze.ts'
import type { LoadNow } from './load-rule.ts'
import type { Ahead } from './look-ahead.ts'
import { ModelWorkers } from './model-workers.ts'

const HOUR_MS = 3_600_000
/** Hours that are compared. */
const HOURS = 24
/** Fewer hours are not judged. */
const LEAST_HOURS = 3
/** The load of a longer pause between two decisions is unknown. */
const MAX_GAP_MS = 60_000
/** Smaller differences are chance. */
const LEAST_COST = 0.01
const LEAST_OVERLOAD = 0.1
const LEAST_OVERLOAD_SECONDS = 30

/** The sum of a figure over the last 24 hours. */
class DaySum {
  readonly #hours: Float64Array = new Float64Array(HOURS)
  #hour = 0

  add(value: number): void {
    this.#hours[this.#hour] = (this.#hours[this.#hour] as number) + value
  }

  turn(): void {
    this.#hour = (this.#hour + 1) % HOURS
    this.#hours[this.#hour] = 0
  }

  get value(): number {
    return this.#hours.reduce((sum, value) => sum + value)
  }
}

/** One way to scale, on a model of workers. */
class Attempt {
  readonly #workers: ModelWorkers
  readonly workerSeconds: DaySum = new DaySum()
  readonly overloadedSeconds: DaySum = new DaySum()

  constructor(options: ResolvedControlOptions, freeze: LoadFreeze, count: number) {
    this.#workers = new ModelWorkers(options, freeze, count)
  }

  /** @param seconds - Since the last call; 0 if the load in between is unknown. */
  pass(load: Omit<LoadNow, 'current' | 'backlog'>, seconds: number): void {
    if (seconds === 0) this.#workers.drop()
    else {
      this.workerSeconds.add(this.#workers.count * seconds)
      if (this.#workers.pass(load.now, seconds, load.suddenRate ?? load.rate))
        this.overloadedSeconds.add(seconds)
    }
    this.#workers.decide(load)
  }

  turn(): void {
    this.workerSeconds.turn()
    this.overloadedSeconds.turn()
  }
}

/**
 * Determines whether forecasts improve scaling. Applies the rule with and without them to the same load, each
 * on a model of workers, and compares cost and overload of the last 24 hours, once per hour. Both are tried
 * regardless of which one is used, so that forecasts return when they would help.
 */
export class ForecastTrial {
  readonly #options: ResolvedControlOptions
  readonly #freeze: LoadFreeze
  readonly #seconds: DaySum = new DaySum()
  #with: Attempt | undefined
  #without: Attempt | undefined
  #passedAt = 0
  #turnedAt = 0
  #refusal: string | undefined

  constructor(options: ResolvedControlOptions, freeze: LoadFreeze) {
    this.#options = options
    this.#freeze = freeze
  }

  /** Why forecasts are not used; `undefined` while they are. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /**
   * Applies both ways to the load since the last call.
   *
   * @param ahead - With forecasts. @param without - Without them.
   * @returns The verdict, if forecasts are turned off or on by it.
   */
  pass(
    { current, ...load }: Omit<LoadNow, 'backlog' | 'ahead'>,
    ahead: Ahead,
    without: Ahead,
  ): string | undefined {
    const { now } = load
    if (this.#with === undefined || this.#without === undefined) {
      this.#with = new Attempt(this.#options, this.#freeze, current)
      this.#without = new Attempt(this.#options, this.#freeze, current)
      this.#passedAt = now
      this.#turnedAt = now
    }
    const passedMs = now - this.#passedAt
    const seconds = passedMs >= 0 && passedMs <= MAX_GAP_MS ? passedMs / 1000 : 0
    this.#passedAt = now
    this.#seconds.add(seconds)
    this.#with.pass({ ...load, ahead }, seconds)
    this.#without.pass({ ...load, ahead: without }, seconds)
    // Also after a clock was set back.
    if (Math.abs(now - this.#turnedAt) < HOUR_MS) return undefined
    this.#turnedAt = now
    const verdict = this.#judge(this.#with, this.#without)
    for (const part of [this.#seconds, this.#with, this.#without]) part.turn()
    return verdict
  }

  #judge(one: Attempt, other: Attempt): string | undefined {
    const hours = Math.round(this.#seconds.value / 3600)
    if (hours < LEAST_HOURS) return undefined
    const least = other.workerSeconds.value
    const dearer = (one.workerSeconds.value - least) / Math.max(1, least)
    const overloaded = one.overloadedSeconds.value
    const usual = other.overloadedSeconds.value
    const margin = Math.max(LEAST_OVERLOAD_SECONDS, LEAST_OVERLOAD * usual)
    const isWorse = overloaded > usual + margin
    const isBetter = overloaded < usual - margin
    const figures = `in the last ${hours} h, they changed the worker-hours by ${percent(dearer)}, and the time with overloaded workers from ${shown(usual)} to ${shown(overloaded)} s.`
    const isOff = this.#refusal !== undefined
    if (isWorse || (dearer > LEAST_COST && !isBetter)) {
      this.#refusal = `Forecasts are not used: ${figures}`
      return isOff ? undefined : `Forecasts are turned off: ${figures}`
    }
    if (!isOff || !(isBetter || dearer < -LEAST_COST)) return undefined
    this.#refusal = undefined
    return `Forecasts are turned on again: ${figures}`
  }
}
