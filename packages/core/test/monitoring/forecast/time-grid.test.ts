import { describe, expect, it } from 'vitest'
import { StepClock } from '../../../src/monitoring/forecast/time-grid.ts'

describe('StepClock', () => {
  it('counts from the first sample, and tolerates jitter', () => {
    const clock = new StepClock(1000)
    expect([5400, 6390, 7850, 7860, 9000, 12_500].map((at) => clock.stepOf(at))).toEqual([0, 1, 2, 2, 4, 7])
  })

  it('returns no step for samples out of order', () => {
    const clock = new StepClock(1000)
    expect([0, 5000, 3000, 6000, 4000, 7000, 5000, 8000].map((at) => clock.stepOf(at))).toEqual([
      0,
      5,
      undefined,
      6,
      undefined,
      7,
      undefined,
      8,
    ])
  })

  it('continues after three samples of a clock that was set back', () => {
    const clock = new StepClock(1000)
    const times = [0, 1000, 2000, -50_000, -49_000, -48_000, -47_000, -45_000]
    expect(times.map((at) => clock.stepOf(at))).toEqual([0, 1, 2, undefined, undefined, 3, 4, 6])
  })

  it('does not treat a repeated late sample as a clock that was set back', () => {
    const clock = new StepClock(1000)
    clock.stepOf(100_000)
    for (let again = 0; again < 10; again += 1) expect(clock.stepOf(5000)).toBeUndefined()
  })
})
