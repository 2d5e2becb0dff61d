import type { Clock } from '../shared/clock.ts'
import { LoadForecaster } from './forecast/load-forecaster.ts'
import { MINUTE_MS } from './forecast/time-grid.ts'
import { AutoScaler, SETTLE_SECONDS, START_UP_SECONDS } from './scaling/auto-scaler.ts'
import type { Forecasts, WorkerState } from './scaling/control/control-options.ts'
import { checkTrialState } from './scaling/control/forecast-trial.ts'
import { TARGET } from './scaling/control/load-rule.ts'
import type { ScalingEvent } from './scaling/scaling-history.ts'
import type { ScalingOptions } from './scaling/scaling-options.ts'

/** Among saved forecasts, those of the load that scaling uses, and whether they help. */
const SCALED_LOAD = 'scaling load'
const TRIAL = 'scaling trial'
/** A decision looks so many minutes beyond the time that a worker needs to be up. */
const MINUTES_BEYOND = 2
const MAX_MINUTES = 1_440

export interface ScalingDeskParts {
  readonly clock: Clock
  /** From when the cost is counted, by the clock. */
  readonly startedAt: number
  readonly current: (metric: string) => number | undefined
  readonly state: () => Omit<WorkerState, 'current'>
  readonly onDecided: (event: ScalingEvent) => void
  readonly onDone: (desired: number) => void
  readonly onError: (error: unknown) => void
}

/** Cost of scaling, compared with the requirement of the load. */
export interface ScalingCost {
  /** Existing workers, times hours. */
  readonly workerHours: number
  /** Required workers, times hours, by the capacity of a worker; without a rule, `minWorkers`. */
  readonly leastWorkerHours: number
  readonly hours: number
}

/** Scaling of the engine: the scaler, the forecasts of its load, and its cost. */
export class ScalingDesk {
  readonly scaler: AutoScaler
  readonly #clock: Clock
  readonly #least: number
  /** Capacity of a worker at the target utilization. */
  readonly #each: number
  #forecaster: LoadForecaster
  #addedAt: number
  #countedAt: number
  #workerSeconds = 0
  #leastSeconds = 0
  #seconds = 0

  /** @throws InvalidOptionError. */
  constructor(options: ScalingOptions, parts: ScalingDeskParts) {
    const { clock, startedAt, current, state, onDecided, onDone, onError } = parts
    this.#clock = clock
    this.#addedAt = clock.now()
    this.#countedAt = startedAt
    this.#least = options.minWorkers ?? 1
    this.#each = (options.rule?.capacity ?? Number.POSITIVE_INFINITY) * TARGET
    const startUp = options.rule?.startUpSeconds ?? START_UP_SECONDS
    const first = Math.min(
      MAX_MINUTES - MINUTES_BEYOND,
      Math.max(1, Math.ceil((startUp + SETTLE_SECONDS) / 60)),
    )
    const longest = first + MINUTES_BEYOND
    this.#forecaster = new LoadForecaster({ horizonsMinutes: [first, first + 1, longest] })
    const forecasts: Forecasts = {
      at: (seconds) => {
        const passed = (clock.now() - this.#addedAt) / 1_000
        const forecast = this.#forecaster.predict(Math.min(longest, Math.max(1, (seconds + passed) / 60)))
        return forecast && { p50: forecast.value, p90: forecast.p90, accuracy: forecast.recentAccuracy }
      },
    }
    this.scaler = new AutoScaler(options, {
      clock,
      forecasts,
      state,
      read: current,
      onMinute: (perSecond) => this.#learn(perSecond),
      onListenerError: onError,
    })
    this.scaler.on('scaling:decided', onDecided)
    this.scaler.on('scaling:done', ({ desired }) => onDone(desired))
    this.scaler.on('scaling:failed', ({ error }) => onError(error))
    // A rule decides automatically from the start; policies, when there is one.
    if (options.rule !== undefined) this.scaler.start()
  }

  /** Since `startedAt`; `undefined` while it is not known how many workers there are. */
  cost(): ScalingCost | undefined {
    this.count()
    if (this.#seconds === 0) return undefined
    return {
      workerHours: this.#workerSeconds / 3_600,
      leastWorkerHours: this.#leastSeconds / 3_600,
      hours: this.#seconds / 3_600,
    }
  }

  /** Counts what the workers have cost since the last time. */
  count(): void {
    const now = this.#clock.now()
    const seconds = (now - this.#countedAt) / 1_000
    this.#countedAt = now
    const { workers, load = 0 } = this.scaler
    if (workers === undefined) return
    this.#seconds += seconds
    this.#workerSeconds += workers * seconds
    this.#leastSeconds += Math.max(this.#least, Math.ceil(load / this.#each)) * seconds
  }

  /** State of the forecasts, and of their trial if there is a rule, as plain data. */
  save(): Readonly<Record<string, unknown>> {
    const trial = this.scaler.trial?.save()
    return { [SCALED_LOAD]: this.#forecaster.save(), ...(trial === undefined ? {} : { [TRIAL]: trial }) }
  }

  /**
   * @param states - May contain others, and may lack any.
   * @returns The other states, and a function that replaces the learned state with the saved one.
   * @throws InvalidArgumentError
   */
  restored({ [SCALED_LOAD]: load, [TRIAL]: trial, ...others }: Readonly<Record<string, unknown>>): {
    readonly others: Readonly<Record<string, unknown>>
    readonly take: () => void
  } {
    const forecaster = load === undefined ? undefined : LoadForecaster.restore(load)
    const tried = trial === undefined ? undefined : checkTrialState(trial)
    const take = () => {
      if (forecaster !== undefined) this.#forecaster = forecaster
      if (tried !== undefined) this.scaler.trial?.restore(tried)
    }
    return { others, take }
  }

  close(): void {
    this.scaler.close()
  }

  #learn(perSecond: number): void {
    this.#addedAt = this.#clock.now()
    // Missing is not zero.
    if (!Number.isNaN(perSecond)) this.#forecaster.add(perSecond, this.#clock.wall() - MINUTE_MS)
  }
}
