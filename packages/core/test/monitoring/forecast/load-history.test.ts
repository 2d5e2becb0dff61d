import { describe, expect, it } from 'vitest'
import { LoadHistory } from '../../../src/monitoring/forecast/load-history.ts'
import { TimeGrid } from '../../../src/monitoring/forecast/time-grid.ts'

/** Steps of 1 minute, 5 steps per cell. */
function minutes(): LoadHistory {
  return new LoadHistory(new TimeGrid(60_000))
}

describe('LoadHistory', () => {
  it('contains the last 128 steps individually, and older means of 5 minutes', () => {
    const history = minutes()
    for (let step = 0; step < 1000; step += 1) history.add(step, step)
    expect([history.at(999), history.at(872), history.at(871), history.at(500)]).toEqual([999, 872, 872, 502])
    expect(history.meanOfLast(15)).toBe(992)
    expect(history.meanOfLast(200)).toBeCloseTo(899.5, 0)
  })

  it('is undefined before its first step, after its last one, and for more than 8 days ago', () => {
    const history = minutes()
    const steps = 9 * 1440
    for (let step = 0; step < steps; step += 1) history.add(step, 7)
    for (const step of [-1, steps, 10, steps - 8 * 1440 - 200]) expect(history.at(step)).toBeNaN()
    expect(history.at(steps - 8 * 1440)).toBe(7)
  })

  it('repeats the last value for missing steps, and marks their cells as missing', () => {
    const history = minutes()
    for (let step = 0; step < 10; step += 1) history.add(step, 4)
    history.add(60, 8)
    expect([history.recent(0), history.recent(1), history.recent(50)]).toEqual([8, 4, 4])
    expect([history.cellMean(1), history.cellMean(2), history.cellMean(11), history.cellMean(12)]).toEqual([
      4,
      Number.NaN,
      Number.NaN,
      8,
    ])
  })

  it('is cleared when the gap is longer than its capacity', () => {
    const history = minutes()
    for (let step = 0; step < 3000; step += 1) history.add(step, 4)
    history.add(30_000, 8)
    for (let cell = 6000 - 2300; cell < 6000; cell += 1) expect(history.cellMean(cell)).toBeNaN()
  })

  it('rescales the values before a step', () => {
    const history = minutes()
    for (let step = 0; step < 1000; step += 1) history.add(step, 10)
    history.rescale(3, 990)
    expect([history.at(999), history.at(990), history.at(989), history.at(300)]).toEqual([10, 10, 30, 30])
  })
})
