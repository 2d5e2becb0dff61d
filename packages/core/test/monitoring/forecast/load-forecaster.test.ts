import { describe, expect, it } from 'vitest'
import type { Prediction } from '../../../src/monitoring/forecast/forecaster-state.ts'
import { LoadForecaster } from '../../../src/monitoring/forecast/load-forecaster.ts'
import { normal, seeded } from '../seeded.ts'
import { dailyLoad, run, STEP_MS, timeOf } from './series.ts'

const INVALID_ARGUMENT = expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' })
const INVALID_OPTION = expect.objectContaining({ code: 'SLUICE_INVALID_OPTION' })
const MINUTES = [1, 5, 10, 15, 40, 60]

function five(): LoadForecaster {
  return new LoadForecaster({ stepMs: STEP_MS })
}

function expectSound(forecast: Prediction | undefined): void {
  const { value, lower, upper, p90 } = forecast as Prediction
  for (const number of [value, lower, upper, p90]) expect(number).toSatisfy(Number.isFinite)
  expect(lower).toBeGreaterThanOrEqual(0)
  expect(value).toBeGreaterThanOrEqual(lower)
  expect(p90).toBeGreaterThanOrEqual(value)
  expect(upper).toBeGreaterThanOrEqual(p90)
}

describe('LoadForecaster', () => {
  it('returns undefined before the first sample', () => {
    expect(five().predict(5)).toBeUndefined()
  })

  it('forecasts the value of the first sample with a wide interval', () => {
    const forecaster = five()
    forecaster.add(100, timeOf(0))
    for (const minutes of MINUTES) {
      const forecast = forecaster.predict(minutes)
      expectSound(forecast)
      expect(forecast).toMatchObject({
        value: expect.closeTo(100, 6),
        model: 'mixture',
        horizonMinutes: minutes,
        recentAccuracy: undefined,
      })
      expect(forecast?.lower).toBeLessThan(33)
      expect(forecast?.upper).toBeGreaterThan(300)
    }
  })

  const awkward: Readonly<Record<string, (step: number, random: () => number) => number | undefined>> = {
    'nothing but zeros': () => 0,
    'one value for ever': () => 42,
    'zeros and spikes': (step) => (step % 7 === 0 ? 1e6 : 0),
    'values of all sizes': (_, random) => 10 ** (random() * 60 - 30),
    'the greatest value': () => 1e30,
    'a load that multiplies again and again': (step) => Math.min(1e30, 7 ** Math.floor(step / 40)),
    'a load that dies': (step) => 1e9 * 0.9 ** step,
    'values with gaps': (step, random) =>
      random() < 0.3 || step % 500 < 90 ? undefined : 100 * Math.exp(0.3 * normal(random)),
  }
  for (const [name, draw] of Object.entries(awkward)) {
    it(`stays finite for ${name}`, () => {
      const random = seeded(7)
      const forecaster = five()
      for (let step = 0; step < 2500; step += 1) {
        const value = draw(step, random)
        if (value === undefined) continue
        forecaster.add(value, timeOf(step))
        if (step < 20 || step % 10 === 0)
          for (const minutes of MINUTES) expectSound(forecaster.predict(minutes))
      }
    })
  }

  it('stays accurate for a constant load, and adapts to a change afterwards', () => {
    const forecaster = five()
    for (let step = 0; step < 15_000; step += 1) forecaster.add(42, timeOf(step))
    const forecast = forecaster.predict(60)
    expectSound(forecast)
    expect(forecast?.value).toBeCloseTo(42, 3)
    for (const [at, value] of [60, 61, 59, 60, 60, 61].entries()) forecaster.add(value, timeOf(15_000 + at))
    expect(forecaster.predict(5)?.value).toBeGreaterThan(50)
  })

  it('treats zeros as values, and missing samples as unknown', () => {
    const beginning = dailyLoad(2)
    const [zeros, gap] = [five(), five()]
    run(zeros, [...beginning, ...new Array(24).fill(0)], 5)
    run(gap, beginning, 5)
    const before = gap.predict(5)?.value ?? 0
    gap.add(before, timeOf(beginning.length + 24))
    expect(zeros.predict(5)?.value).toBeLessThan(0.1 * before)
    expect(gap.predict(5)?.value).toBeGreaterThan(0.7 * before)
  })

  it('keeps the time of day across a gap', () => {
    const load = dailyLoad(6, { noise: 0.02 })
    const holed = load.map((value, step) => (step > 1000 && step < 1150 ? undefined : value))
    const forecaster = five()
    run(forecaster, holed, 60)
    expect(forecaster.predict(60)?.value).toBeCloseTo(100 + 60 * Math.sin((2 * Math.PI * 11) / 288), -1)
  })

  it('discards history after a gap of months', () => {
    const forecaster = five()
    run(forecaster, dailyLoad(9), 5)
    forecaster.add(1000, timeOf(50_000))
    expectSound(forecaster.predict(60))
    expect(forecaster.predict(60)?.value).toBeGreaterThan(500)
  })

  it('averages several samples of a step', () => {
    const forecaster = new LoadForecaster({ stepMs: STEP_MS, model: 'linear' })
    for (const value of [90, 100, 140]) expect(forecaster.add(value, timeOf(0) + value)).toBe(true)
    for (const value of [120, 0, 240]) forecaster.add(value, timeOf(1) + value)
    forecaster.add(130, timeOf(2))
    expect(forecaster.predict(5)?.value).toBeCloseTo(140, 3)
  })

  it('throws for invalid loads and times', () => {
    const forecaster = five()
    for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e31])
      expect(() => forecaster.add(value, 0)).toThrow(INVALID_ARGUMENT)
    for (const value of ['5', null, undefined, 5n, {}])
      expect(() => forecaster.add(value as number, 0)).toThrow(INVALID_ARGUMENT)
    expect(forecaster.predict(5)).toBeUndefined()
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => forecaster.add(1, time)).toThrow(INVALID_ARGUMENT)
  })

  it('throws for horizons that it does not learn', () => {
    const forecaster = five()
    for (const minutes of [0, -5, 61, Number.NaN])
      expect(() => forecaster.predict(minutes)).toThrow(INVALID_ARGUMENT)
    expect(() => forecaster.predict(61)).toThrow('at most 60 (option horizonsMinutes)')
  })

  it('interpolates between two learned horizons', () => {
    const forecaster = new LoadForecaster({ stepMs: STEP_MS, horizonsMinutes: [20, 5] })
    run(forecaster, dailyLoad(2), 5)
    const [near, between, far] = [5, 10, 20].map((minutes) => forecaster.predict(minutes) as Prediction)
    for (const key of ['value', 'lower', 'upper', 'p90', 'recentAccuracy'] as const) {
      expect(between?.[key]).toBeCloseTo(((near?.[key] ?? 0) * 2 + (far?.[key] ?? 0)) / 3, 10)
    }
    expect(forecaster.predict(1)?.value).toBe(near?.value)
  })

  it('throws for invalid options', () => {
    for (const stepMs of [999, 3_600_001, 420_000, 1.5])
      expect(() => new LoadForecaster({ stepMs })).toThrow(INVALID_OPTION)
    for (const horizonsMinutes of [[], [0], [1441], [Number.NaN], [1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
      expect(() => new LoadForecaster({ horizonsMinutes })).toThrow(INVALID_OPTION)
    }
    expect(() => new LoadForecaster({ model: 'magic' as 'linear' })).toThrow(INVALID_OPTION)
  })

  it('accepts steps from 1 second to 1 hour', () => {
    for (const stepMs of [1000, 15_000, 45_000, 120_000, 3_600_000]) {
      const forecaster = new LoadForecaster({ stepMs })
      for (let step = 0; step < 2000; step += 1) forecaster.add(100 + (step % 10), timeOf(step, stepMs))
      for (const minutes of MINUTES) expectSound(forecaster.predict(minutes))
    }
  })

  it('uses at most 32 KB for numbers, regardless of how long it runs', () => {
    for (const stepMs of [1000, 60_000, STEP_MS, 3_600_000]) {
      const forecaster = new LoadForecaster({ stepMs })
      const { bytes } = forecaster
      for (let step = 0; step < 5000; step += 1) forecaster.add(step % 100, timeOf(step, stepMs))
      expect(forecaster.bytes).toBe(bytes)
      expect(bytes).toBeLessThanOrEqual(32_768)
    }
  })
})
