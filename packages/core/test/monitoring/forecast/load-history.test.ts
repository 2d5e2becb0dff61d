import { describe, expect, it } from 'vitest'
import { LoadHistory } from '../../../src/monitoring/forecast/load-history.ts'
import { TimeGrid } from '../../../src/monitoring/forecast/time-grid.ts'

/** A minute a step, five steps a cell. */
function minutes(): LoadHistory {
  return new LoadHistory(new TimeGrid(60_000))
}

describe('LoadHistory', () => {
  it('has the last 128 steps one by one, and the means of five minutes before that', () => {
    const history = minutes()
    for (let step = 0; step < 1000; step += 1) history.add(step, step)
    expect([history.at(999), history.at(872), history.at(871), history.at(500)]).toEqual([999, 872, 872, 502])
    expect(history.meanOfLast(15)).toBe(992)
    expect(history.meanOfLast(200)).toBeCloseTo(899.5, 0)
  })

  it('has nothing before its first step, after its last one, and after eight days', () => {
    const history = minutes()
    const steps = 9 * 1440
    for (let step = 0; step < steps; step += 1) history.add(step, 7)
    for (const step of [-1, steps, 10, steps - 8 * 1440 - 200]) expect(history.at(step)).toBeNaN()
    expect(history.at(steps - 8 * 1440)).toBe(7)
  })

  it('carries the last value over missing steps, and knows that their cells are missing', () => {
    const history = minutes()
    for (let step = 0; step < 10; step += 1) history.add(step, 4)
    history.add(60, 8)
    expect([history.recent(0), history.recent(1), history.recent(50)]).toEqual([8, 4, 4])
    expect([history.cellMean(1), history.cellMean(2), history.cellMean(11), history.cellMean(12)]).toEqual([4, Number.NaN, Number.NaN, 8])
  })

  it('forgets all when more is missing than it keeps', () => {
    const history = minutes()
    for (let step = 0; step < 3000; step += 1) history.add(step, 4)
    history.add(30_000, 8)
    for (let cell = 6000 - 2300; cell < 6000; cell += 1) expect(history.cellMean(cell)).toBeNaN()
  })

  it('puts what was before a step on another level', () => {
    const history = minutes()
    for (let step = 0; step < 1000; step += 1) history.add(step, 10)
    history.rescale(3, 990)
    expect([history.at(999), history.at(990), history.at(989), history.at(300)]).toEqual([10, 10, 30, 30])
  })
})
