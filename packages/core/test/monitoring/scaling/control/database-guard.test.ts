import { describe, expect, it } from 'vitest'
import type { WorkerState } from '../../../../src/monitoring/scaling/control/control-options.ts'
import { DatabaseGuard } from '../../../../src/monitoring/scaling/control/database-guard.ts'

const guardOf = (maxConnections?: number) =>
  new DatabaseGuard({ capacity: 100, startUpSeconds: 60, maxConnections })
const waiting: WorkerState = { current: 10, poolWaiting: 0.5, throughput: 500 }

describe('DatabaseGuard', () => {
  it('does not scale up while requests wait for connections and CPU is available', () => {
    const { desired, reason } = guardOf().check(0, { ...waiting, cpu: 79 }, 14)
    expect(desired).toBe(10)
    expect(reason).toBe(
      'Not scaled up to 14: requests waited for a database connection in 50% of the measurements, and workers use 79% of their CPU: the database is the bottleneck.',
    )
  })

  it('scales up busy workers by at most 50% at a time', () => {
    expect(guardOf().check(0, { ...waiting, cpu: 80 }, 14)).toEqual({ desired: 14 })
    expect(guardOf().check(0, { ...waiting, cpu: 80 }, 40)).toEqual({
      desired: 15,
      reason:
        'Scaled up to 15 instead of 40: requests wait for database connections, so a smaller step comes first.',
    })
    expect(guardOf().check(0, { ...waiting, cpu: 80, current: 1 }, 8).desired).toBe(2)
  })

  it('estimates the utilization from the throughput if the CPU usage is unknown', () => {
    expect(guardOf().check(0, { ...waiting, throughput: 799 }, 14).desired).toBe(10)
    expect(guardOf().check(0, { ...waiting, throughput: 800 }, 14).desired).toBe(14)
  })

  it('allows all steps if no request waits or nothing is known', () => {
    expect(guardOf().check(0, { ...waiting, cpu: 10, poolWaiting: 0.3 }, 40)).toEqual({ desired: 40 })
    expect(guardOf().check(0, { current: 10, cpu: 10 }, 40)).toEqual({ desired: 40 })
    expect(guardOf().check(0, { current: 10, poolWaiting: 1 }, 40).desired).toBe(15)
  })

  it('never prevents scaling down', () => {
    expect(guardOf(4).check(0, { ...waiting, cpu: 10 }, 3)).toEqual({ desired: 3 })
  })

  describe('a step with little gain', () => {
    const busy = { cpu: 95, poolWaiting: 0.5 }
    function stepped(throughputAfter: number, after: Partial<WorkerState> = {}, atMs = 120_000) {
      const guard = guardOf()
      const before = { current: 10, throughput: 500, ...busy }
      guard.decided(0, before, 15)
      return {
        guard,
        checked: guard.check(atMs, { current: 15, throughput: throughputAfter, ...busy, ...after }, 20),
      }
    }

    it('is reverted after it was observed', () => {
      expect(stepped(524).checked).toEqual({
        desired: 10,
        reason:
          'Reverted from 15 to 10 workers: scaling up changed the throughput by only 4.8% (from 500 to 524 responses/s), and requests wait for database connections.',
      })
    })

    it('stays if it gained, if no request waits, or if it is too early to decide', () => {
      expect(stepped(525).checked.desired).toBe(20)
      expect(stepped(510, { poolWaiting: 0.1 }).checked.desired).toBe(20)
      expect(stepped(510, {}, 119_999).checked.desired).toBe(20)
      expect(stepped(510, { throughput: undefined }).checked.desired).toBe(20)
    })

    it('is not retried for 10 minutes', () => {
      const { guard } = stepped(500)
      const state = { current: 10, throughput: 500, ...busy }
      expect(guard.check(719_999, state, 15)).toMatchObject({
        desired: 10,
        reason: expect.stringContaining('Next attempt in 1 min'),
      })
      expect(guard.check(720_000, state, 15).desired).toBe(15)
    })

    it('is compared with the state before the first of several steps', () => {
      const guard = guardOf()
      guard.decided(0, { current: 10, throughput: 500, ...busy }, 15)
      guard.decided(5000, { current: 15, throughput: 510, ...busy }, 20)
      expect(guard.check(120_000, { current: 20, throughput: 512, ...busy }, 20).desired).toBe(10)
    })

    it('is not reverted twice', () => {
      const { guard } = stepped(500)
      expect(guard.check(125_000, { current: 10, throughput: 500, ...busy }, 10)).toEqual({ desired: 10 })
    })
  })

  describe('a limit of connections', () => {
    it('is divided among the workers', () => {
      const guard = guardOf(40)
      expect([0, 1, 3, 8, 40, 50].map((count) => guard.poolSize(count))).toEqual([40, 40, 13, 5, 1, 1])
      expect(guardOf().poolSize(3)).toBeUndefined()
    })

    it('limits workers to one per connection', () => {
      expect(guardOf(12).check(0, { current: 10 }, 20)).toEqual({
        desired: 12,
        reason: 'Scaled up to 12 instead of 20: there are only 12 database connections.',
      })
      expect(guardOf(12).check(0, { current: 12 }, 20)).toMatchObject({
        desired: 12,
        reason: expect.stringContaining('are not enough'),
      })
    })
  })
})
