import { describe, expect, it } from 'vitest'
import { LoadCeiling } from '../../../src/monitoring/forecast/load-ceiling.ts'
import { LoadForecaster } from '../../../src/monitoring/forecast/load-forecaster.ts'
import { TimeGrid } from '../../../src/monitoring/forecast/time-grid.ts'
import { normal, seeded } from '../seeded.ts'
import { isAccurate, run, runAll, STEP_MS, STEPS_A_DAY, shareOf, timeOf } from './series.ts'

const HOUR = 12
const HORIZONS = [5, 15, 60]

function ceilingOf(values: readonly number[], minutes = 60): number {
  const ceiling = new LoadCeiling(new TimeGrid(STEP_MS), [minutes])
  for (const [step, value] of values.entries()) ceiling.add(step, value)
  return ceiling.at(0)
}

const hours = (...levels: number[]): number[] => levels.flatMap((level) => new Array(HOUR).fill(level))
const days = (...levels: number[]): number[] => levels.flatMap((level) => new Array(STEPS_A_DAY).fill(level))

describe('LoadCeiling', () => {
  it('is the maximum of the last 8 days', () => {
    expect(ceilingOf([3, 900, 5])).toBe(900)
    expect(ceilingOf([900, ...days(5, 5, 5, 5, 5, 5, 5, 5)])).toBe(900)
    expect(ceilingOf([900, ...days(5, 5, 5, 5, 5, 5, 5, 5, 5)])).toBe(5)
  })

  it('forgets the maximum in a gap of more than 8 days', () => {
    const ceiling = new LoadCeiling(new TimeGrid(STEP_MS), [60])
    ceiling.add(0, 900)
    ceiling.add(20 * STEPS_A_DAY, 5)
    expect(ceiling.at(0)).toBe(5)
  })

  it('rises by the least factor of three consecutive periods with a new maximum', () => {
    expect(ceilingOf(hours(10, 20, 30, 60, 60))).toBeCloseTo(60 * 1.5)
    expect(ceilingOf(hours(10, 20, 30, 60).concat(60))).toBeCloseTo(60 * 1.5)
    expect(ceilingOf(hours(10, 20, 30).concat(60))).toBe(60)
  })

  it('rises by a factor of 3 at most', () => {
    expect(ceilingOf(hours(1, 10, 100, 1000).concat(1000))).toBe(3000)
  })

  it('does not rise for a burst, a period without a new maximum, or growth from zero', () => {
    expect(ceilingOf(hours(1, 1, 1, 1000, 1000, 1))).toBe(1000)
    expect(ceilingOf(hours(10, 20, 30, 30, 60, 60))).toBe(60)
    expect(ceilingOf(hours(0, 0, 0, 60, 60))).toBe(60)
  })

  it('does not rise over a gap', () => {
    const ceiling = new LoadCeiling(new TimeGrid(STEP_MS), [60])
    for (const [hour, value] of [5, 10, 20, 40, 0, 80].entries())
      if (value > 0) for (let at = 0; at < HOUR; at += 1) ceiling.add(hour * HOUR + at, value)
    expect(ceiling.at(0)).toBe(80)
  })

  it('compares days as well as periods of the horizon, of at least 15 minutes', () => {
    expect(ceilingOf(days(10, 20, 40, 80).concat(1))).toBe(160)
    const quarters = [10, 20, 40, 80].flatMap((level) => [level, level, level]).concat(80)
    expect(ceilingOf(quarters, 5)).toBe(160)
    expect(ceilingOf(quarters, 60)).toBe(80)
  })
})

type Draw = (step: number, random: () => number) => number

/** Each call continues the series. */
function bursts(idle: number, height: (random: () => number) => number): Draw {
  let left = 0
  let level = 0
  return (_, random) => {
    left -= 1
    if (left < -10 && random() < 0.03) {
      left = 1 + Math.floor(random() * 9)
      level = height(random)
    }
    return left > 0 ? level * (0.8 + 0.4 * random()) : idle
  }
}

/** Loads whose growth cannot be extrapolated. */
const wild: Readonly<Record<string, () => Draw>> = {
  'nothing and bursts': () => bursts(0, (random) => 40 * 100 ** random()),
  'next to nothing and bursts': () => bursts(0.02, (random) => 7e5 * (0.5 + random())),
  'a burst at the same time each day': () => (step) => (step % STEPS_A_DAY < 4 ? 3000 : 0),
  'bursts that begin earlier each day': () => (step) =>
    (step + 7 * Math.floor(step / STEPS_A_DAY)) % STEPS_A_DAY < 9 ? 800 : 0.001,
  'a week of nothing, then work': () => (step) => (step < 7 * STEPS_A_DAY ? 0 : 50 + 20 * Math.sin(step / 9)),
  'single peaks': () => (_, random) => (random() < 0.004 ? 1e9 * random() : random()),
  'a weekly batch': () => (step) => (step % (7 * STEPS_A_DAY) < 30 ? 9e4 : 2 + Math.sin(step / 45)),
}

describe('the forecasts of a load without growth', () => {
  for (const [name, drawOf] of Object.entries(wild)) {
    for (const model of ['mixture', 'linear'] as const) {
      it(`are at most 1.5 times the maximum, and their bounds twice, for ${name} (${model})`, () => {
        const random = seeded(17)
        const draw = drawOf()
        const load = Array.from({ length: 16 * STEPS_A_DAY }, (_, step) => draw(step, random))
        const byHorizon = runAll(new LoadForecaster({ stepMs: STEP_MS, model }), load, HORIZONS)
        for (const forecasts of byHorizon) {
          let maximum = 0
          for (const [step, forecast] of forecasts.entries()) {
            maximum = Math.max(maximum, load[step] ?? 0)
            // Values are stored with 24 bits.
            const rounding = 1 + 1e-6
            expect(forecast?.value).toBeLessThanOrEqual(1.5 * maximum * rounding)
            expect(forecast?.upper).toBeLessThanOrEqual((step < 60 ? 6 : 2) * maximum * rounding)
          }
        }
      })
    }
  }
})

describe('the forecasts of a load that grows', () => {
  it('follow a daily load that becomes 60% higher each day', () => {
    const random = seeded(23)
    const load = Array.from({ length: 9 * STEPS_A_DAY }, (_, step) => {
      const day = (2 * Math.PI * step) / STEPS_A_DAY
      return (
        1.6 ** Math.floor(step / STEPS_A_DAY) * (100 + 90 * Math.sin(day)) * Math.exp(0.03 * normal(random))
      )
    })
    const [, , hourly = []] = runAll(new LoadForecaster({ stepMs: STEP_MS }), load, HORIZONS)
    const peak = (day: number) => day * STEPS_A_DAY + STEPS_A_DAY / 4
    for (const day of [6, 7, 8])
      expect(
        shareOf(load, hourly, HOUR, [peak(day) - 4 * HOUR, peak(day) + 2 * HOUR], isAccurate),
      ).toBeGreaterThan(0.8)
  })

  it('exceed 1.5 times the maximum after it has doubled each hour', () => {
    const load = Array.from({ length: 10 * HOUR }, (_, step) => 10 * 2 ** (step / HOUR))
    const forecaster = new LoadForecaster({ stepMs: STEP_MS, model: 'linear' })
    run(forecaster, load, 60)
    const maximum = load.at(-1) ?? 0
    expect(forecaster.predict(60)?.value).toBeGreaterThan(1.5 * maximum)
    expect(forecaster.predict(60)?.value).toBeLessThan(4.5 * maximum)
    expect(forecaster.predict(60)?.upper).toBeGreaterThan(2 * maximum)
  })

  it('count the mean of several samples of a step as its value', () => {
    const forecaster = new LoadForecaster({ stepMs: STEP_MS, model: 'linear' })
    forecaster.add(100, timeOf(0))
    for (const value of [100, 700]) forecaster.add(value, timeOf(1))
    forecaster.add(300, timeOf(2))
    expect(forecaster.predict(5)?.value).toBeCloseTo(800 / 3 + 200, 3)
  })
})
