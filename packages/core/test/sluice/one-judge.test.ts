import { createSluice } from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hostOf } from '../../src/sluice/adapter-host.ts'
import { testSnapshot } from '../database/test-snapshot.ts'
import { ManualClock } from '../monitoring/manual-clock.ts'

// Each question has one answer, whichever engine is asked.

describe('the size of a pool', () => {
  it.each([
    [80, 4],
    [120, 12],
    [60, 150],
  ])(
    'is the same in both engines if requests wait %i ms, and %i of them at one time',
    async (ms, mostWaiting) => {
      const clock = new ManualClock()
      const sluice = createSluice({ clock })
      onTestFinished(() => sluice.close())
      const { database, monitor } = sluice
      database?.useSnapshot({
        ...testSnapshot('postgresql', {}),
        connections: { max: 1_000, used: 10, active: 0, idle: 10, idleInTransaction: 0, blocked: 0 },
      })
      const host = hostOf(sluice)
      const state = { min: 0, max: 10, used: 10, idle: 0, waiting: mostWaiting }
      host.attachPool('db1', () => state)
      for (let second = 0; second < 60; second += 1) {
        host.poolWaited('db1', ms, true, 100)
        clock.advance(1_000)
      }
      const lines = database?.getConnectionPoolRecommendations() ?? []
      const [, raised] = /raise max from 10 to (\d+)/.exec(lines.join('\n')) ?? []
      const report = await monitor?.getPerformanceReport()
      const advice = report?.advice.find(({ kind }) => kind === 'poolSize')
      expect(Number(raised)).toBeGreaterThan(10)
      expect(advice?.to).toBe(Number(raised))
    },
  )
})
