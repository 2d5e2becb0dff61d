import { type Clock, systemClock } from '../../shared/clock.ts'
import { Emitter } from '../../shared/emitter.ts'
import { errorMessage } from '../../shared/error-message.ts'
import type { RandomSource } from '../../shared/random.ts'
import { setLongInterval } from '../../shared/timers.ts'
import {
  type Forecasts,
  type ScalingDecision,
  workers as shownWorkers,
  type WorkerState,
} from './control/control-options.ts'
import type { ForecastTrial } from './control/forecast-trial.ts'
import { ScalingController } from './control/scaling-controller.ts'
import {
  checkAmount,
  checkDirection,
  type PolicyVerdict,
  type ScaleDirection,
  ScalingPolicies,
  scaledBy,
} from './policies/scaling-policies.ts'
import { ScalingExecutor, ScalingFailedError, type ScalingFailure } from './scaling-executor.ts'
import { type ScalingEvent, ScalingHistory, type ScalingSkip, type ScalingSource } from './scaling-history.ts'
import { type ResolvedScalingOptions, resolveScalingOptions, type ScalingOptions } from './scaling-options.ts'

/** How long a target can take to show a change, in addition to the startup time. */
export const SETTLE_SECONDS = 30
/** Milliseconds that the target has for a change, before it is called again. */
const TARGET_TIMEOUT_MS = 120_000
export const START_UP_SECONDS = 60

/** Events of scaling. */
export interface ScalingEvents {
  /** It was decided to scale. */
  'scaling:decided': ScalingEvent
  /** The target did what was decided. */
  'scaling:done': { readonly desired: number }
  /** The target did not respond, or failed. The call is retried. */
  'scaling:failed': ScalingFailure
}

const scalingEvents: Readonly<Record<keyof ScalingEvents, true>> = {
  'scaling:decided': true,
  'scaling:done': true,
  'scaling:failed': true,
}

export interface AutoScalerParts {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly forecasts?: Forecasts
  /** A metric's present value; `undefined` where it is missing. */
  readonly read?: (metric: string) => number | undefined
  /** State of the workers, except for their number. */
  readonly state?: () => Omit<WorkerState, 'current'>
  /** Receives the mean load of each completed minute; `NaN` if it is missing. */
  readonly onMinute?: (perSecond: number) => void
  readonly onListenerError?: (error: unknown) => void
}

interface Change {
  readonly from: number
  readonly to: number
  readonly metric: string
  readonly value: number | undefined
  readonly reasons: readonly string[]
  readonly source: ScalingSource
  readonly by?: string
}

/**
 * Joins the rule, the policies and people's wishes to one number of workers, keeps what was decided and why,
 * and has the target carry it out.
 */
export class AutoScaler {
  readonly policies: ScalingPolicies
  readonly #options: ResolvedScalingOptions
  readonly #clock: Clock
  readonly #parts: AutoScalerParts
  readonly #events: Emitter<ScalingEvents>
  readonly #history = new ScalingHistory()
  readonly #controller: ScalingController | undefined
  readonly #executor: ScalingExecutor | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #isTicking = false
  #isClosed = false
  /** Without a target: as if it were carried out. */
  #supposed: number
  #known: number | undefined
  #expected: { readonly count: number; readonly until: number } | undefined
  /** Latest result of the rule. */
  #needed = 0
  #load: number | undefined

  /** @throws InvalidOptionError */
  constructor(options: ScalingOptions = {}, parts: AutoScalerParts = {}) {
    const resolved = resolveScalingOptions(options)
    const { target, rule } = resolved
    this.#options = resolved
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#events = new Emitter(scalingEvents, parts.onListenerError)
    this.#supposed = resolved.minWorkers
    const { stabilizationSeconds, minWorkers, maxWorkers } = resolved
    this.policies = new ScalingPolicies(
      { minWorkers, maxWorkers, stabilizationMs: stabilizationSeconds * 1000 },
      this.#clock,
    )
    this.#controller = rule && new ScalingController(rule, { ...parts, clock: this.#clock })
    this.#executor =
      target &&
      new ScalingExecutor({
        target,
        timeoutMs: TARGET_TIMEOUT_MS,
        clock: this.#clock,
        random: parts.random ?? Math.random,
        onFailed: (failure) => {
          this.#skip('load', `The target failed: ${errorMessage(failure.error)}`)
          this.#events.emit('scaling:failed', failure)
        },
        onDone: (desired) => this.#events.emit('scaling:done', { desired }),
      })
  }

  /** Number of workers, if it is known. */
  get workers(): number | undefined {
    return this.#lastCurrent()
  }

  /** Requests a second when it was decided last; `undefined` without a rule, or while it is not known. */
  get load(): number | undefined {
    return this.#load
  }

  on<K extends keyof ScalingEvents>(event: K, listener: (payload: ScalingEvents[K]) => void): () => void {
    return this.#events.on(event, listener)
  }

  /** Starts automatic decisions. Does not keep the process alive. */
  start(): void {
    if (this.#timer !== undefined || this.#isClosed) return
    this.#timer = setLongInterval(() => void this.tick(), this.#options.intervalMs)
    this.#timer.unref()
  }

  /** Whether forecasts help the rule; `undefined` without a rule. */
  get trial(): ForecastTrial | undefined {
    return this.#controller?.trial
  }

  /**
   * Records the load. Has no effect without a rule.
   *
   * @param arrivals - Requests since the last call.
   * @param backlog - Requests that wait now.
   * @throws InvalidArgumentError
   */
  record(arrivals: number, backlog = 0): void {
    this.#controller?.record(arrivals, backlog)
  }

  /** Decides once. Never rejects; while a decision waits for the target, nothing is decided. */
  async tick(): Promise<void> {
    if (this.#isTicking) return
    this.#isTicking = true
    try {
      const current = await this.#current()
      if (this.#isClosed) return
      if (current === undefined) this.#skip('load', 'The number of workers is unknown, so nothing changes.')
      else this.#decide(current)
    } catch (error) {
      this.#skip('load', `The decision failed: ${errorMessage(error)}`)
    } finally {
      this.#isTicking = false
    }
  }

  /** Has the policies decide, by the number of workers that was known last. */
  evaluatePolicies(): ScaleDirection | null {
    const current = this.#lastCurrent()
    if (current === undefined) {
      this.#skip('policy', 'It is not known yet how many workers there are: nothing is changed.')
      void this.#current()
      return null
    }
    const verdict = this.#evaluate(current)
    return this.#isPolicyDone(current, verdict) ? verdict.direction : null
  }

  /**
   * Scales manually. If the load needs more workers, the rule scales up again; added workers remain for as
   * long as if the load had required them.
   *
   * @param amount - Percent of the workers; at least one worker.
   * @param by - User, for the history.
   * @returns The decision; `null` if nothing changes.
   * @throws InvalidArgumentError; ScalingFailedError while the number of workers is unknown.
   */
  triggerScaling(direction: ScaleDirection, amount: number, by = 'somebody'): ScalingEvent | null {
    checkDirection(direction)
    checkAmount('amount', direction, amount)
    const current = this.#lastCurrent()
    if (current === undefined)
      throw new ScalingFailedError(
        'The number of workers is not known yet. Try again after the target has reported it.',
      )
    const { minWorkers, maxWorkers } = this.#options
    const to = Math.max(minWorkers, Math.min(maxWorkers, scaledBy(current, direction, amount)))
    const reasons = [`${by} requested ${amount}% ${direction === 'up' ? 'more' : 'fewer'} workers.`]
    if ((direction === 'up' && to <= current) || (direction === 'down' && to >= current)) {
      this.#skip(
        'manual',
        `${reasons[0]} Not changed: there are ${current}, and ${minWorkers} to ${maxWorkers} are allowed.`,
      )
      return null
    }
    this.policies.noteStep(direction)
    return this.#change({
      from: current,
      to,
      metric: 'manual',
      value: undefined,
      reasons,
      source: 'manual',
      by,
    })
  }

  /** Decisions, the newest first. */
  history(limit?: number): ScalingEvent[] {
    return this.#history.events(limit)
  }

  /** Changes that were not made, with the reasons; the newest first. */
  skips(limit?: number): ScalingSkip[] {
    return this.#history.skips(limit)
  }

  /** Stops scaling. The owner of the target closes it. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#executor?.close()
    this.#events.clear()
  }

  #decide(current: number): void {
    const decision = this.#controller?.decide({ current, ...this.#parts.state?.() })
    for (const reason of decision?.skipped ?? []) this.#skip('load', reason)
    this.#needed = decision?.desired ?? 0
    this.#load = decision?.load
    if (decision?.forecastChange !== undefined) this.#noteForecasts(current, decision.forecastChange)
    const verdict = this.#evaluate(current)
    if (this.#isPolicyFirst(verdict, decision)) this.#isPolicyDone(current, verdict)
    else if (decision !== undefined && decision.direction !== null) this.#follow(decision, verdict)
  }

  #noteForecasts(current: number, reason: string): void {
    this.#publish({
      direction: 'none',
      from: current,
      to: current,
      metric: 'forecast',
      value: this.#load,
      reasons: [reason],
      source: 'load',
    })
  }

  #evaluate(current: number): PolicyVerdict {
    const verdict = this.policies.evaluate(current, this.#parts.read ?? (() => undefined), this.#needed)
    for (const reason of verdict.skipped) this.#skip('policy', reason)
    return verdict
  }

  /** Up goes before down, and of two ways up or down the longer one. */
  #isPolicyFirst({ direction, to }: PolicyVerdict, decision: ScalingDecision | undefined): boolean {
    if (direction === null) return false
    if (decision === undefined || decision.direction === null) return true
    return direction === 'up'
      ? to >= decision.desired
      : decision.direction === 'down' && to < decision.desired
  }

  #follow({ from, desired, reasons, load }: ScalingDecision, { isHigh }: PolicyVerdict): void {
    if (desired < from && isHigh)
      this.#skip('load', `Not scaled down to ${desired}: the metric of a policy is above its threshold.`)
    else this.#change({ from, to: desired, metric: 'load', value: load, reasons, source: 'load' })
  }

  #isPolicyDone(current: number, { direction, to, metric = '', value, reasons }: PolicyVerdict): boolean {
    if (direction === null) return false
    return this.#change({ from: current, to, metric, value, reasons, source: 'policy' }) !== null
  }

  #change({ from, to: requested, reasons: why, by, ...rest }: Change): ScalingEvent | null {
    const { to, reason } = this.#admitted(from, requested)
    const reasons = reason === undefined ? why : [...why, reason]
    if (to === from) {
      this.#skip(rest.source, `Not scaled to ${requested}: ${reason}`)
      return null
    }
    if (rest.source !== 'load') this.#controller?.recommend(to)
    this.#supposed = to
    const settleSeconds = (this.#options.rule?.startUpSeconds ?? START_UP_SECONDS) + SETTLE_SECONDS
    this.#expected = { count: to, until: this.#clock.now() + settleSeconds * 1000 }
    this.#executor?.request(to, reasons.join(' '))
    return this.#publish({
      direction: to > from ? 'up' : 'down',
      from,
      to,
      ...rest,
      reasons,
      ...(by !== undefined && { by }),
    })
  }

  #publish(decided: Omit<ScalingEvent, 'timestamp' | 'isDryRun'>): ScalingEvent {
    const event = { timestamp: this.#clock.wall(), ...decided, isDryRun: this.#executor === undefined }
    this.#history.add(event)
    this.#events.emit('scaling:decided', event)
    return event
  }

  #admitted(from: number, requested: number): { readonly to: number; readonly reason?: string } {
    const { target } = this.#options
    if (requested <= from || target?.admit === undefined) return { to: requested }
    try {
      const { count, reason = 'The target refuses more.' } = target.admit(requested)
      return count < requested
        ? { to: Math.max(from, count), reason: `${shownWorkers(requested)} were required. ${reason}` }
        : { to: requested }
    } catch {
      return { to: requested }
    }
  }

  async #current(): Promise<number | undefined> {
    if (this.#executor === undefined) return this.#supposed
    this.#known = await this.#executor.current()
    if (this.#known === this.#expected?.count) this.#expected = undefined
    return this.#lastCurrent()
  }

  /** Requested workers count as starting until they have had the time to appear. */
  #lastCurrent(): number | undefined {
    if (this.#executor === undefined) return this.#supposed
    if (this.#expected !== undefined && this.#clock.now() >= this.#expected.until) this.#expected = undefined
    return this.#known === undefined ? undefined : (this.#expected?.count ?? this.#known)
  }

  #skip(source: ScalingSource, reason: string): void {
    this.#history.skip(this.#clock.wall(), source, reason)
  }
}
