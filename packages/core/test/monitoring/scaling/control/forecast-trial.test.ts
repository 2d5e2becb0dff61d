import { describe, expect, it } from 'vitest'
import type { LoadForecast } from '../../../../src/monitoring/scaling/control/control-options.ts'
import { checkTrialState } from '../../../../src/monitoring/scaling/control/forecast-trial.ts'
import { ScalingController } from '../../../../src/monitoring/scaling/control/scaling-controller.ts'
import { FakeClock } from '../../../helpers.ts'

const HOUR = 3600

/** Loads and forecasts by the second. */
interface World {
  readonly load: (second: number) => number
  readonly forecast: (second: number) => Partial<LoadForecast>
}

/** Scales workers for some hours. */
function worldOf({ load, forecast }: World) {
  const clock = new FakeClock()
  let second = 0
  let workers = 10
  const controller = new ScalingController(
    { capacity: 100, maxWorkers: 40 },
    {
      clock,
      forecasts: {
        at: (seconds) => ({ p50: 0, p90: 0, accuracy: 0.9, ...forecast(second + seconds) }),
      },
    },
  )
  const changes: { readonly hour: number; readonly change: string }[] = []
  let skipped: readonly string[] = []
  const live = (seconds: number) => {
    for (const end = second + seconds; second < end; ) {
      second += 1
      clock.advance(1000)
      controller.record(load(second))
      if (second % 5 !== 0) continue
      const decision = controller.decide({ current: workers })
      workers = decision.desired
      skipped = decision.skipped
      if (decision.forecastChange !== undefined)
        changes.push({ hour: second / HOUR, change: decision.forecastChange })
    }
  }
  return {
    clock,
    live,
    trial: controller.trial,
    changes,
    get workers() {
      return workers
    },
    get skipped() {
      return skipped
    },
  }
}

const always = (value: number) => () => ({ p50: value, p90: value })

describe('ForecastTrial', () => {
  it('turns forecasts off that cost more and prevent nothing, and gives the figures', () => {
    const world = worldOf({ load: () => 700, forecast: always(1400) })
    world.live(3 * HOUR)
    expect(world.workers).toBe(18)
    world.live(HOUR)
    expect(world.workers).toBe(10)
    expect(world.changes).toEqual([
      {
        hour: expect.closeTo(3, 1),
        change: expect.stringMatching(
          /^Forecasts are turned off: in the last 3 h, they changed the worker-hours by 80%, and the time with overloaded workers from 0 to 0 s\.$/,
        ),
      },
    ])
    expect(world.skipped).toContainEqual(expect.stringMatching(/^Forecasts are not used: in the last \d h/))
  })

  it('turns forecasts off that overload workers, even if they cost less', () => {
    const load = (second: number) => (second % 900 < 60 ? 950 : 700)
    const world = worldOf({ load, forecast: always(700) })
    world.live(4 * HOUR)
    expect(world.changes).toEqual([
      {
        hour: expect.closeTo(3, 1),
        change: expect.stringMatching(/by -\d+(\.\d)?%, and the time .+ from 0 to \d{3} s\.$/),
      },
    ])
  })

  it('uses forecasts that prevent overload, although they cost more', () => {
    // Less of a drop than one that freezes the number of workers.
    const load = (second: number) => (second % 3600 < 1800 ? 600 : 1150)
    const world = worldOf({ load, forecast: (second) => always(1.3 * load(second))() })
    world.live(30 * HOUR)
    expect(world.changes).toEqual([])
  })

  it('uses forecasts that cost less', () => {
    const world = worldOf({ load: () => 700, forecast: always(700) })
    world.live(30 * HOUR)
    expect(world.changes).toEqual([])
    expect(world.workers).toBe(9)
  })

  it('turns forecasts on again, at the latest a day after they began to help', () => {
    const world = worldOf({
      load: () => 700,
      forecast: (second) => always(second < 5 * HOUR ? 1400 : 700)(),
    })
    world.live(29 * HOUR)
    expect(world.changes).toMatchObject([
      { change: expect.stringContaining('turned off') },
      {
        hour: expect.toSatisfy((hour: number) => hour > 6 && hour < 29),
        change: expect.stringMatching(/^Forecasts are turned on again: in the last 24 h, .* by -/),
      },
    ])
    expect(world.workers).toBe(9)
  })

  it('continues after restarts that happen more often than its verdicts', () => {
    const options: World = { load: () => 700, forecast: always(1400) }
    let world = worldOf(options)
    for (let deploy = 0; deploy < 8; deploy += 1) {
      world.live(HOUR / 2)
      const saved = world.trial.save()
      world = worldOf(options)
      world.trial.restore(checkTrialState(JSON.parse(JSON.stringify(saved))))
    }
    world.live(60)
    expect(world.workers).toBe(10)
    expect(world.skipped).toContainEqual(expect.stringMatching(/^Forecasts are not used: in the last [34] h/))
  })

  it('does not judge forecasts that do not count anyway', () => {
    const world = worldOf({ load: () => 700, forecast: () => ({ p50: 1400, p90: 1400, accuracy: 0.3 }) })
    world.live(10 * HOUR)
    expect(world.changes).toEqual([])
    expect(world.skipped).toContainEqual(expect.stringContaining('Only 30%'))
  })

  it('does not judge by hours in which the load was unknown', () => {
    const world = worldOf({ load: () => 700, forecast: always(1400) })
    for (let day = 0; day < 2; day += 1) {
      world.live(HOUR)
      world.clock.advance(24 * HOUR * 1000)
    }
    expect(world.changes).toEqual([])
    world.live(2 * HOUR)
    expect(world.changes).toHaveLength(1)
  })

  it('survives a clock that is set back', () => {
    const world = worldOf({ load: () => 700, forecast: always(1400) })
    world.live(2 * HOUR)
    world.clock.advance(-20 * HOUR * 1000)
    world.live(2 * HOUR)
    expect(world.changes).toHaveLength(1)
  })
})
