import { createSluice, type ScopeReport } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { OverheadTimer } from '../../src/pipeline/overhead.ts'
import { read } from '../helpers.ts'

describe('OverheadTimer', () => {
  let now = 0
  const pass = (ms: number) => {
    now += ms
  }
  const timer = () => new OverheadTimer(() => now)

  it('counts time inside at any depth, without calls to the outside', () => {
    const one = timer()
    const result = one.inside(() => {
      pass(0.1)
      one.outside(() => {
        pass(500)
        one.inside(() => pass(0.2))
        one.outside(() => pass(500))
      })
      one.inside(() => pass(0.3))
      return 'result'
    })
    one.outside(() => pass(500))
    expect(result).toBe('result')
    expect(one.ms).toBeCloseTo(1.2)
  })

  it('continues when a function throws', () => {
    const one = timer()
    const fail = () => {
      pass(0.25)
      throw new Error('failed')
    }
    expect(() => one.inside(fail)).toThrow('failed')
    pass(500)
    one.inside(() => {
      expect(() => one.outside(fail)).toThrow('failed')
      pass(0.5)
      expect(one.ms).toBeCloseTo(1.5)
    })
    expect(one.ms).toBeCloseTo(1.5)
  })

  it('counts a long interval as 1 ms, because the process may have waited for a CPU', () => {
    const one = timer()
    one.inside(() => pass(40))
    expect(one.ms).toBe(2)
  })
})

describe('overhead of a scope', () => {
  it.each(['observe', 'optimize'] as const)(
    'excludes the time that an ORM takes before its first await: %s',
    async (mode) => {
      let now = 0
      const clock = { now: () => now, wall: () => 0 }
      const sluice = createSluice({ mode, clock, cache: false })
      const pass = async (id: number) => {
        now += 0.5
        return id
      }
      const runMany = async () => {
        await pass(0)
        return new Map()
      }
      const ask = (key: number) => hostOf(sluice).execute(read({ key, run: () => pass(key), runMany }))
      const reports: ScopeReport[] = []
      sluice.on('scope', (report) => void reports.push(report))
      for (let at = 1; at <= 17; at += 1) await sluice.run(() => Promise.all([ask(1), ask(2)]))
      expect(reports.at(-1)?.durationMs).toBeGreaterThan(0.9)
      expect(reports.at(-1)?.overheadMs).toBe(0)
      await sluice.close()
    },
  )
})
