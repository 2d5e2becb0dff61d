import { describe, expect, it } from 'vitest'
import { LevelShift } from '../../../src/monitoring/forecast/level-shift.ts'
import { TimeGrid } from '../../../src/monitoring/forecast/time-grid.ts'
import { normal, seeded } from '../seeded.ts'

const NOISE = 0.05

/** A load that differs from previous days by this much, and a forecast of no change. */
class Watched {
  readonly shift: LevelShift = new LevelShift(new TimeGrid(300_000))
  readonly #random = seeded(4)
  #followed = 0
  #last = 0

  constructor() {
    this.at(0, 200)
  }

  /** @returns The detected shifts, with their steps. */
  at(log: number, steps: number): { readonly step: number; readonly log: number; readonly steps: number }[] {
    const seen = []
    for (let step = 1; step <= steps; step += 1) {
      const deviation = log - this.#followed + NOISE * normal(this.#random)
      const shift = this.shift.add(deviation, deviation - this.#last)
      this.#last = deviation - (shift?.log ?? 0)
      if (shift === undefined) continue
      this.#followed += shift.log
      seen.push({ step, ...shift })
    }
    return seen
  }
}

describe('LevelShift', () => {
  it('detects a load that changes to 300% or 33% at its first value, and measures it at the third', () => {
    for (const log of [Math.log(3), -Math.log(3)]) {
      const seen = new Watched().at(log, 200)
      expect(seen).toEqual([
        { step: 1, log: expect.closeTo(log, 0), steps: 1 },
        { step: 3, log: expect.closeTo(0, 0), steps: 3 },
      ])
      expect((seen[0]?.log ?? 0) + (seen[1]?.log ?? 0)).toBeCloseTo(log, 1)
    }
  })

  it('reverts the first outlier, and does not treat later ones as a shift', () => {
    const watched = new Watched()
    const [up, ...others] = watched.at(1.2, 1)
    expect(up?.log).toBeCloseTo(1.2, 0)
    expect(others).toEqual([])
    expect(watched.at(0, 50)).toEqual([{ step: 3, log: -(up?.log ?? 0), steps: 3 }])
    for (let again = 0; again < 20; again += 1)
      expect([...watched.at(1.2, 2), ...watched.at(0, 50)]).toEqual([])
  })

  it('does not treat noise, small changes or an outage as a shift', () => {
    expect(new Watched().at(0, 5000)).toEqual([])
    expect(new Watched().at(Math.log(1.6), 200)).toEqual([])
    expect(new Watched().at(-4, 200)).toEqual([])
  })

  it('does not treat a forecast change as a shift', () => {
    const { shift } = new Watched()
    for (let step = 0; step < 10; step += 1) expect(shift.add(Math.log(3), 0.05)).toBeUndefined()
  })

  it('reverts a temporary level exactly', () => {
    const watched = new Watched()
    const [up, corrected] = watched.at(1.1, 20)
    const log = -((up?.log ?? 0) + (corrected?.log ?? 0))
    expect(watched.at(0, 20)).toEqual([{ step: 3, log: expect.closeTo(log, 12), steps: 3 }])
  })

  it('waits longer after temporary levels, and less long after a permanent one', () => {
    const watched = new Watched()
    const first = [0, 1, 2].map(() => {
      const [up] = watched.at(1.1, 30)
      watched.at(0, 100)
      return up?.step
    })
    expect(first).toEqual([1, 3, 6])
    expect(watched.at(1.1, 10)).toEqual([])
    watched.at(0, 100)
    expect(watched.at(1.1, 400).map(({ step }) => step)).toEqual([12])
    expect(watched.at(0, 100).map(({ step }) => step)).toEqual([6])
  })

  it('requires consecutive values after a temporary level', () => {
    const watched = new Watched()
    watched.at(1.1, 30)
    watched.at(0, 100)
    const { shift } = watched
    for (let again = 0; again < 5; again += 1) {
      for (let step = 0; step < 2; step += 1) expect(shift.add(1.1, 1.1)).toBeUndefined()
      expect(shift.isUncertain).toBe(true)
      shift.interrupt()
      expect(shift.isUncertain).toBe(false)
    }
  })
})
