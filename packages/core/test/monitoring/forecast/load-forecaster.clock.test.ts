import { describe, expect, it } from 'vitest'
import { LoadForecaster } from '../../../src/monitoring/forecast/load-forecaster.ts'
import { dailyLoad, isAccurate, run, STEP_MS, STEPS_A_DAY, shareOf, timeOf } from './series.ts'

const HOUR_MS = 3_600_000

describe('LoadForecaster and the clock', () => {
  it('rejects late samples, which do not change its forecasts', () => {
    const [with_, without] = [
      new LoadForecaster({ stepMs: STEP_MS }),
      new LoadForecaster({ stepMs: STEP_MS }),
    ]
    for (const [step, value] of dailyLoad(1).entries()) {
      expect(with_.add(value, timeOf(step))).toBe(true)
      without.add(value, timeOf(step))
      if (step > 3) expect(with_.add(5000, timeOf(step - 3))).toBe(false)
      expect(with_.predict(15)).toEqual(without.predict(15))
    }
  })

  it('keeps its seasons when the clock is set back by hours', () => {
    const load = dailyLoad(8, { noise: 0.02 })
    const forecaster = new LoadForecaster({ stepMs: STEP_MS })
    const forecasts = load.map((value, step) => {
      forecaster.add(value, timeOf(step) - (step > 6 * STEPS_A_DAY ? 7 * HOUR_MS : 0))
      return forecaster.predict(60)
    })
    expect(
      shareOf(load, forecasts, 12, [6 * STEPS_A_DAY + 5, 8 * STEPS_A_DAY - 12], isAccurate),
    ).toBeGreaterThan(0.98)
  })

  it('stays finite and continues when the clock jumps ahead by years and back', () => {
    const forecaster = new LoadForecaster({ stepMs: STEP_MS })
    run(forecaster, dailyLoad(2), 5)
    const year = 365 * 24 * HOUR_MS
    forecaster.add(100, timeOf(600) + 20 * year)
    expect(forecaster.predict(60)?.value).toSatisfy(Number.isFinite)
    for (let step = 601; step < 640; step += 1) forecaster.add(100, timeOf(step))
    expect(forecaster.predict(60)?.value).toBeGreaterThan(80)
    expect(forecaster.predict(60)?.value).toBeLessThan(120)
    for (const at of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0]) forecaster.add(100, at)
    expect(forecaster.predict(60)?.value).toSatisfy(Number.isFinite)
  })
})
