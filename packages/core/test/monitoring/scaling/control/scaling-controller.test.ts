import { describe, expect, it } from 'vitest'
import type {
  ControlOptions,
  Forecasts,
  LoadForecast,
  WorkerState,
} from '../../../../src/monitoring/scaling/control/control-options.ts'

import { ScalingController } from '../../../../src/monitoring/scaling/control/scaling-controller.ts'
import { FakeClock } from '../../../helpers.ts'

interface World extends Partial<ControlOptions> {
  readonly forecasts?: Forecasts
}

function worldOf({ forecasts, ...options }: World = {}) {
  const clock = new FakeClock()
  const minutes: number[] = []
  const controller = new ScalingController(
    { capacity: 100, maxWorkers: 60, ...options },
    { clock, ...(forecasts && { forecasts }), onMinute: (perSecond) => minutes.push(perSecond) },
  )
  const live = (seconds: number, perSecond: number, backlog = 0) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1000)
      controller.record(perSecond, backlog)
    }
  }
  const decide = (current: number, state: Omit<WorkerState, 'current'> = {}) =>
    controller.decide({ current, ...state })
  /** Like the loop: a decision every 5 s, which takes effect immediately. */
  const follow = (
    seconds: number,
    perSecond: number,
    current: number,
    state: Omit<WorkerState, 'current'> = {},
  ) => {
    let workers = current
    for (let at = 0; at < seconds; at += 5) {
      live(5, perSecond)
      workers = decide(workers, state).desired
    }
    return workers
  }
  return { clock, controller, minutes, live, decide, follow }
}

const constantly = (forecast: Partial<LoadForecast>): Forecasts => ({
  at: () => ({ p50: 0, p90: 0, accuracy: 0.9, ...forecast }),
})

describe('ScalingController', () => {
  it('requires as many workers as the load needs at its target utilization', () => {
    const { live, decide } = worldOf()
    live(15, 700)
    expect(decide(8)).toMatchObject({ from: 8, desired: 10, direction: 'up', load: 700, isPanic: false })
    expect(decide(8).reasons).toEqual(['700 requests/s need 10 workers at 100 each and a target of 70%.'])
  })

  it('adds the backlog to the load, so that it is processed within 15 s', () => {
    const { live, decide } = worldOf()
    live(15, 700, 1050)
    expect(decide(9)).toMatchObject({ load: 770, desired: 11 })
  })

  it('ignores differences within the tolerance', () => {
    const { live, decide } = worldOf()
    live(15, 770)
    expect(decide(10)).toMatchObject({ desired: 10, direction: null, reasons: [] })
    expect(decide(10).skipped).toContain('Not scaled to 11: 770 requests/s are within the tolerance.')
    live(15, 771)
    expect(decide(10).desired).toBe(12)
  })

  it('changes nothing while the load is unknown, and gives the reason', () => {
    const { live, decide, clock } = worldOf()
    expect(decide(3)).toMatchObject({ desired: 3, direction: null, load: undefined })
    live(60, 700)
    clock.advance(9000)
    expect(decide(30)).toMatchObject({ desired: 30, load: undefined })
    expect(decide(30).skipped).toEqual(['The load of the last 15 s is unknown, so nothing changes.'])
  })

  it('does not treat a gap as a load of 0', () => {
    const { live, decide, clock } = worldOf({ scaleDownSeconds: 0 })
    live(60, 700)
    clock.advance(600_000)
    live(1, 0)
    expect(decide(10).desired).toBe(10)
    live(10, 700)
    expect(decide(10)).toMatchObject({ desired: 10, load: 700 })
  })

  it('stays between the minimum and maximum of workers, even if the load is unknown', () => {
    const { live, decide } = worldOf({ minWorkers: 3, maxWorkers: 8 })
    expect(decide(1)).toMatchObject({ desired: 3, direction: 'up', reasons: ['The minimum is 3 workers.'] })
    expect(decide(9)).toMatchObject({ desired: 8, direction: 'down' })
    live(15, 5000)
    expect(decide(6).desired).toBe(8)
    expect(decide(6).skipped).toContain('72 are required, but the maximum is 8.')
  })

  it('at most doubles the workers or adds 4 at a time while the load rises slowly', () => {
    const { live, decide } = worldOf({ forecasts: constantly({ p50: 1900, p90: 2000 }) })
    live(60, 100)
    expect(decide(2).desired).toBe(6)
    expect(decide(6).desired).toBe(12)
    expect(decide(12).desired).toBe(24)
    expect(decide(24).desired).toBe(25)
  })

  describe('panic', () => {
    it('scales up in one step when the last 6 seconds need at least 50% more workers', () => {
      const { live, decide } = worldOf()
      live(60, 300)
      live(6, 2800)
      const decision = decide(5)
      expect(decision).toMatchObject({ desired: 40, isPanic: true })
      expect(decision.reasons[0]).toMatch(/^2800 requests\/s over the last 6 s need 40 workers/)
    })

    it('starts at 1.5 times the workers', () => {
      const { live, decide } = worldOf()
      live(60, 690)
      live(6, 1050)
      expect(decide(11).isPanic).toBe(false)
      expect(decide(10).isPanic).toBe(true)
    })

    it('allows large steps for 1 minute', () => {
      const { live, decide } = worldOf()
      live(60, 300)
      live(6, 2800)
      decide(5)
      live(50, 300)
      expect(decide(5).isPanic).toBe(true)
      live(10, 300)
      expect(decide(5).isPanic).toBe(false)
    })
  })

  describe('forecasts', () => {
    it('starts workers for the load that is expected when they are ready', () => {
      const asked: number[] = []
      const at = (seconds: number) => {
        asked.push(seconds)
        return { p50: 900, p90: seconds > 120 ? 960 : 800, accuracy: 0.9 }
      }
      const { live, decide } = worldOf({ startUpSeconds: 61, forecasts: { at } })
      live(60, 640)
      expect(decide(8)).toMatchObject({ desired: 12 })
      expect(decide(8).reasons).toEqual([
        '960 requests/s are forecast in 180 s, which need 12 workers at 100 each and a target of 80%.',
      ])
      expect(new Set(asked)).toEqual(new Set([120, 180]))
    })

    it('uses the median if the 90th percentile is more than twice as high', () => {
      const { live, decide } = worldOf({ forecasts: constantly({ p50: 800, p90: 1601 }) })
      live(60, 640)
      expect(decide(8).desired).toBe(10)
    })

    it('allows a higher utilization while forecasts are accurate', () => {
      const skilled = worldOf({ forecasts: constantly({ accuracy: 0.5 }) })
      const unskilled = worldOf({ forecasts: constantly({ accuracy: 0.49, p50: 5000, p90: 5000 }) })
      for (const { live } of [skilled, unskilled]) live(60, 800)
      expect(skilled.decide(8).desired).toBe(10)
      expect(unskilled.decide(8).desired).toBe(12)
      expect(unskilled.decide(8).skipped).toContain(
        'Only 49% of recent forecasts were accurate, so only the current load counts.',
      )
    })

    it.each([
      ['there is none', { at: () => undefined }],
      ['none was checked', constantly({ p50: 5000, p90: 5000, accuracy: undefined })],
      ['they are NaN', constantly({ p90: Number.NaN })],
      [
        'asking for one throws',
        {
          at: () => {
            throw new Error('broken')
          },
        },
      ],
    ])('uses only the current load if %s', (_, forecasts) => {
      const { live, decide } = worldOf({ forecasts })
      live(60, 700)
      expect(decide(8).desired).toBe(10)
    })

    it('receives each minute, including missing ones', () => {
      const { live, clock, minutes } = worldOf()
      live(120, 50)
      clock.advance(55_000)
      live(5, 50)
      expect(minutes).toEqual([50, 50, Number.NaN])
    })
  })

  describe('scaling down', () => {
    it('waits until no load of the last 5 minutes needs more workers', () => {
      const { live, decide, follow } = worldOf()
      expect(follow(60, 1400, 20)).toBe(20)
      // A load that rose from 800 does not freeze.
      expect(follow(295, 750, 20)).toBe(20)
      expect(follow(20, 750, 20)).toBe(11)
      live(5, 750)
      expect(decide(20).reasons[0]).toMatch(/^At most 11 workers were needed in the last 5 min/)
    })

    it('scales down to the maximum number required in the window', () => {
      const { follow } = worldOf({ scaleDownSeconds: 60 })
      follow(30, 1400, 20)
      follow(60, 900, 20)
      expect(follow(30, 750, 20)).toBe(13)
    })

    it('does not go below an external recommendation', () => {
      const { controller, follow } = worldOf({ scaleDownSeconds: 60 })
      follow(30, 700, 10)
      controller.recommend(14)
      expect(follow(55, 700, 14)).toBe(14)
      expect(follow(30, 700, 14)).toBe(10)
    })

    it('waits while a load that dropped suddenly may return', () => {
      const { live, decide, follow } = worldOf()
      expect(follow(1200, 1400, 20)).toBe(20)
      expect(follow(1500, 50, 20)).toBe(20)
      live(5, 50)
      expect(decide(20).skipped.join()).toMatch(
        /Not scaled down to 1: the load dropped suddenly, from 1400 requests\/s over the last hour to 50,/,
      )
      expect(follow(600, 50, 20)).toBe(1)
    })
  })

  it('scales from and to zero if that is allowed', () => {
    const { live, decide, follow } = worldOf({ minWorkers: 0, scaleDownSeconds: 60 })
    live(60, 0)
    expect(decide(0)).toMatchObject({ desired: 0, direction: null, isPanic: false })
    live(15, 50)
    expect(decide(0).desired).toBe(1)
    expect(follow(120, 0, 1)).toBe(0)
  })

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('throws for a load of %s', (value) => {
    const { controller } = worldOf()
    expect(() => controller.record(value)).toThrow('Argument "arrivals": expected a number of at least 0')
    expect(() => controller.record(1, value)).toThrow('Argument "backlog": expected a number of at least 0')
  })

  it('throws for invalid states of workers', () => {
    const { decide } = worldOf()
    for (const current of [-1, 1.5, Number.NaN]) expect(() => decide(current)).toThrow('Argument "current"')
    for (const name of ['cpu', 'throughput', 'poolWaiting']) {
      expect(() => decide(1, { [name]: Number.NaN })).toThrow(`Argument "${name}"`)
      expect(() => decide(1, { [name]: -1 })).toThrow(`Argument "${name}"`)
    }
  })

  it.each([
    [{ capacity: 0 }, 'capacity'],
    [{ capacity: undefined }, 'capacity'],
    [{ capacity: 1, minWorkers: 5, maxWorkers: 4 }, 'maxWorkers'],
    [{ capacity: 1, minWorkers: 5, maxConnections: 4 }, 'maxConnections'],
    [{ capacity: 1, startUpSeconds: Number.NaN }, 'startUpSeconds'],
    [{ capacity: 1, speed: 1 }, 'speed'],
  ])('throws for the options %j', (options, name) => {
    expect(() => new ScalingController(options as unknown as ControlOptions)).toThrow(
      expect.objectContaining({ option: name }),
    )
  })

  it('tolerates a clock that jumps', () => {
    const { clock, live, decide } = worldOf()
    live(60, 700)
    clock.advance(86_400_000)
    expect(decide(10).desired).toBe(10)
    clock.advance(-86_400_000)
    live(30, 700)
    expect(decide(8).desired).toBe(10)
  })
})
