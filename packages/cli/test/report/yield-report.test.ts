import type { MissedStatements, YieldReport } from '@sluice/core/yield'
import { describe, expect, it } from 'vitest'
import { paintWith, widthOf } from '../../src/report/cells.ts'
import { yieldReport } from '../../src/report/yield-report.ts'

function missed(reason: string, statements: number): MissedStatements {
  return {
    reason,
    text: `Not batched: ${'words '.repeat(12)}`,
    advice: 'words '.repeat(20),
    page: 'guides/n-plus-one#queries-that-sluice-does-not-batch',
    statements,
    examples: [{ label: 'SELECT "a" '.repeat(30), statements }],
  }
}

const REPORT: YieldReport = {
  durationMs: 300_000,
  statements: 1_000,
  operations: 900,
  ideal: { cached: 300, cachedWithinTtl: 200, batched: 80, frames: 20 },
  optimize: { cached: 180, batched: 100, prefetched: 0 },
  ttl: 1,
  byTtl: [{ ttl: 10, saved: 280 }],
  missed: [
    missed('batch:NO_KEY_FIELD', 70),
    missed('cache:A', 5),
    missed('cache:B', 4),
    missed('cache:C', 3),
  ],
}
const plain = { processes: 1, paint: paintWith(false), width: 80 }

describe('yieldReport', () => {
  it('fits in the width', () => {
    const lines = yieldReport(REPORT, plain).split('\n')
    expect(lines.filter((line) => widthOf(line) > 80)).toEqual([])
  })

  it('counts processes, and omits figures that are zero or save nothing', () => {
    const text = yieldReport(REPORT, { ...plain, processes: 3 })
    expect(text).toContain('sluice yield   1,000 statements in 5.0 min · 3 processes')
    expect(text).toContain(' 28%  optimize saves 280:\n      180 cached, 100 batched\n')
    expect(text).not.toMatch(/prefetched|cache\.ttl: 10/)
  })

  it('only counts reasons below 0.5% of the statements', () => {
    const text = yieldReport(REPORT, plain)
    expect([text.includes('cache:A'), text.includes('cache:B')]).toEqual([true, false])
    expect(text).toMatch(/<1% {2}2 other reasons\n$/)
  })

  it('lists no reasons if everything is saved', () => {
    expect(yieldReport({ ...REPORT, missed: [] }, plain)).not.toContain('Not saved')
  })
})
