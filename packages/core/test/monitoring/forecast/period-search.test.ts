import { describe, expect, it } from 'vitest'
import { LoadHistory } from '../../../src/monitoring/forecast/load-history.ts'
import { PeriodSearch } from '../../../src/monitoring/forecast/period-search.ts'
import { LogScale, TimeGrid } from '../../../src/monitoring/forecast/time-grid.ts'
import { normal, seeded } from '../seeded.ts'

const STEP_MS = 300_000

function searched(
  days: number,
  draw: (step: number, random: () => number) => number | undefined,
  stepMs = STEP_MS,
): PeriodSearch {
  const grid = new TimeGrid(stepMs)
  const [history, scale, periods] = [new LoadHistory(grid), new LogScale(grid), new PeriodSearch(grid)]
  const random = seeded(6)
  for (let step = 0; step < days * grid.stepsPerDay; step += 1) {
    const value = draw(step, random)
    if (value === undefined) continue
    const previous = history.cell
    history.add(step, value)
    periods.advance(history, scale, previous)
    scale.add(value, step + 1)
  }
  return periods
}

describe('PeriodSearch', () => {
  it('finds the period of a wave by autocorrelation, in steps', () => {
    for (const period of [11, 48, 288]) {
      const { period: found } = searched(
        3.5,
        (step, random) =>
          (100 + 50 * Math.sin((2 * Math.PI * step) / period)) * Math.exp(0.05 * normal(random)),
      )
      expect(Math.abs(found - period)).toBeLessThanOrEqual(Math.round(period / 100))
    }
  })

  it('finds the period despite gaps', () => {
    const { period } = searched(3.5, (step) =>
      step % 500 < 60 ? undefined : 100 + 50 * Math.sin((2 * Math.PI * step) / 20),
    )
    expect(period).toBe(20)
  })

  it('finds by matching a period of repeated values among outliers, which correlation misses', () => {
    const pattern = Array.from({ length: 50 }, (_, at) => Math.exp(3 * normal(seeded(at + 1))))
    const periods = searched(
      3.5,
      (step, random) =>
        (pattern[step % 50] ?? 1) * (random() < 0.3 ? Math.exp(9 * (random() - 0.5)) : 1) * 100,
    )
    expect(periods.matchPeriod).toBe(50)
  })

  it('finds none in noise', () => {
    const periods = searched(3.5, (_, random) => 100 * Math.exp(0.3 * normal(random)))
    expect([periods.period, periods.matchPeriod]).toEqual([0, 0])
  })

  it('finds none in a constant series', () => {
    for (const value of [0, 5]) {
      const periods = searched(2.5, () => value)
      expect([periods.period, periods.matchPeriod]).toEqual([0, 0])
    }
  })

  it('counts the steps of a series with smaller steps', () => {
    expect(searched(2.2, (step) => 100 + 50 * Math.sin((2 * Math.PI * step) / 100), 60_000).period).toBe(100)
  })
})
