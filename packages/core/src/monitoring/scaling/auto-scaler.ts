import { type Clock, systemClock } from '../../shared/clock.ts'
import { Emitter } from '../../shared/emitter.ts'
import { errorMessage } from '../../shared/error-message.ts'
import type { RandomSource } from '../../shared/random.ts'
import { type Forecasts, type ScalingDecision, workers as shownWorkers, type WorkerState } from './control/decision.ts'
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

/** How long a target may take to show what it was asked for, beyond the start-up time. */
const SETTLE_SECONDS = 30
const START_UP_SECONDS = 60

/** What scaling tells, by event. */
export interface ScalingEvents {
  /** It was decided to scale. */
  'scaling:decided': ScalingEvent
  /** The target did what was decided. */
  'scaling:done': { readonly desired: number }
  /** The target did not answer, or failed. It is asked again. */
  'scaling:failed': ScalingFailure
}

/** What a scaler is handed besides its options. */
export interface AutoScalerParts {
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly forecasts?: Forecasts
  /** A metric's present value; `undefined` where it is missing. */
  readonly read?: (metric: string) => number | undefined
  /** What is known of the workers besides their number. */
  readonly state?: () => Omit<WorkerState, 'current'>
  /** Told of each minute that is over: its mean load, `NaN` where it is missing. */
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

/** Joins the rule, the policies and people's wishes to one number of workers, keeps what was decided and why, and has the target carry it out. */
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
  /** What the rule said last. */
  #needed = 0
  #load: number | undefined

  /** @throws InvalidOptionError */
  constructor(options: ScalingOptions = {}, parts: AutoScalerParts = {}) {
    const resolved = resolveScalingOptions(options)
    const { target, rule, timeoutMs } = resolved
    this.#options = resolved
    this.#parts = parts
    this.#clock = parts.clock ?? systemClock
    this.#events = new Emitter(parts.onListenerError)
    this.#supposed = resolved.minWorkers
    const { policyTolerance: tolerance, stabilizationSeconds, minWorkers, maxWorkers } = resolved
    this.policies = new ScalingPolicies({ minWorkers, maxWorkers, tolerance, stabilizationMs: stabilizationSeconds * 1000 }, this.#clock)
    this.#controller = rule && new ScalingController(rule, { ...parts, clock: this.#clock })
    this.#executor =
      target &&
      new ScalingExecutor({
        target,
        timeoutMs,
        clock: this.#clock,
        random: parts.random ?? Math.random,
        onFailed: (failure) => {
          this.#skip('load', `The target failed: ${errorMessage(failure.error)}`)
          this.#events.emit('scaling:failed', failure)
        },
        onDone: (desired) => this.#events.emit('scaling:done', { desired }),
      })
  }

  /** Workers that there are, as far as it is known. */
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

  /** Decides from now on by itself. Does not keep the process alive. */
  start(): void {
    if (this.#timer !== undefined || this.#isClosed) return
    this.#timer = setInterval(() => void this.tick(), this.#options.intervalMs)
    this.#timer.unref()
  }

  /**
   * Tells of the load; without a rule, nothing comes of it.
   *
   * @param arrivals - Requests that came since the last record.
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
      if (current === undefined) this.#skip('load', 'It is not known how many workers there are: nothing is changed.')
      else this.#decide(current)
    } catch (error) {
      this.#skip('load', `Nothing could be decided: ${errorMessage(error)}`)
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
   * Scales because somebody wants to. Where the load needs more, the rule scales up again; what was added stays for as long as if the load had asked for it.
   *
   * @param amount - In percent of the workers; one more or fewer at least.
   * @param by - Who; kept in the history.
   * @returns What was decided; `null` where nothing changes.
   * @throws InvalidArgumentError; ScalingFailedError while it is not known how many workers there are.
   */
  triggerScaling(direction: ScaleDirection, amount: number, by = 'somebody'): ScalingEvent | null {
    checkDirection(direction)
    checkAmount('amount', direction, amount)
    const current = this.#lastCurrent()
    if (current === undefined) throw new ScalingFailedError('It is not known yet how many workers there are.')
    const { minWorkers, maxWorkers } = this.#options
    const to = Math.max(minWorkers, Math.min(maxWorkers, scaledBy(current, direction, amount)))
    const reasons = [`${by} wants ${amount} % ${direction === 'up' ? 'more' : 'fewer'}.`]
    if ((direction === 'up' && to <= current) || (direction === 'down' && to >= current)) {
      this.#skip('manual', `${reasons[0]} There are ${current}, and ${minWorkers} to ${maxWorkers} may be.`)
      return null
    }
    this.policies.noteStep(direction)
    return this.#change({ from: current, to, metric: 'manual', value: undefined, reasons, source: 'manual', by })
  }

  /** What was decided, the newest first. */
  history(limit?: number): ScalingEvent[] {
    return this.#history.events(limit)
  }

  /** What was not done, and why; the newest first. */
  skips(limit?: number): ScalingSkip[] {
    return this.#history.skips(limit)
  }

  /** Ends what it began. The target is closed by whoever made it. */
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
    const verdict = this.#evaluate(current)
    if (this.#isPolicyFirst(verdict, decision)) this.#isPolicyDone(current, verdict)
    else if (decision !== undefined && decision.direction !== null) this.#follow(decision, verdict)
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
    return direction === 'up' ? to >= decision.desired : decision.direction === 'down' && to < decision.desired
  }

  #follow({ from, desired, reasons, load }: ScalingDecision, { isHigh }: PolicyVerdict): void {
    if (desired < from && isHigh) this.#skip('load', `Not down to ${desired}: a policy's metric is above its threshold.`)
    else this.#change({ from, to: desired, metric: 'load', value: load, reasons, source: 'load' })
  }

  #isPolicyDone(current: number, { direction, to, metric = '', value, reasons }: PolicyVerdict): boolean {
    if (direction === null) return false
    return this.#change({ from: current, to, metric, value, reasons, source: 'policy' }) !== null
  }

  #change({ from, to: wanted, reasons: why, by, ...rest }: Change): ScalingEvent | null {
    const { to, reason } = this.#admitted(from, wanted)
    const reasons = reason === undefined ? why : [...why, reason]
    if (to === from) {
      this.#skip(rest.source, `Not to ${wanted}: ${reason}`)
      return null
    }
    const event: ScalingEvent = {
      timestamp: this.#clock.wall(),
      direction: to > from ? 'up' : 'down',
      from,
      to,
      ...rest,
      reasons,
      ...(by !== undefined && { by }),
      isDryRun: this.#executor === undefined,
    }
    this.#history.add(event)
    if (rest.source !== 'load') this.#controller?.recommend(to)
    this.#supposed = to
    const settleSeconds = (this.#options.rule?.startUpSeconds ?? START_UP_SECONDS) + SETTLE_SECONDS
    this.#expected = { count: to, until: this.#clock.now() + settleSeconds * 1000 }
    this.#executor?.request(to, reasons.join(' '))
    this.#events.emit('scaling:decided', event)
    return event
  }

  #admitted(from: number, wanted: number): { readonly to: number; readonly reason?: string } {
    const { target } = this.#options
    if (wanted <= from || target?.admit === undefined) return { to: wanted }
    try {
      const { count, reason = 'The target refuses more.' } = target.admit(wanted)
      return count < wanted ? { to: Math.max(from, count), reason: `${shownWorkers(wanted)} were wanted. ${reason}` } : { to: wanted }
    } catch {
      return { to: wanted }
    }
  }

  async #current(): Promise<number | undefined> {
    if (this.#executor === undefined) return this.#supposed
    this.#known = await this.#executor.current()
    if (this.#known === this.#expected?.count) this.#expected = undefined
    return this.#lastCurrent()
  }

  /** What was asked for counts as starting, until it has had the time to be seen. */
  #lastCurrent(): number | undefined {
    if (this.#executor === undefined) return this.#supposed
    if (this.#expected !== undefined && this.#clock.now() >= this.#expected.until) this.#expected = undefined
    return this.#known === undefined ? undefined : (this.#expected?.count ?? this.#known)
  }

  #skip(source: ScalingSource, reason: string): void {
    this.#history.skip(this.#clock.wall(), source, reason)
  }
}
