import { describe, expect, it } from 'vitest'
import { DatabaseGuard } from '../../../src/monitoring/scaling/control/database-guard.ts'
import type { WorkerState } from '../../../src/monitoring/scaling/control/decision.ts'

const guardOf = (maxConnections?: number) => new DatabaseGuard({ capacity: 100, startUpSeconds: 60, maxConnections })
const waiting: WorkerState = { current: 10, poolWaiting: 0.5, throughput: 500 }

describe('DatabaseGuard', () => {
  it('refuses to scale up while requests wait for connections and there is CPU to spare', () => {
    const { desired, reason } = guardOf().check(0, { ...waiting, cpu: 79 }, 14)
    expect(desired).toBe(10)
    expect(reason).toBe(
      'Not scaled up to 14: requests waited for a database connection in 50 % of the measurements, and workers use 79 % of their CPU: the database is the bottleneck.',
    )
  })

  it('lets workers scale up that are busy themselves, by half at a time', () => {
    expect(guardOf().check(0, { ...waiting, cpu: 80 }, 14)).toEqual({ desired: 14 })
    expect(guardOf().check(0, { ...waiting, cpu: 80 }, 40)).toEqual({
      desired: 15,
      reason: 'Scaled up to 15 instead of 40: requests wait for database connections, so a smaller step comes first.',
    })
    expect(guardOf().check(0, { ...waiting, cpu: 80, current: 1 }, 8).desired).toBe(2)
  })

  it('knows from what is answered how busy workers are, where their CPU is not known', () => {
    expect(guardOf().check(0, { ...waiting, throughput: 799 }, 14).desired).toBe(10)
    expect(guardOf().check(0, { ...waiting, throughput: 800 }, 14).desired).toBe(14)
  })

  it('refuses nothing where nobody waits, or nobody knows', () => {
    expect(guardOf().check(0, { ...waiting, cpu: 10, poolWaiting: 0.3 }, 40)).toEqual({ desired: 40 })
    expect(guardOf().check(0, { current: 10, cpu: 10 }, 40)).toEqual({ desired: 40 })
    expect(guardOf().check(0, { current: 10, poolWaiting: 1 }, 40).desired).toBe(15)
  })

  it('never stands against scaling down', () => {
    expect(guardOf(4).check(0, { ...waiting, cpu: 10 }, 3)).toEqual({ desired: 3 })
  })

  describe('a step that gained little', () => {
    const busy = { cpu: 95, poolWaiting: 0.5 }
    function stepped(throughputAfter: number, after: Partial<WorkerState> = {}, atMs = 120_000) {
      const guard = guardOf()
      const before = { current: 10, throughput: 500, ...busy }
      guard.decided(0, before, 15)
      return { guard, checked: guard.check(atMs, { current: 15, throughput: throughputAfter, ...busy, ...after }, 20) }
    }

    it('is taken back', () => {
      expect(stepped(524).checked).toEqual({
        desired: 10,
        reason:
          'Reverted from 15 to 10 workers: scaling up changed the throughput by only 4.8 % (from 500 to 524 responses/s), and requests wait for database connections.',
      })
    })

    it('stays where it gained, where nobody waits, or where it is too early to say', () => {
      expect(stepped(525).checked.desired).toBe(20)
      expect(stepped(510, { poolWaiting: 0.1 }).checked.desired).toBe(20)
      expect(stepped(510, {}, 119_999).checked.desired).toBe(20)
      expect(stepped(510, { throughput: undefined }).checked.desired).toBe(20)
    })

    it('is not tried again for ten minutes', () => {
      const { guard } = stepped(500)
      const state = { current: 10, throughput: 500, ...busy }
      expect(guard.check(719_999, state, 15)).toMatchObject({ desired: 10, reason: expect.stringContaining('Next attempt in 1 min') })
      expect(guard.check(720_000, state, 15).desired).toBe(15)
    })

    it('is judged by what there was before the first of several steps', () => {
      const guard = guardOf()
      guard.decided(0, { current: 10, throughput: 500, ...busy }, 15)
      guard.decided(5000, { current: 15, throughput: 510, ...busy }, 20)
      expect(guard.check(120_000, { current: 20, throughput: 512, ...busy }, 20).desired).toBe(10)
    })

    it('is not taken back twice', () => {
      const { guard } = stepped(500)
      expect(guard.check(125_000, { current: 10, throughput: 500, ...busy }, 10)).toEqual({ desired: 10 })
    })
  })

  describe('a budget of connections', () => {
    it('is divided by the workers', () => {
      const guard = guardOf(40)
      expect([0, 1, 3, 8, 40, 50].map((count) => guard.poolSize(count))).toEqual([40, 40, 13, 5, 1, 1])
      expect(guardOf().poolSize(3)).toBeUndefined()
    })

    it('is enough for one connection each', () => {
      expect(guardOf(12).check(0, { current: 10 }, 20)).toEqual({
        desired: 12,
        reason: 'Scaled up to 12 instead of 20: there are only 12 database connections.',
      })
      expect(guardOf(12).check(0, { current: 12 }, 20)).toMatchObject({ desired: 12, reason: expect.stringContaining('are not enough') })
    })
  })
})
