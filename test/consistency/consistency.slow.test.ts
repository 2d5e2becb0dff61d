import { describe, expect, it } from 'vitest'
import { FAULT_KINDS } from './fault-plan.ts'
import { isViolated, runCheck } from './run-check.ts'

/** `pnpm test:consistency` runs longer. */
const SHORT = { seed: 1, workers: 2, concurrency: 8, pace: 4 } as const
/** About 10 s on an idle machine. */
const TIMEOUT_MS = 180_000

describe('the consistency checker', { retry: 0 }, () => {
  it(
    'finds no violation without a cache, with every fault',
    async () => {
      const report = await runCheck({ ...SHORT, mode: 'none', reads: 1_500, faults: FAULT_KINDS, pace: 16 })
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

describe('Sluice with Redis', { retry: 0 }, () => {
  it.each(['strict', 'bounded'] as const)(
    'violates no guarantee with every fault: %s',
    async (mode) => {
      const report = await runCheck({ ...SHORT, mode, reads: 2_000, faults: FAULT_KINDS, leaseMs: 4_000 })
      expect(report.examples.filter((example) => mode === 'strict' || example.startsWith('C'))).toEqual([])
      expect(isViolated(mode, report)).toBe(false)
      expect(report.hits).toBeGreaterThan(0)
      if (mode === 'bounded') expect(report.knownHits).toBeGreaterThan(0)
      else expect(report.knownHits).toBe(0)
    },
    TIMEOUT_MS,
  )
})
