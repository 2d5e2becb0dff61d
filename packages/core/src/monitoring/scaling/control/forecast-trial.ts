import { InvalidArgumentError } from '../../../shared/errors.ts'
import { percent, type ResolvedControlOptions, shown } from './control-options.ts'
import { type LoadNow, LoadRule, type Outlook } from './load-rule.ts'
import type { LoadFreeze } from './load-window.ts'

/** Seconds of work that may wait. */
const QUEUE_SECONDS = 5
/** From this utilization on, requests wait for each other. */
const OVERLOAD = 0.95

/** Model of workers that the rule scales: measures its cost and the overload. */
class ModelWorkers {
  readonly #options: ResolvedControlOptions
  readonly #rule: LoadRule
  #active: number
  #starting: { readonly at: number; readonly count: number }[] = []
  #backlog = 0

  constructor(options: ResolvedControlOptions, freeze: LoadFreeze, count: number) {
    this.#options = options
    this.#rule = new LoadRule(options, freeze)
    this.#active = count
  }

  /** Workers that run or are starting. */
  get count(): number {
    return this.#starting.reduce((sum, { count }) => sum + count, this.#active)
  }

  /**
   * Serves requests for some seconds.
   *
   * @returns Whether the workers were overloaded.
   */
  pass(now: number, seconds: number, perSecond: number): boolean {
    for (const { at, count } of this.#starting) if (at <= now) this.#active += count
    this.#starting = this.#starting.filter(({ at }) => at > now)
    const capacity = this.#active * this.#options.capacity
    const offered = this.#backlog + perSecond * seconds
    this.#backlog = Math.min(QUEUE_SECONDS * capacity, Math.max(0, offered - capacity * seconds))
    return offered > OVERLOAD * capacity * seconds
  }

  /** Drops the backlog, after a time in which the load was not known. */
  drop(): void {
    this.#backlog = 0
  }

  decide(load: Omit<LoadNow, 'current' | 'backlog'>): void {
    const { minWorkers, maxWorkers, startUpSeconds } = this.#options
    const current = this.count
    const target = this.#rule.follow({ ...load, current, backlog: this.#backlog }, [], [])
    const desired = Math.max(minWorkers, Math.min(maxWorkers, target))
    if (desired > current)
      this.#starting.push({ at: load.now + startUpSeconds * 1000, count: desired - current })
    else this.#stop(current - desired)
  }

  #stop(count: number): void {
    let left = count
    while (left > 0) {
      const last = this.#starting.pop()
      if (last === undefined) break
      const stopped = Math.min(left, last.count)
      if (stopped < last.count) this.#starting.push({ at: last.at, count: last.count - stopped })
      left -= stopped
    }
    this.#active -= left
  }
}

const HOUR_MS = 3_600_000
const HOURS = 24
/** Fewer hours are not judged. */
const LEAST_HOURS = 3
/** The load of a longer pause between two decisions is unknown. */
const MAX_GAP_MS = 60_000
/** Smaller differences are chance. */
const LEAST_COST = 0.01
const LEAST_OVERLOAD = 0.1
const LEAST_OVERLOAD_SECONDS = 30

/** Sums of each of the last 24 hours, the oldest first. */
type Hours = readonly number[]

/** State of a trial as plain data. */
export interface ForecastTrialState {
  readonly seconds: Hours
  readonly with: AttemptState
  readonly without: AttemptState
  /** Since the current hour began. */
  readonly hourMs: number
  readonly refusal: string | null
}

interface AttemptState {
  readonly workerSeconds: Hours
  readonly overloadedSeconds: Hours
}

/** The sum of a figure over the last 24 hours. */
class DaySum {
  readonly #hours: Float64Array = new Float64Array(HOURS)
  #hour = HOURS - 1

  add(value: number): void {
    this.#hours[this.#hour] = (this.#hours[this.#hour] as number) + value
  }

  tick(): void {
    this.#hour = (this.#hour + 1) % HOURS
    this.#hours[this.#hour] = 0
  }

  get value(): number {
    return this.#hours.reduce((sum, value) => sum + value)
  }

  save(): Hours {
    const oldest = this.#hour + 1
    return [...this.#hours.subarray(oldest), ...this.#hours.subarray(0, oldest)]
  }

  restore(hours: Hours): void {
    this.#hours.set(hours)
    this.#hour = HOURS - 1
  }
}

/** One way to scale, on a model of workers. */
class Attempt {
  readonly #options: ResolvedControlOptions
  readonly #freeze: LoadFreeze
  #workers: ModelWorkers | undefined
  readonly workerSeconds: DaySum = new DaySum()
  readonly overloadedSeconds: DaySum = new DaySum()

  constructor(options: ResolvedControlOptions, freeze: LoadFreeze) {
    this.#options = options
    this.#freeze = freeze
  }

  /** @param seconds - Since the last call; 0 if the load in between is unknown. */
  pass({ current, ...load }: Omit<LoadNow, 'backlog'>, seconds: number): void {
    this.#workers ??= new ModelWorkers(this.#options, this.#freeze, current)
    if (seconds === 0) this.#workers.drop()
    else {
      this.workerSeconds.add(this.#workers.count * seconds)
      if (this.#workers.pass(load.now, seconds, load.suddenRate ?? load.rate))
        this.overloadedSeconds.add(seconds)
    }
    this.#workers.decide(load)
  }

  tick(): void {
    this.workerSeconds.tick()
    this.overloadedSeconds.tick()
  }

  save(): AttemptState {
    return {
      workerSeconds: this.workerSeconds.save(),
      overloadedSeconds: this.overloadedSeconds.save(),
    }
  }

  restore({ workerSeconds, overloadedSeconds }: AttemptState): void {
    this.workerSeconds.restore(workerSeconds)
    this.overloadedSeconds.restore(overloadedSeconds)
  }
}

function areHours(value: unknown): value is Hours {
  return (
    Array.isArray(value) &&
    value.length === HOURS &&
    value.every((sum) => typeof sum === 'number' && Number.isFinite(sum) && sum >= 0)
  )
}

function isHourMs(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= HOUR_MS
}

function isAttempt(value: unknown): value is AttemptState {
  const { workerSeconds, overloadedSeconds } = (value ?? {}) as Partial<AttemptState>
  return areHours(workerSeconds) && areHours(overloadedSeconds)
}

/** @throws InvalidArgumentError */
export function checkTrialState(state: unknown): ForecastTrialState {
  const known = (state ?? {}) as Partial<ForecastTrialState>
  const { refusal } = known
  if (
    !areHours(known.seconds) ||
    !isAttempt(known.with) ||
    !isAttempt(known.without) ||
    !isHourMs(known.hourMs) ||
    !(refusal === null || typeof refusal === 'string')
  )
    throw new InvalidArgumentError('states', 'a result of saveForecasts()', state)
  return known as ForecastTrialState
}

/**
 * Determines whether forecasts improve scaling. Applies the rule with and without them to the same load, each
 * on a model of workers, and compares cost and overload of the last 24 hours, once per hour. Both are tried
 * regardless of which one is used, so that forecasts return when they would help.
 */
export class ForecastTrial {
  readonly #seconds: DaySum = new DaySum()
  readonly #with: Attempt
  readonly #without: Attempt
  /** `undefined` before the first call. */
  #passedAt: number | undefined
  #turnedAt = 0
  /** Duration of the current hour in an earlier process. */
  #earlierMs = 0
  #refusal: string | undefined

  constructor(options: ResolvedControlOptions, freeze: LoadFreeze) {
    this.#with = new Attempt(options, freeze)
    this.#without = new Attempt(options, freeze)
  }

  /** Why forecasts are not used; `undefined` while they are. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /**
   * Applies both ways to the load since the last call.
   *
   * @param outlook - With forecasts.
   * @param without - Without them.
   * @returns The verdict, if forecasts are turned off or on by it.
   */
  pass(load: Omit<LoadNow, 'backlog' | 'outlook'>, outlook: Outlook, without: Outlook): string | undefined {
    const { now } = load
    if (this.#passedAt === undefined) {
      this.#passedAt = now
      this.#turnedAt = now - this.#earlierMs
    }
    const passedMs = now - this.#passedAt
    const seconds = passedMs >= 0 && passedMs <= MAX_GAP_MS ? passedMs / 1000 : 0
    this.#passedAt = now
    this.#seconds.add(seconds)
    this.#with.pass({ ...load, outlook }, seconds)
    this.#without.pass({ ...load, outlook: without }, seconds)
    // Also after a clock was set back.
    if (Math.abs(now - this.#turnedAt) < HOUR_MS) return undefined
    this.#turnedAt = now
    const verdict = this.#judge(this.#with, this.#without)
    for (const part of [this.#seconds, this.#with, this.#without]) part.tick()
    return verdict
  }

  /** State for `restore`. */
  save(): ForecastTrialState {
    return {
      seconds: this.#seconds.save(),
      with: this.#with.save(),
      without: this.#without.save(),
      hourMs:
        this.#passedAt === undefined
          ? this.#earlierMs
          : Math.min(HOUR_MS, Math.max(0, this.#passedAt - this.#turnedAt)),
      refusal: this.#refusal ?? null,
    }
  }

  /** Continues the trial of an earlier process. */
  restore(state: ForecastTrialState): void {
    this.#seconds.restore(state.seconds)
    this.#with.restore(state.with)
    this.#without.restore(state.without)
    this.#earlierMs = state.hourMs
    this.#passedAt = undefined
    this.#refusal = state.refusal ?? undefined
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
