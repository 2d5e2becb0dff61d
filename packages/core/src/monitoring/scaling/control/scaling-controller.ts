import { type Clock, systemClock } from '../../../shared/clock.ts'
import { InvalidArgumentError } from '../../../shared/errors.ts'
import { type ControlOptions, type ResolvedControlOptions, resolveControlOptions } from './control-options.ts'
import { DatabaseGuard } from './database-guard.ts'
import {
  type Forecasts,
  percent,
  type ScalingDecision,
  shown,
  type WorkerState,
  workers,
} from './decision.ts'
import { LoadFreeze, MinuteLoads } from './load-freeze.ts'
import { LoadWindow, RecommendationWindow } from './load-window.ts'
import { type Ahead, lookAhead } from './look-ahead.ts'

const LOAD_SECONDS = 15
const PANIC_SECONDS = 6
/** Number of seconds in which a backlog must be processed. */
const PANIC_BACKLOG_SECONDS = 10
const PANIC_FACTOR = 1.5
const PANIC_MS = 60_000
/** For what a division leaves. */
const ROUNDING = 1e-9

/** Dependencies of a controller. */
export interface ControllerParts {
  readonly clock?: Clock
  readonly forecasts?: Forecasts
  /** Receives the mean load of each completed minute; `NaN` if it is missing. */
  readonly onMinute?: (perSecond: number) => void
}

interface Need {
  readonly workers: number
  readonly reason: string
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
  readonly #recommended: RecommendationWindow
  readonly #guard: DatabaseGuard
  #panicUntil = Number.NEGATIVE_INFINITY

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
    this.#recommended = new RecommendationWindow(this.#options.scaleDownSeconds * 1000)
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
    this.#recommended.add(this.#clock.now(), count)
  }

  /** @throws InvalidArgumentError */
  decide(state: WorkerState): ScalingDecision {
    checkState(state)
    const now = this.#clock.now()
    const { current } = state
    const { minWorkers, maxWorkers } = this.#options
    const rate = this.#window.rate(now, LOAD_SECONDS)
    const load = rate === undefined ? undefined : rate + this.#window.backlog(now) / LOAD_SECONDS
    const reasons: string[] = []
    const skipped: string[] = []
    const wanted =
      load === undefined ? this.#hold(state, skipped) : this.#follow(now, state, load, reasons, skipped)
    const guarded = this.#guard.check(now, state, wanted)
    if (guarded.reason !== undefined) {
      const isUndone = guarded.desired < Math.min(current, wanted)
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
      load,
      isPanic: now < this.#panicUntil,
      poolSize: this.#guard.poolSize(desired),
    }
  }

  #hold({ current }: WorkerState, skipped: string[]): number {
    skipped.push(`The load of the last ${LOAD_SECONDS} s is unknown, so nothing changes.`)
    return current
  }

  #follow(now: number, state: WorkerState, load: number, reasons: string[], skipped: string[]): number {
    const { current } = state
    const ahead = lookAhead(this.#forecasts, this.#options)
    if (ahead.reason !== undefined) skipped.push(ahead.reason)
    const need = this.#need(now, current, load, ahead, skipped)
    this.#recommended.add(now, need.workers)
    if (need.workers > current) return this.#up(now, current, need, reasons, skipped)
    const highest = this.#recommended.highest(now)
    return this.#down(now, current, Math.min(current, highest), load, reasons, skipped)
  }

  #need(now: number, current: number, load: number, ahead: Ahead, skipped: string[]): Need {
    const perWorker = this.#options.capacity * ahead.target
    const at = `at ${shown(this.#options.capacity)} each and a target of ${percent(ahead.target)}`
    const raw = load / perWorker
    const reacted = Math.ceil(raw - ROUNDING)
    const isTolerated = Math.abs(raw / current - 1) <= this.#options.tolerance + ROUNDING
    let need: Need = {
      workers: isTolerated ? current : reacted,
      reason: `${shown(load)} requests/s need ${workers(reacted)} ${at}.`,
    }
    if (isTolerated && reacted !== current)
      skipped.push(`Not scaled to ${reacted}: ${shown(load)} requests/s are within the tolerance.`)
    const forecast = Math.ceil(ahead.load / perWorker - ROUNDING)
    if (forecast > need.workers) {
      need = {
        workers: forecast,
        reason: `${shown(ahead.load)} requests/s are forecast in ${shown(ahead.seconds)} s, which need ${workers(forecast)} ${at}.`,
      }
    }
    const sudden = this.#sudden(now, current, perWorker)
    return sudden !== undefined && sudden.workers > need.workers ? sudden : need
  }

  #sudden(now: number, current: number, perWorker: number): Need | undefined {
    const rate = this.#window.rate(now, PANIC_SECONDS)
    if (rate === undefined) return undefined
    const load = rate + this.#window.backlog(now) / PANIC_BACKLOG_SECONDS
    const needed = Math.ceil(load / perWorker - ROUNDING)
    if (needed <= current || needed < PANIC_FACTOR * current) return undefined
    this.#panicUntil = now + PANIC_MS
    return {
      workers: needed,
      reason: `${shown(load)} requests/s over the last ${PANIC_SECONDS} s need ${workers(needed)}, at least ${PANIC_FACTOR} times the current number: scaled immediately.`,
    }
  }

  #up(now: number, current: number, need: Need, reasons: string[], skipped: string[]): number {
    reasons.push(need.reason)
    if (now < this.#panicUntil) return need.workers
    const limit = Math.max(current * 2, current + 4)
    if (need.workers > limit)
      skipped.push(`Scaled up to ${limit} first, instead of ${need.workers} in one step.`)
    return Math.min(need.workers, limit)
  }

  #down(
    now: number,
    current: number,
    desired: number,
    load: number,
    reasons: string[],
    skipped: string[],
  ): number {
    const minutes = shown(this.#options.scaleDownSeconds / 60)
    if (desired === current) return current
    if (this.#freeze.isFrozen(now)) {
      skipped.push(
        `Not scaled down to ${desired}: the load dropped suddenly, from ${shown(this.#freeze.usual)} requests/s over the last hour to ${shown(load)}, and may return.`,
      )
      return current
    }
    reasons.push(
      `At most ${workers(desired)} were needed in the last ${minutes} min; now there are ${shown(load)} requests/s.`,
    )
    return desired
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
