import { type Clock, systemClock } from '../../../shared/clock.ts'
import { InvalidArgumentError } from '../../../shared/errors.ts'
import {
  type ControlOptions,
  type Forecasts,
  type ResolvedControlOptions,
  resolveControlOptions,
  type ScalingDecision,
  type WorkerState,
  workers,
} from './control-options.ts'
import { DatabaseGuard } from './database-guard.ts'
import { ForecastTrial } from './forecast-trial.ts'
import {
  LOAD_SECONDS,
  type LoadNow,
  LoadRule,
  loadOf,
  lookAtPresent,
  type Outlook,
  outlookOf,
  SUDDEN_SECONDS,
} from './load-rule.ts'
import { LoadFreeze, LoadWindow, MinuteLoads } from './load-window.ts'

export interface ControllerParts {
  readonly clock?: Clock
  readonly forecasts?: Forecasts
  /** Receives the mean load of each completed minute; `NaN` if it is missing. */
  readonly onMinute?: (perSecond: number) => void
}

/**
 * Decides the number of workers, from arrivals, backlog and forecasts. It is passive: call `record` with the
 * load at least every 3 seconds, and `decide` about every 5 seconds.
 */
export class ScalingController {
  readonly #options: ResolvedControlOptions
  readonly #clock: Clock
  readonly #forecasts: Forecasts | undefined
  readonly #window: LoadWindow
  readonly #minutes: MinuteLoads
  readonly #freeze: LoadFreeze
  readonly #rule: LoadRule
  readonly trial: ForecastTrial
  readonly #guard: DatabaseGuard

  /** @throws InvalidOptionError */
  constructor(options: ControlOptions, parts: ControllerParts = {}) {
    const { clock = systemClock, forecasts, onMinute } = parts
    this.#options = resolveControlOptions(options)
    this.#clock = clock
    this.#forecasts = forecasts
    this.#window = new LoadWindow(clock.now())
    this.#freeze = new LoadFreeze(this.#options.capacity)
    this.#minutes = new MinuteLoads(clock.now(), (now, perSecond) => {
      this.#freeze.minute(now, perSecond)
      onMinute?.(perSecond)
    })
    this.#rule = new LoadRule(this.#options, this.#freeze)
    this.trial = new ForecastTrial(this.#options, this.#freeze)
    this.#guard = new DatabaseGuard(this.#options)
  }

  /**
   * @param arrivals - Requests that came since the last record, answered or not.
   * @param backlog - Requests that wait now.
   * @throws InvalidArgumentError
   */
  record(arrivals: number, backlog = 0): void {
    for (const [name, value] of Object.entries({ arrivals, backlog })) {
      if (!(Number.isFinite(value) && value >= 0))
        throw new InvalidArgumentError(name, 'a number of at least 0', value)
    }
    const now = this.#clock.now()
    this.#window.record(now, arrivals, backlog)
    this.#minutes.record(now, arrivals)
  }

  /** Prevents scaling down below this number for a while, as if the load had required it. */
  recommend(count: number): void {
    this.#rule.recommend(this.#clock.now(), count)
  }

  /** @throws InvalidArgumentError */
  decide(state: WorkerState): ScalingDecision {
    checkState(state)
    const now = this.#clock.now()
    const { current } = state
    const { minWorkers, maxWorkers } = this.#options
    const rate = this.#window.rate(now, LOAD_SECONDS)
    const backlog = this.#window.backlog(now)
    const reasons: string[] = []
    const skipped: string[] = []
    let target = current
    let notice: string | undefined
    if (rate === undefined)
      skipped.push(`The load of the last ${LOAD_SECONDS} s is unknown, so nothing changes.`)
    else {
      const load = { now, current, rate, suddenRate: this.#window.rate(now, SUDDEN_SECONDS) }
      const { outlook, change } = this.#outlook(load)
      notice = change
      if (outlook.reason !== undefined) skipped.push(outlook.reason)
      target = this.#rule.follow({ ...load, backlog, outlook }, reasons, skipped)
    }
    const guarded = this.#guard.check(now, state, target)
    if (guarded.reason !== undefined) {
      const isUndone = guarded.desired < Math.min(current, target)
      if (isUndone) skipped.push(...reasons.splice(0))
      ;(isUndone ? reasons : skipped).push(guarded.reason)
    }
    const desired = Math.max(minWorkers, Math.min(maxWorkers, guarded.desired))
    if (desired < guarded.desired)
      skipped.push(`${guarded.desired} are required, but the maximum is ${desired}.`)
    if (desired > guarded.desired)
      (desired > current ? reasons : skipped).push(`The minimum is ${workers(minWorkers)}.`)
    this.#guard.decided(now, state, desired)
    return {
      from: current,
      desired,
      direction: desired > current ? 'up' : desired < current ? 'down' : null,
      reasons: desired === current ? [] : reasons,
      skipped,
      load: rate === undefined ? undefined : loadOf({ rate, backlog }),
      isPanic: this.#rule.isPanic(now),
      poolSize: this.#guard.poolSize(desired),
      ...(notice !== undefined && { forecastChange: notice }),
    }
  }

  /** Looks ahead for as long as that proves useful. */
  #outlook(load: Omit<LoadNow, 'backlog' | 'outlook'>): {
    readonly outlook: Outlook
    readonly change?: string
  } {
    const without = lookAtPresent(this.#options)
    if (this.#forecasts === undefined) return { outlook: without }
    const outlook = outlookOf(this.#forecasts, this.#options)
    const change = this.trial.pass(load, outlook, without)
    const { refusal } = this.trial
    return {
      outlook: refusal === undefined ? outlook : { ...without, reason: refusal },
      ...(change !== undefined && { change }),
    }
  }
}

function checkState(state: WorkerState): void {
  const { current, ...rest } = state
  if (!(Number.isInteger(current) && current >= 0))
    throw new InvalidArgumentError('current', 'an integer of at least 0', current)
  for (const name of ['cpu', 'throughput', 'poolWaiting'] as const) {
    const value = rest[name]
    if (value !== undefined && !(Number.isFinite(value) && value >= 0))
      throw new InvalidArgumentError(name, 'a number of at least 0', value)
  }
}
