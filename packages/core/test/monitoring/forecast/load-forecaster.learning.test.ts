import { describe, expect, it } from 'vitest'
import { LoadForecaster } from '../../../src/monitoring/forecast/load-forecaster.ts'
import { normal, seeded } from '../seeded.ts'
import { dailyLoad, isAccurate, isCovered, run, runAll, STEP_MS, STEPS_A_DAY, shareOf } from './series.ts'

function five(model: 'mixture' | 'linear' = 'mixture'): LoadForecaster {
  return new LoadForecaster({ stepMs: STEP_MS, model })
}

/** A load with steep changes during the day, for which the last value is a poor forecast. */
function steepLoad(days: number): number[] {
  const random = seeded(5)
  return Array.from({ length: days * STEPS_A_DAY }, (_, step) => {
    const hour = (step % STEPS_A_DAY) / 12
    return (hour > 9 && hour < 17 ? 400 : 100) * Math.exp(0.04 * normal(random))
  })
}

describe('LoadForecaster learning', () => {
  it('finds the daily season and forecasts a jump in advance', () => {
    const load = steepLoad(5)
    const forecasts = run(five(), load, 60)
    const jump = 4 * STEPS_A_DAY + 9 * 12
    expect(shareOf(load, forecasts, 12, [jump - 12, jump], isAccurate)).toBeGreaterThan(0.6)
    expect(shareOf(load, forecasts, 12, [3 * STEPS_A_DAY, 5 * STEPS_A_DAY - 12], isAccurate)).toBeGreaterThan(
      0.96,
    )
  })

  it('finds a period other than a day', () => {
    const random = seeded(3)
    const load = Array.from(
      { length: 3 * STEPS_A_DAY },
      (_, step) => (step % 11 < 3 ? 200 : 50) * Math.exp(0.04 * normal(random)),
    )
    const forecasts = run(five(), load, 15)
    expect(shareOf(load, forecasts, 3, [2 * STEPS_A_DAY, 3 * STEPS_A_DAY - 3], isAccurate)).toBeGreaterThan(
      0.95,
    )
  })

  for (const factor of [3, 1 / 3]) {
    it(`recovers within minutes when the level becomes ${factor < 1 ? '33%' : '300%'} of its former value`, () => {
      const at = Math.round(8.4 * STEPS_A_DAY)
      for (const noise of [0.02, 0.05]) {
        const load = dailyLoad(10, { noise }).map((value, step) => (step >= at ? factor * value : value))
        for (const [index, forecasts] of runAll(five(), load, [5, 15, 60]).entries()) {
          expect(
            shareOf(load, forecasts, [1, 3, 12][index] ?? 0, [at + 3, at + STEPS_A_DAY], isAccurate),
          ).toBeGreaterThan(0.98)
        }
      }
    })
  }

  it('ignores a surge after it has ended', () => {
    const from = Math.round(8.4 * STEPS_A_DAY)
    const load = dailyLoad(10).map((value, step) => (step >= from && step < from + 12 ? 4 * value : value))
    const forecasts = run(five(), load, 60)
    expect(shareOf(load, forecasts, 12, [from + 15, from + STEPS_A_DAY], isAccurate)).toBeGreaterThan(0.95)
  })

  it('is as accurate on the second day if the first day contains no pattern', () => {
    const random = seeded(9)
    let log = 0
    const load = Array.from({ length: 2 * STEPS_A_DAY + 1 }, () => {
      log += 0.05 * normal(random) - 0.002 * log
      return 100 * Math.exp(log)
    })
    const forecasts = run(five(), load, 5)
    expect(shareOf(load, forecasts, 1, [STEPS_A_DAY, 2 * STEPS_A_DAY], isAccurate)).toBeGreaterThan(0.97)
  })

  const loads: Readonly<Record<string, (seed: number) => number[]>> = {
    'a daily load': (seed) => dailyLoad(14, { noise: 0.1, seed }),
    'a load whose noise changes': (seed) => {
      const random = seeded(seed)
      return Array.from(
        { length: 14 * STEPS_A_DAY },
        (_, step) => 100 * Math.exp((step % 600 < 300 ? 0.02 : 0.3) * normal(random)),
      )
    },
    'a load that wanders': (seed) => {
      const random = seeded(seed)
      let log = 0
      return Array.from({ length: 14 * STEPS_A_DAY }, () => {
        log += 0.05 * normal(random) - 0.001 * log
        return 100 * Math.exp(log)
      })
    },
    'few events': (seed) => {
      const random = seeded(seed)
      return Array.from({ length: 14 * STEPS_A_DAY }, () => Math.floor(-4 * Math.log(1 - random())))
    },
  }
  for (const [name, draw] of Object.entries(loads)) {
    it(`has ${name} in its interval in about 90% of cases`, () => {
      for (const seed of [1, 2]) {
        const load = draw(seed)
        for (const [index, forecasts] of runAll(five(), load, [5, 60]).entries()) {
          const covered = shareOf(
            load,
            forecasts,
            [1, 12][index] ?? 0,
            [4 * STEPS_A_DAY, load.length - 12],
            isCovered,
          )
          expect(covered).toBeGreaterThan(0.87)
          expect(covered).toBeLessThan(0.95)
        }
      }
    })
  }

  it('reports its recent accuracy', () => {
    const steady = five()
    run(steady, dailyLoad(4, { noise: 0.02 }), 5)
    expect(steady.predict(5)?.recentAccuracy).toBeGreaterThan(0.95)
    const random = seeded(2)
    const wild = five()
    run(
      wild,
      Array.from({ length: 4 * STEPS_A_DAY }, () => Math.exp(2 * normal(random))),
      5,
    )
    expect(wild.predict(5)?.recentAccuracy).toBeLessThan(0.3)
  })
})

describe("LoadForecaster's linear model", () => {
  it('extrapolates a straight line through the last 30 minutes', () => {
    const forecaster = five('linear')
    run(
      forecaster,
      Array.from({ length: 40 }, (_, step) => 1000 + 10 * step),
      5,
    )
    for (const minutes of [5, 10, 15, 60]) {
      const forecast = forecaster.predict(minutes)
      expect(forecast?.model).toBe('linear')
      expect(forecast?.value).toBeCloseTo(1390 + 2 * minutes, 6)
    }
  })

  it('is never below 0, and repeats a single value', () => {
    const forecaster = five('linear')
    expect(run(forecaster, [500], 60)[0]?.value).toBe(500)
    run(forecaster, [400, 300, 200, 100], 5, 1)
    expect(forecaster.predict(60)?.value).toBe(0)
  })

  it('has an interval with the same coverage as the mixture', () => {
    const load = dailyLoad(10, { noise: 0.1 })
    const forecasts = run(five('linear'), load, 15)
    const covered = shareOf(load, forecasts, 3, [4 * STEPS_A_DAY, load.length - 3], isCovered)
    expect(covered).toBeGreaterThan(0.87)
    expect(covered).toBeLessThan(0.93)
  })
})
