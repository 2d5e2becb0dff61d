import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AutoScaler, type AutoScalerParts } from '../../../src/monitoring/scaling/auto-scaler.ts'
import type { ScalerTarget } from '../../../src/monitoring/scaling/scaling-executor.ts'
import type { ScalingOptions } from '../../../src/monitoring/scaling/scaling-options.ts'
import { FakeClock } from '../../helpers.ts'

const scalers: AutoScaler[] = []

function scalerOf(options: ScalingOptions = {}, parts: AutoScalerParts = {}) {
  const clock = new FakeClock()
  const scaler = new AutoScaler({ maxWorkers: 20, ...options }, { clock, ...parts })
  scalers.push(scaler)
  const live = (seconds: number, perSecond: number) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1000)
      scaler.record(perSecond)
    }
  }
  return { clock, scaler, live }
}

/** A target that changes immediately. */
function targetOf(count: number): ScalerTarget & { count: number; readonly asked: [number, string][] } {
  const target = {
    count,
    asked: [] as [number, string][],
    current: () => target.count,
    scaleTo: async (to: number, reason: string) => {
      target.asked.push([to, reason])
      target.count = to
    },
  }
  return target
}

afterEach(() => {
  for (const scaler of scalers.splice(0)) scaler.close()
})

const rule = { capacity: 100 }

describe('AutoScaler', () => {
  it('makes a dry run without a target', async () => {
    const { scaler, live } = scalerOf({ rule })
    live(15, 500)
    await scaler.tick()
    live(5, 500)
    await scaler.tick()
    expect(scaler.history()).toMatchObject([
      {
        direction: 'up',
        from: 1,
        to: 8,
        metric: 'load',
        value: 500,
        source: 'load',
        isDryRun: true,
        reasons: [expect.stringContaining('500 requests/s')],
      },
    ])
  })

  it('records in its history that forecasts are turned off, and why', async () => {
    const forecasts = { at: () => ({ p50: 1400, p90: 1400, accuracy: 0.9 }) }
    const { scaler, live } = scalerOf({ rule }, { forecasts })
    const decided: string[] = []
    scaler.on('scaling:decided', ({ direction }) => decided.push(direction))
    for (let tick = 0; tick < 3.5 * 720; tick += 1) {
      live(5, 700)
      await scaler.tick()
    }
    const off = scaler.history().find(({ direction }) => direction === 'none')
    expect(off).toMatchObject({ metric: 'forecast', source: 'load', value: 700, from: 18, to: 18 })
    expect(off?.reasons).toEqual([expect.stringMatching(/^Forecasts are turned off: in the last 3 h, /)])
    expect(decided).toEqual(
      scaler
        .history()
        .map(({ direction }) => direction)
        .reverse(),
    )
    expect(scaler.workers).toBe(10)
  })

  it('passes decisions and reasons to the target', async () => {
    const target = targetOf(2)
    const { scaler, live, clock } = scalerOf({ rule, target })
    const events: unknown[] = []
    scaler.on('scaling:decided', ({ to }) => events.push(`decided ${to}`))
    const done = new Promise((resolve) => {
      scaler.on('scaling:done', ({ desired }) => resolve(`done ${desired}`))
    })
    live(15, 500)
    await scaler.tick()
    expect(await done).toBe('done 8')
    expect(events).toEqual(['decided 8'])
    expect(target.asked).toEqual([[8, scaler.history()[0]?.reasons.join(' ')]])
    expect(scaler.history()[0]).toMatchObject({ isDryRun: false, timestamp: clock.wall() })
  })

  it('counts requested workers as starting until they can be running', async () => {
    const target = { ...targetOf(2), current: () => 2 }
    const { scaler, live } = scalerOf({ rule: { capacity: 100, startUpSeconds: 60 }, target })
    live(15, 500)
    for (let at = 0; at < 18; at += 1) {
      await scaler.tick()
      live(5, 500)
    }
    expect(scaler.history()).toHaveLength(1)
    await scaler.tick()
    expect(scaler.history().map(({ from, to }) => [from, to])).toEqual([
      [2, 8],
      [2, 8],
    ])
  })

  it('changes nothing while the number of workers is unknown', async () => {
    const target = {
      ...targetOf(2),
      current: () => {
        throw new Error('gone')
      },
    }
    const { scaler, live } = scalerOf({ rule, target })
    const failed = vi.fn()
    scaler.on('scaling:failed', failed)
    live(15, 500)
    await scaler.tick()
    expect(scaler.history()).toEqual([])
    expect(scaler.skips().map(({ reason }) => reason)).toEqual([
      'The number of workers is unknown, so nothing changes.',
      'The target failed: gone',
    ])
    expect(failed).toHaveBeenCalledTimes(1)
  })

  it('separates skipped decisions from others', async () => {
    const { scaler, live } = scalerOf({ rule })
    await scaler.tick()
    live(15, 50)
    await scaler.tick()
    expect(scaler.history()).toEqual([])
    expect(scaler.skips()).toMatchObject([
      { source: 'load', reason: 'The load of the last 15 s is unknown, so nothing changes.', count: 1 },
    ])
  })

  it('continues when a callback of the app throws', async () => {
    const state = () => {
      throw new Error('no state')
    }
    const { scaler, live } = scalerOf({ rule }, { state })
    live(15, 500)
    await scaler.tick()
    expect(scaler.skips()).toMatchObject([{ reason: 'The decision failed: no state' }])
  })

  describe('policies', () => {
    function withPolicies(metrics: Record<string, number>, options: ScalingOptions = {}) {
      const world = scalerOf(options, { read: (metric) => metrics[metric] })
      world.scaler.policies.create('busy', 'cpu', 70, 'up', 100)
      world.scaler.policies.create('idle', 'cpu', 20, 'down', 50, 0)
      return { ...world, metrics }
    }

    it('are evaluated on request', () => {
      const { scaler } = withPolicies({ cpu: 90 })
      expect(scaler.evaluatePolicies()).toBe('up')
      expect(scaler.evaluatePolicies()).toBeNull()
      expect(scaler.history()).toMatchObject([{ from: 1, to: 2, metric: 'cpu', value: 90, source: 'policy' }])
      expect(scaler.skips()[0]).toMatchObject({
        source: 'policy',
        reason: 'Policy "busy": its cooldown ends in 300 s.',
      })
    })

    it('add workers to those of the rule, which does not revert them', async () => {
      const { scaler, live, metrics } = withPolicies(
        { cpu: 90 },
        { rule: { capacity: 100, scaleDownSeconds: 30 } },
      )
      live(15, 60)
      await scaler.tick()
      expect(scaler.history()).toMatchObject([{ source: 'policy', from: 1, to: 2 }])
      for (let at = 0; at < 20; at += 1) {
        live(5, 60)
        await scaler.tick()
      }
      expect(scaler.history()).toHaveLength(1)
      expect(scaler.skips().map(({ reason }) => reason)).toContain(
        'Not scaled down to 1: the metric of a policy is above its threshold.',
      )
      metrics.cpu = 50
      live(5, 60)
      await scaler.tick()
      expect(scaler.history()[0]).toMatchObject({ source: 'load', from: 2, to: 1 })
    })

    it('do not remove workers that the load needs', async () => {
      const { scaler, live } = withPolicies({ cpu: 5 }, { rule })
      live(15, 500)
      await scaler.tick()
      for (let at = 0; at < 70; at += 1) {
        live(5, 500)
        await scaler.tick()
      }
      expect(scaler.history()).toMatchObject([{ source: 'load', to: 8 }])
    })

    it('apply together with the rule, and the higher number wins', async () => {
      const { scaler, live } = withPolicies({ cpu: 90 }, { rule })
      live(15, 500)
      await scaler.tick()
      expect(scaler.history()).toMatchObject([{ source: 'load', to: 8 }])
    })
  })

  describe('triggerScaling', () => {
    it('scales by a share of the workers, and records the actor', () => {
      const { scaler } = scalerOf({ minWorkers: 4 })
      expect(scaler.triggerScaling('up', 50, 'ada')).toMatchObject({
        from: 4,
        to: 6,
        source: 'manual',
        metric: 'manual',
        by: 'ada',
        reasons: ['ada requested 50% more workers.'],
      })
      expect(scaler.triggerScaling('down', 25)).toMatchObject({ from: 6, to: 4, by: 'somebody' })
      expect(scaler.history()).toHaveLength(2)
    })

    it('stays between the minimum and the maximum', () => {
      const { scaler } = scalerOf({ minWorkers: 2, maxWorkers: 3 })
      expect(scaler.triggerScaling('up', 100)).toMatchObject({ to: 3 })
      expect(scaler.triggerScaling('up', 100)).toBeNull()
      expect(scaler.triggerScaling('down', 100)).toMatchObject({ to: 2 })
      expect(scaler.triggerScaling('down', 100)).toBeNull()
      expect(scaler.skips()[0]).toMatchObject({ source: 'manual', count: 1 })
    })

    it('is not immediately reverted by the rule', async () => {
      const { scaler, live } = scalerOf({ rule: { capacity: 100, scaleDownSeconds: 60 } }, { read: () => 1 })
      scaler.policies.create('idle', 'cpu', 20, 'down', 50, 0)
      live(15, 50)
      scaler.triggerScaling('up', 300)
      for (let at = 0; at < 12; at += 1) {
        live(5, 50)
        await scaler.tick()
      }
      expect(scaler.history()).toMatchObject([{ to: 4 }])
      live(5, 50)
      await scaler.tick()
      expect(scaler.history()[0]).toMatchObject({ source: 'load', from: 4, to: 1 })
    })

    it('is not immediately reverted by a policy', () => {
      const { scaler, clock } = scalerOf({}, { read: () => 1 })
      scaler.policies.create('idle', 'cpu', 20, 'down', 50, 0)
      scaler.triggerScaling('up', 300)
      expect(scaler.evaluatePolicies()).toBeNull()
      clock.advance(300_000)
      expect(scaler.evaluatePolicies()).toBe('down')
    })

    it.each([
      [['sideways', 10], 'direction'],
      [['up', 0], 'amount'],
      [['up', Number.NaN], 'amount'],
      [['down', 101], 'amount'],
    ])('throws for the arguments %j', (args, name) => {
      const { scaler } = scalerOf()
      expect(() => scaler.triggerScaling(...(args as ['up', number]))).toThrow(`Argument "${name}"`)
    })

    it('throws while the number of workers is unknown', async () => {
      const { scaler } = scalerOf({ target: targetOf(3) })
      expect(() => scaler.triggerScaling('up', 10)).toThrow('The number of workers is not known yet.')
      expect(scaler.evaluatePolicies()).toBeNull()
      await scaler.tick()
      expect(scaler.triggerScaling('up', 10)).toMatchObject({ from: 3, to: 4 })
    })
  })

  it('includes in the reasons why the target rejects workers', async () => {
    const admit = (count: number) =>
      count > 5 ? { count: 5, reason: 'Only 300 MB of memory are free.' } : { count }
    const { scaler, live } = scalerOf({ rule, target: { ...targetOf(2), admit } })
    live(15, 500)
    await scaler.tick()
    expect(scaler.history()[0]).toMatchObject({ from: 2, to: 5 })
    expect(scaler.history()[0]?.reasons.at(-1)).toBe(
      '8 workers were required. Only 300 MB of memory are free.',
    )
    live(5, 500)
    await scaler.tick()
    expect(scaler.history()).toHaveLength(1)
    expect(scaler.skips()[0]?.reason).toMatch(/^Not scaled to 8: 8 workers were required\. Only 300 MB/)
  })

  it('scales a target whose `admit` throws', async () => {
    const target = targetOf(2)
    const admit = () => {
      throw new Error('no idea')
    }
    const { scaler, live } = scalerOf({ rule, target: { ...target, admit } })
    live(15, 500)
    await scaler.tick()
    expect(scaler.history()[0]).toMatchObject({ to: 8 })
  })

  describe('the timer of AutoScaler', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('decides every 5 seconds until it is closed', async () => {
      const current = vi.fn(() => 2)
      const { scaler } = scalerOf({ target: { ...targetOf(2), current } })
      scaler.start()
      scaler.start()
      await vi.advanceTimersByTimeAsync(10_000)
      expect(current).toHaveBeenCalledTimes(2)
      scaler.close()
      scaler.start()
      await vi.advanceTimersByTimeAsync(10_000)
      expect(current).toHaveBeenCalledTimes(2)
      expect(vi.getTimerCount()).toBe(0)
    })
  })

  it('makes no more decisions after close, even one in progress', async () => {
    const { scaler, live } = scalerOf({ rule, target: targetOf(2) })
    live(15, 500)
    const tick = scaler.tick()
    scaler.close()
    await tick
    expect(scaler.history()).toEqual([])
  })

  it.each([
    [{ minWorkers: 5, maxWorkers: 4 }, 'maxWorkers'],
    [{ target: {} }, 'target'],
    [{ rule: {} }, 'rule.capacity'],
    [{ rule: { capacity: 1, minWorkers: 1 } }, 'rule.minWorkers'],
    [{ rule: { capacity: 1, startUpSeconds: -1 } }, 'rule.startUpSeconds'],
    [{ intervalMs: 999 }, 'intervalMs'],
    [{ stabilizationSeconds: -1 }, 'stabilizationSeconds'],
    [{ other: 1 }, 'other'],
  ])('throws for the options %j', (options, name) => {
    expect(() => new AutoScaler(options as ScalingOptions)).toThrow(expect.objectContaining({ option: name }))
  })
})
