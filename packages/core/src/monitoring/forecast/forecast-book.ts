import { InvalidArgumentError } from '../../shared/errors.ts'
import { AnomalyWatch, type MetricAnomaly } from '../trends.ts'
import type { Prediction } from './forecaster-state.ts'
import { LoadForecaster } from './load-forecaster.ts'
import { MINUTE_MS } from './time-grid.ts'

const HORIZONS: readonly number[] = [5, 15, 60]
const LONGEST = 60
/** Interval of the values that a forecaster learns from. */
const STEP_MS = MINUTE_MS

interface ForecastParts {
  readonly metrics: readonly string[]
  readonly current: (metric: string) => number | undefined
  readonly wall: () => number
  readonly onAnomaly: (anomaly: MetricAnomaly) => void
}

interface Followed {
  forecaster: LoadForecaster
  readonly anomalies: AnomalyWatch
}

/** Forecasts by metric; each learns one value per step. */
export class ForecastBook {
  readonly #followed = new Map<string, Followed>()
  #step = Number.NEGATIVE_INFINITY

  constructor(private readonly parts: ForecastParts) {
    for (const metric of parts.metrics) this.#follow(metric)
  }

  /** Learns the current values if a step has ended. */
  tick(): void {
    const { wall, current, onAnomaly } = this.parts
    const now = wall()
    const step = Math.floor(now / STEP_MS)
    if (step === this.#step) return
    this.#step = step
    for (const [metric, { forecaster, anomalies }] of this.#followed) {
      const value = current(metric)
      if (value === undefined) continue
      const expected = forecaster.predict(STEP_MS / MINUTE_MS)?.value
      // A time that was seen before, because the clock was set back.
      if (!forecaster.add(value, now) || expected === undefined) continue
      const anomaly = anomalies.see(value, expected, now)
      if (anomaly !== undefined) onAnomaly(anomaly)
    }
  }

  /**
   * @returns `undefined` as long as nothing came.
   * @throws InvalidArgumentError for minutes that are not from above 0 to 60.
   */
  predict(metric: string, minutesAhead: number): Prediction | undefined {
    if (!(minutesAhead > 0 && minutesAhead <= LONGEST))
      throw new InvalidArgumentError('minutesAhead', `a number above 0, at most ${LONGEST}`, minutesAhead)
    const { forecaster } = this.#followed.get(metric) ?? this.#follow(metric)
    const known = forecaster.predict(minutesAhead)
    if (known !== undefined) return known
    // Before the end of the first step.
    const value = this.parts.current(metric)
    if (value === undefined) return undefined
    forecaster.add(value, this.parts.wall())
    return forecaster.predict(minutesAhead)
  }

  anomalies(metric: string | undefined): readonly MetricAnomaly[] {
    const followed = metric === undefined ? [...this.#followed.values()] : [this.#followed.get(metric)]
    return followed.flatMap((one) => one?.anomalies.found ?? []).sort((a, b) => a.timestamp - b.timestamp)
  }

  /** Plain data for `restore`, by metric. */
  save(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      [...this.#followed].map(([metric, { forecaster }]) => [metric, forecaster.save()]),
    )
  }

  /** @throws InvalidArgumentError for an invalid state; nothing is restored then. */
  restore(states: Readonly<Record<string, unknown>>): void {
    const restored = Object.entries(states).map(
      ([metric, state]) => [metric, LoadForecaster.restore(state)] as const,
    )
    for (const [metric, forecaster] of restored)
      (this.#followed.get(metric) ?? this.#follow(metric)).forecaster = forecaster
  }

  #follow(metric: string): Followed {
    const followed = {
      forecaster: new LoadForecaster({
        stepMs: STEP_MS,
        horizonsMinutes: [STEP_MS / MINUTE_MS, ...HORIZONS],
      }),
      anomalies: new AnomalyWatch(metric),
    }
    this.#followed.set(metric, followed)
    return followed
  }
}
