import { describe, expect, it } from 'vitest'
import { findMemcached } from '../services/memcached-server.ts'
import { FAULT_KINDS, faultsOf } from './fault-plan.ts'
import { isViolated, runCheck } from './run-check.ts'

/** `pnpm test:consistency` runs longer. */
const SHORT = { seed: 1, workers: 2, concurrency: 8, pace: 4 } as const
/** About 10 s on an idle machine. */
const TIMEOUT_MS = 180_000

describe('the consistency checker', { retry: 0 }, () => {
  it(
    'finds no violation without a cache, with every fault',
    async () => {
      // With 1,500 reads, only 4 writes have an unknown outcome on average, and sometimes none.
      const report = await runCheck({ ...SHORT, mode: 'none', reads: 3_000, faults: FAULT_KINDS, pace: 16 })
      expect(report.examples).toEqual([])
      expect(isViolated('none', report)).toBe(false)
      expect(report.writes).toBeGreaterThan(50)
      expect(report.unknownOutcomes).toBeGreaterThan(0)
    },
    TIMEOUT_MS,
  )

  it(
    'detects a cache that deletes entries after the write',
    async () => {
      // It takes about 1,000 reads, with a random variation.
      const report = await runCheck({
        ...SHORT,
        mode: 'naive',
        reads: 40_000,
        untilViolated: true,
        faults: ['pause'],
        writeShare: 0.2,
      })
      expect(isViolated('naive', report)).toBe(true)
    },
    TIMEOUT_MS,
  )
})

const STORES = (
  [
    ['strict', 'redis', 'two'],
    ['bounded', 'redis', 'two'],
    ['strict', 'redis', 'all'],
    ['strict', 'memcached', 'two'],
    ['bounded', 'memcached', 'two'],
  ] as const
).filter(([, store]) => store === 'redis' || findMemcached() !== undefined)

describe('Sluice with a shared cache', { retry: 0 }, () => {
  it.each(STORES)(
    'violates no guarantee with every fault: %s, %s, %s ORMs',
    async (mode, store, orms) => {
      const faults = faultsOf(store)
      // Only notifications let a process know the state of tags without a request. Right after a fault it
      // knows none, so a short run has few such reads.
      const knows = mode === 'bounded' && store === 'redis'
      const reads = knows ? 3_000 : 1_200
      const report = await runCheck({ ...SHORT, mode, store, orms, reads, faults, leaseMs: 4_000 })
      expect(report.examples.filter((example) => mode === 'strict' || example.startsWith('C'))).toEqual([])
      expect(isViolated(mode, report)).toBe(false)
      expect(report.hits).toBeGreaterThan(0)
      if (knows) expect(report.knownHits).toBeGreaterThan(0)
      else expect(report.knownHits).toBe(0)
    },
    TIMEOUT_MS,
  )
})
