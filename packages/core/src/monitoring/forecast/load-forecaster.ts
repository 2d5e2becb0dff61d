import { InvalidArgumentError } from '../../shared/errors.ts'
import { profileNow } from './experts/experts.ts'
import {
  countState,
  type ForecasterState,
  type LoadForecasterOptions,
  optionsOfState,
  type Prediction,
  type ResolvedLoadForecasterOptions,
  readState,
  resolveLoadForecasterOptions,
  type StateVisitor,
  writeState,
} from './forecaster-state.ts'
import { HorizonForecaster } from './horizon-forecaster.ts'
import { LevelShift } from './level-shift.ts'
import { LoadCeiling } from './load-ceiling.ts'
import { DayRange, LoadHistory } from './load-history.ts'
import { PeriodSearch } from './period-search.ts'
import { type LoadContext, PresentLoad } from './present-load.ts'
import { LogScale, StepClock, TimeGrid } from './time-grid.ts'

/** Maximum sample; `Float32Array` supports it, and everything that is computed from it. */
const MOST_VALUE = 1e30

/**
 * Forecasts a load some minutes ahead, from the first sample on and without training. It keeps eight days of
 * a series in less than 40 KB.
 *
 * @example
 * const forecaster = new LoadForecaster()
 * forecaster.add(requestsPerSecond, Date.now()) // once a minute
 * const { value, upper } = forecaster.predict(15) ?? {}
 */
export class LoadForecaster {
  readonly #options: ResolvedLoadForecasterOptions
  readonly #clock: StepClock
  readonly #context: LoadContext
  readonly #horizons: readonly HorizonForecaster[]
  readonly #shift: LevelShift
  readonly #ceiling: LoadCeiling
  #samplesOfStep = 0

  /** @throws InvalidOptionError */
  constructor(options: LoadForecasterOptions = {}) {
    this.#options = resolveLoadForecasterOptions(options)
    const { stepMs, horizonsMinutes, model } = this.#options
    const grid = new TimeGrid(stepMs)
    this.#clock = new StepClock(stepMs)
    this.#context = {
      grid,
      history: new LoadHistory(grid),
      scale: new LogScale(grid),
      range: new DayRange(grid),
      periods: new PeriodSearch(grid),
      present: new PresentLoad(grid),
    }
    this.#shift = new LevelShift(grid)
    this.#ceiling = new LoadCeiling(grid, horizonsMinutes)
    this.#horizons = horizonsMinutes.map((minutes) => new HorizonForecaster(minutes, grid, model))
  }

  /**
   * Restores what `save` gave: it forecasts as the saved one would.
   *
   * @throws InvalidArgumentError when it is not a state, is of another version, or was damaged.
   */
  static restore(state: unknown): LoadForecaster {
    const forecaster = new LoadForecaster(optionsOfState(state))
    readState(state, (visitor) => forecaster.#visit(visitor))
    return forecaster
  }

  /** Returns plain JSON data for `restore`, about 40 KB. */
  save(): ForecasterState {
    return writeState(this.#options, (visitor) => this.#visit(visitor))
  }

  /** Bytes of the stored numbers. Constant. */
  get bytes(): number {
    return countState((visitor) => this.#visit(visitor))
  }

  /**
   * Adds a sample, about one per step. Steps without a sample are missing, which is not 0. A second sample of
   * a step changes its value to the mean of both, and is not learned from. If the clock is set back, samples
   * are ignored until 3 consecutive ones continue from there; then time counts as continuous.
   *
   * @param value - From 0 to 1e30.
   * @param atMs - Wall-clock time in milliseconds.
   * @returns Whether it was accepted: `false` if it is older than the latest.
   * @throws InvalidArgumentError
   */
  add(value: number, atMs: number): boolean {
    if (!(typeof value === 'number' && value >= 0 && value <= MOST_VALUE))
      throw new InvalidArgumentError('value', 'a number from 0 to 1e30', value)
    if (!Number.isFinite(atMs)) throw new InvalidArgumentError('atMs', 'a time in milliseconds', atMs)
    const { history } = this.#context
    const step = this.#clock.stepOf(atMs)
    if (step === undefined) return false
    if (step === history.step) this.#average(value)
    else this.#take(step, value)
    return true
  }

  #average(value: number): void {
    const { history } = this.#context
    this.#samplesOfStep += 1
    history.replace(history.last + (value - history.last) / this.#samplesOfStep)
    this.#ceiling.add(history.step, history.last)
  }

  #take(step: number, value: number): void {
    const context = this.#context
    const { history, scale, range, periods, present } = context
    const previousCell = history.cell
    this.#samplesOfStep = 1
    if (step > history.step + 1) this.#shift.interrupt()
    history.add(step, value)
    this.#ceiling.add(step, value)
    if (history.cell !== previousCell) range.update(history)
    periods.advance(history, scale, previousCell)
    scale.add(value, step + 1)
    // The linear model is what it is: a line through what was.
    if (this.#options.model === 'mixture') this.#followLevel()
    for (const horizon of this.#horizons) horizon.learn(context, this.#shift.isUncertain)
    present.update(history, scale)
    for (const [at, horizon] of this.#horizons.entries()) horizon.forecast(context, this.#ceiling.at(at))
  }

  /**
   * After a change of level, previous days are moved to the new level, so that their seasonality remains
   * valid.
   */
  #followLevel(): void {
    const { history, scale, range, present } = this.#context
    const [shortest] = this.#horizons
    const profile = profileNow(this.#context)
    if (shortest === undefined || Number.isNaN(profile)) return
    const shift = this.#shift.add(scale.log(history.last) - profile, shortest.surprise(this.#context))
    if (shift === undefined) return
    const factor = Math.exp(shift.log)
    history.rescale(factor, history.step - shift.steps + 1)
    scale.rescale(factor)
    range.update(history)
    present.average *= factor
    for (const horizon of this.#horizons) horizon.translate(shift.log, history.step)
  }

  /**
   * Forecasts the load at a time after the latest sample.
   *
   * @param horizonMinutes - Above 0, and at most the longest of the option `horizonsMinutes`.
   * @returns `undefined` as long as there is no sample.
   * @throws InvalidArgumentError
   */
  predict(horizonMinutes: number): Prediction | undefined {
    const horizons = this.#horizons
    const after = horizons.findIndex(({ minutes }) => minutes >= horizonMinutes)
    const later = horizons[after]
    if (later === undefined || !(horizonMinutes > 0)) {
      const longest = horizons.at(-1)?.minutes
      throw new InvalidArgumentError(
        'horizonMinutes',
        `a number above 0, at most ${longest} (option horizonsMinutes)`,
        horizonMinutes,
      )
    }
    if (this.#context.history.isEmpty) return undefined
    const earlier = horizons[after - 1] ?? later
    const share =
      later === earlier ? 1 : (horizonMinutes - earlier.minutes) / (later.minutes - earlier.minutes)
    // Rounding keeps the order of the bounds.
    const between = (from: number, to: number): number => (1 - share) * from + share * to
    return {
      value: between(earlier.value, later.value),
      lower: between(earlier.lower, later.lower),
      upper: between(earlier.upper, later.upper),
      p90: between(earlier.p90, later.p90),
      model: this.#options.model,
      recentAccuracy:
        earlier.scored > 0 && later.scored > 0 ? between(earlier.accuracy, later.accuracy) : undefined,
      horizonMinutes,
    }
  }

  #visit(state: StateVisitor): void {
    const { history, scale, range, periods, present } = this.#context
    this.#samplesOfStep = state.integer(this.#samplesOfStep, 0)
    for (const part of [
      this.#clock,
      history,
      scale,
      range,
      periods,
      present,
      this.#shift,
      this.#ceiling,
      ...this.#horizons,
    ])
      part.visit(state)
  }
}
