import type { TuningAdvice, TuningChange } from '../../monitoring/report/advice.ts'
import type { Clock } from '../../shared/clock.ts'
import { Repeated } from '../../shared/timers.ts'
import { isApplicable, type MeasuredEffect, type Measurement, type TunedSetting } from './tuned-setting.ts'
import type { ResolvedTuningOptions, TunedKind, TuningRange } from './tuning-options.ts'
import { changeText } from './tuning-text.ts'

/** Checks per `checkMs`. */
const CHECKS = 20
/** A change that could not be measured in so many times `checkMs` is undone. */
const PATIENCE = 3
/** A smaller change of a setting has no effect that can be measured. */
const LEAST_CHANGE = 0.1
const MAX_CHANGES = 100

export interface TunerParts {
  readonly clock: Clock
  /** The settings of a kind that exist now. The same one each time, as long as it exists. */
  readonly settingsOf: (kind: TunedKind) => readonly TunedSetting[]
  readonly onChange: (change: TuningChange) => void
  readonly onError: (error: unknown) => void
}

interface Trial {
  readonly setting: TunedSetting
  readonly measurement: Measurement
  readonly startedAt: number
  isMeasuring: boolean
}

/**
 * Applies advice within the ranges of the user, and undoes what did not help. One change at a time, so that
 * no change is credited with the effect of another.
 */
export class Tuner {
  readonly #timer: Repeated
  /** Time of the next advice for each setting, in monotonic milliseconds. */
  readonly #dueAt = new Map<string, number>()
  #options: ResolvedTuningOptions
  #tickAt: number
  #trial: Trial | undefined
  #isClosed = false
  /** The newest first. */
  #changes: readonly TuningChange[] = []

  constructor(
    private readonly parts: TunerParts,
    options: ResolvedTuningOptions,
  ) {
    const { clock } = parts
    this.#options = options
    this.#tickAt = clock.now()
    this.#timer = new Repeated(
      () => clock.now(),
      () => this.tick(),
      () => this.#tickAt,
    )
    this.#timer.wake()
  }

  /** The newest first. */
  get changes(): readonly TuningChange[] {
    return this.#changes
  }

  /** Replaces the options. A change that is not checked yet is undone if its setting has no range anymore. */
  configure(options: ResolvedTuningOptions): void {
    this.#options = options
    const kind = this.#trial?.setting.kind
    if (kind !== undefined && !options.ranges.has(kind)) this.#conclude()
    this.#timer.wake()
  }

  /** Looks at what is due. Never rejects. */
  async tick(): Promise<void> {
    const { clock, onError } = this.parts
    try {
      if (this.#trial === undefined) await this.#advise()
      else await this.#check(this.#trial)
    } catch (error) {
      onError(error)
    }
    this.#tickAt = clock.now() + this.#options.checkMs / CHECKS
  }

  /** Undoes a change that is not checked yet, and stops. */
  close(): void {
    this.#isClosed = true
    this.#timer.close()
    this.#conclude()
  }

  async #advise(): Promise<void> {
    const { clock, settingsOf } = this.parts
    for (const kind of this.#options.ranges.keys()) {
      for (const setting of settingsOf(kind)) {
        const now = clock.now()
        const dueAt = this.#dueAt.get(setting.name)
        if (dueAt !== undefined && now < dueAt) continue
        this.#dueAt.set(setting.name, now + this.#options.checkMs)
        const advice = await setting.advise()
        // Read again: the options can have been replaced meanwhile.
        const range = this.#options.ranges.get(kind)
        // The first call has nothing to compare with.
        if (dueAt !== undefined && range !== undefined && this.#begin(setting, advice, range)) return
      }
    }
  }

  /** @returns Whether the advice was applied. */
  #begin(setting: TunedSetting, advice: TuningAdvice | undefined, { min, max }: TuningRange): boolean {
    if (this.#isClosed || !isApplicable(advice) || setting.current() !== advice.from) return false
    const { kind, from, expected } = advice
    const limit = setting.limit?.() ?? Number.POSITIVE_INFINITY
    const to = Math.min(max, limit, Math.max(min, advice.to))
    const share = (to - from) / (advice.to - from)
    if (share <= 0 || Math.abs(to - from) < from * LEAST_CHANGE) return false
    const promised = { ...expected, to: expected.from + (expected.to - expected.from) * Math.min(1, share) }
    const measurement = setting.measure(from, promised)
    const startedAt = this.parts.clock.now()
    this.#trial = { setting, measurement, startedAt, isMeasuring: false }
    setting.set(to)
    const at = this.parts.clock.wall()
    this.#record({ kind, setting: setting.name, from, to, expected: promised, at, status: 'checking' })
    return true
  }

  async #check(trial: Trial): Promise<void> {
    const { checkMs } = this.#options
    const elapsed = this.parts.clock.now() - trial.startedAt
    if (!trial.isMeasuring && elapsed >= checkMs / 2) {
      trial.isMeasuring = true
      trial.measurement.restart()
    } else if (trial.isMeasuring && elapsed >= checkMs) {
      const result = await this.#resultOf(trial)
      // It can have been undone meanwhile.
      if (this.#trial !== trial) return
      if (result !== undefined || elapsed >= checkMs * PATIENCE) this.#conclude(result)
    }
  }

  async #resultOf({ measurement }: Trial): Promise<MeasuredEffect | undefined> {
    try {
      return await measurement.result()
    } catch (error) {
      this.parts.onError(error)
      return undefined
    }
  }

  /** @param result - `undefined`: the effect is not known, so that the change is undone. */
  #conclude(result?: MeasuredEffect): void {
    const trial = this.#trial
    const [change, ...others] = this.#changes
    if (trial === undefined || change === undefined) return
    const { setting, measurement } = trial
    this.#trial = undefined
    const hasHelped = result?.helped === true
    const now = this.parts.clock.now()
    this.#dueAt.set(setting.name, now + (hasHelped ? this.#options.checkMs : this.#options.retryMs))
    measurement.close()
    // The app may have set another value meanwhile.
    if (!hasHelped && setting.current() === change.to) setting.set(change.from)
    this.#changes = others
    this.#record({
      ...change,
      status: hasHelped ? 'kept' : 'undone',
      checkedAt: this.parts.clock.wall(),
      ...(result === undefined ? {} : { measured: { without: result.without, with: result.with } }),
    })
  }

  #record(change: Omit<TuningChange, 'text'>): void {
    const recorded = { ...change, text: changeText(change) }
    this.#changes = [recorded, ...this.#changes].slice(0, MAX_CHANGES)
    this.parts.onChange(recorded)
  }
}
