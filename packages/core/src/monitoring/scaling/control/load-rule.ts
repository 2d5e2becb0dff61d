import {
  type Forecasts,
  type LoadForecast,
  percent,
  type ResolvedControlOptions,
  shown,
  workers,
} from './control-options.ts'
import { type LoadFreeze, RecommendationWindow } from './load-window.ts'

/** Seconds over which the load is measured, and in which a backlog must be processed. */
export const LOAD_SECONDS = 15
/** The same for sudden loads. */
export const SUDDEN_SECONDS = 6
const SUDDEN_BACKLOG_SECONDS = 10
/** Differences between the required and the existing number of workers up to this share are ignored. */
const TOLERANCE = 0.1
const PANIC_FACTOR = 1.5
const PANIC_MS = 60_000
/** For what a division leaves. */
const ROUNDING = 1e-9

/** Input of the rule. */
export interface LoadNow {
  readonly now: number
  /** Workers that run or are starting. */
  readonly current: number
  /** Requests a second over `LOAD_SECONDS`. */
  readonly rate: number
  /** Requests a second over `SUDDEN_SECONDS`; `undefined` if they are unknown. */
  readonly suddenRate: number | undefined
  /** Requests that wait. */
  readonly backlog: number
  readonly outlook: Outlook
}

interface Need {
  readonly workers: number
  readonly reason: string
}

/** The load as the rule counts it: the arrivals, and the backlog as if it arrived over the same time. */
export function loadOf({ rate, backlog }: Pick<LoadNow, 'rate' | 'backlog'>): number {
  return rate + backlog / LOAD_SECONDS
}

/** The rule without guards and limits: how many workers a load and its forecast require. */
export class LoadRule {
  readonly #recommended: RecommendationWindow
  #panicUntil = Number.NEGATIVE_INFINITY

  constructor(
    private readonly options: ResolvedControlOptions,
    private readonly freeze: LoadFreeze,
  ) {
    this.#recommended = new RecommendationWindow(options.scaleDownSeconds * 1000)
  }

  isPanic(now: number): boolean {
    return now < this.#panicUntil
  }

  /** Prevents scaling down below this number for a while, as if the load had required it. */
  recommend(now: number, count: number): void {
    this.#recommended.add(now, count)
  }

  /**
   * @returns The required workers.
   * @param reasons, skipped - Receive the reasons, and the refused steps.
   */
  follow(state: LoadNow, reasons: string[], skipped: string[]): number {
    const { now, current } = state
    const need = this.#need(state, skipped)
    this.#recommended.add(now, need.workers)
    if (need.workers > current) return this.#up(state, need, reasons, skipped)
    return this.#down(state, Math.min(current, this.#recommended.highest(now)), reasons, skipped)
  }

  #need(state: LoadNow, skipped: string[]): Need {
    const { current, outlook } = state
    const { capacity } = this.options
    const load = loadOf(state)
    const perWorker = capacity * outlook.target
    const at = `at ${shown(capacity)} each and a target of ${percent(outlook.target)}`
    const raw = load / perWorker
    const reacted = Math.ceil(raw - ROUNDING)
    const isTolerated = Math.abs(raw / current - 1) <= TOLERANCE + ROUNDING
    let need: Need = {
      workers: isTolerated ? current : reacted,
      reason: `${shown(load)} requests/s need ${workers(reacted)} ${at}.`,
    }
    if (isTolerated && reacted !== current)
      skipped.push(`Not scaled to ${reacted}: ${shown(load)} requests/s are within the tolerance.`)
    const forecast = Math.ceil(outlook.load / perWorker - ROUNDING)
    if (forecast > need.workers) {
      need = {
        workers: forecast,
        reason: `${shown(outlook.load)} requests/s are forecast in ${shown(outlook.seconds)} s, which need ${workers(forecast)} ${at}.`,
      }
    }
    const sudden = this.#sudden(state, perWorker)
    return sudden !== undefined && sudden.workers > need.workers ? sudden : need
  }

  #sudden({ now, current, suddenRate, backlog }: LoadNow, perWorker: number): Need | undefined {
    if (suddenRate === undefined) return undefined
    const load = suddenRate + backlog / SUDDEN_BACKLOG_SECONDS
    const needed = Math.ceil(load / perWorker - ROUNDING)
    if (needed <= current || needed < PANIC_FACTOR * current) return undefined
    this.#panicUntil = now + PANIC_MS
    return {
      workers: needed,
      reason: `${shown(load)} requests/s over the last ${SUDDEN_SECONDS} s need ${workers(needed)}, at least ${PANIC_FACTOR} times the current number: scaled immediately.`,
    }
  }

  #up({ now, current }: LoadNow, need: Need, reasons: string[], skipped: string[]): number {
    reasons.push(need.reason)
    if (this.isPanic(now)) return need.workers
    const limit = Math.max(current * 2, current + 4)
    if (need.workers > limit)
      skipped.push(`Scaled up to ${limit} first, instead of ${need.workers} in one step.`)
    return Math.min(need.workers, limit)
  }

  #down(state: LoadNow, desired: number, reasons: string[], skipped: string[]): number {
    const { now, current } = state
    const load = shown(loadOf(state))
    const minutes = shown(this.options.scaleDownSeconds / 60)
    if (desired === current) return current
    if (this.freeze.isFrozen(now)) {
      skipped.push(
        `Not scaled down to ${desired}: the load dropped suddenly, from ${shown(this.freeze.usual)} requests/s over the last hour to ${load}, and may return.`,
      )
      return current
    }
    reasons.push(
      `At most ${workers(desired)} were needed in the last ${minutes} min; now there are ${load} requests/s.`,
    )
    return desired
  }
}

/** Added to the startup time. */
const MARGIN_SECONDS = 30
const MINUTE_SECONDS = 60
/** A 90th percentile beyond so many medians says more of the forecast than of the load. */
const MAX_SPREAD = 2

/** Target utilization of the workers while forecasts are accurate. */
const TARGET_WITH_FORECAST = 0.8
/** Target utilization of the workers without forecasts, or while they are wrong. */
export const TARGET = 0.7
/** Forecasts count if at least this share of the recent ones was within 15%. */
const MIN_ACCURACY = 0.5

/** Expected load when workers that are started now are up. */
export interface Outlook {
  /** Requests a second; 0 without a forecast. */
  readonly load: number
  readonly seconds: number
  /** Target utilization of the workers. */
  readonly target: number
  /** Why forecasts do not count. */
  readonly reason?: string
}

/** Scales without forecasts. */
export function lookAtPresent({ startUpSeconds }: ResolvedControlOptions): Outlook {
  const seconds = Math.ceil((startUpSeconds + MARGIN_SECONDS) / MINUTE_SECONDS) * MINUTE_SECONDS
  return { load: 0, seconds, target: TARGET }
}

/** Looks at the minute in which workers that are started now are up, and at the one after it. */
export function outlookOf(forecasts: Forecasts, options: ResolvedControlOptions): Outlook {
  const without = lookAtPresent(options)
  const { seconds: first } = without
  let load = 0
  let seconds = first
  for (const at of [first, first + MINUTE_SECONDS]) {
    const forecast = read(forecasts, at)
    if (forecast === undefined)
      return { ...without, reason: 'There is no forecast yet: only what arrives counts.' }
    const { p50, p90, accuracy } = forecast
    if (accuracy === undefined)
      return { ...without, reason: 'No forecast could be checked yet: only what arrives counts.' }
    if (accuracy < MIN_ACCURACY) {
      return {
        ...without,
        reason: `Only ${percent(accuracy)} of recent forecasts were accurate, so only the current load counts.`,
      }
    }
    const expected = p90 <= MAX_SPREAD * p50 ? p90 : p50
    if (expected > load) {
      load = expected
      seconds = at
    }
  }
  return { load, seconds, target: TARGET_WITH_FORECAST }
}

/** A forecast that cannot be had must not keep anything from being scaled. */
function read(forecasts: Forecasts, seconds: number): LoadForecast | undefined {
  try {
    const forecast = forecasts.at(seconds)
    return forecast !== undefined && Number.isFinite(forecast.p50) && Number.isFinite(forecast.p90)
      ? forecast
      : undefined
  } catch {
    return undefined
  }
}
