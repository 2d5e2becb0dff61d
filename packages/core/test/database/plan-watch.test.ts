import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { QueryAnalysis } from '../../src/database/checks/analyze-query.ts'
import { NotExplainableError } from '../../src/database/explain/explainable.ts'
import { PlanWatch, type PlanWatchParts } from '../../src/database/plan-watch.ts'
import type { WorkloadEntry } from '../../src/database/workload/workload-record.ts'

function open(given: Partial<PlanWatchParts> = {}) {
  const entries = new Map<string, WorkloadEntry>()
  const explained: string[] = []
  const errors: unknown[] = []
  const watch = new PlanWatch({
    clock: { now: () => Date.now(), wall: () => Date.now() },
    entry: (fingerprint) => entries.get(fingerprint),
    explain: async ({ fingerprint, totalMs }) => {
      explained.push(fingerprint)
      return {
        fingerprint,
        totalTime: totalMs,
        fullTableScan: fingerprint.startsWith('scan'),
      } as QueryAnalysis
    },
    onPlan: () => {},
    onError: (error) => errors.push(error),
    ...given,
  })
  const see = (fingerprint: string, totalMs = 1) => {
    entries.set(fingerprint, { fingerprint, totalMs } as WorkloadEntry)
    watch.offer(fingerprint, 'sqlite')
  }
  return { watch, see, entries, explained, errors }
}

describe('PlanWatch', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('explains one statement at a time within its rate, most expensive first', async () => {
    const { see, explained, watch } = open()
    see('a', 1)
    see('b', 30)
    see('c', 20)
    await vi.advanceTimersByTimeAsync(999)
    expect(explained).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(explained).toEqual(['b'])
    expect(watch.counts).toEqual({ explained: 1, waiting: 2, skipped: 0, failed: 0 })
    await vi.advanceTimersByTimeAsync(4_999)
    expect(explained).toEqual(['b'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(explained).toEqual(['b', 'c', 'a'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('explains each normalized query once, even if it was evicted from the log', async () => {
    const { see, entries, explained } = open()
    see('a')
    see('gone')
    entries.delete('gone')
    await vi.advanceTimersByTimeAsync(60_000)
    see('a')
    see('gone')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(explained).toEqual(['a'])
  })

  it('skips queries above its capacity', async () => {
    const many = open()
    for (let at = 0; at < 205; at += 1) many.see(`shape ${at}`)
    expect(many.watch.counts).toMatchObject({ waiting: 200, skipped: 5 })
    many.watch.close()
  })

  it('lists full scans first', async () => {
    const { see, watch } = open()
    see('a', 100)
    see('scan b', 1)
    see('scan c', 5)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(watch.plans().map(({ fingerprint }) => fingerprint)).toEqual(['scan c', 'scan b', 'a'])
  })

  it('pauses for 1 minute when the database fails, and continues when a statement cannot be explained', async () => {
    let answer: unknown = new NotExplainableError('it locks rows')
    const asked: string[] = []
    const explain = async ({ fingerprint }: WorkloadEntry) => {
      asked.push(fingerprint)
      throw answer
    }
    const { see, watch, errors } = open({ explain })
    for (const [at, fingerprint] of ['a', 'b', 'c'].entries()) see(fingerprint, 3 - at)
    await vi.advanceTimersByTimeAsync(1_000)
    answer = new Error('connection lost')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(asked).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(59_999)
    expect(asked).toEqual(['a', 'b'])
    await vi.advanceTimersByTimeAsync(1)
    expect(asked).toEqual(['a', 'b', 'c'])
    expect(watch.counts).toEqual({ explained: 0, waiting: 0, skipped: 1, failed: 2 })
    expect(errors).toEqual([answer, answer])
  })

  it('discards its queue on close, and reports no later plan', async () => {
    let finish: (analysis: QueryAnalysis) => void = () => {}
    const onPlan = vi.fn()
    const { see, watch } = open({ explain: () => new Promise((resolve) => (finish = resolve)), onPlan })
    see('a')
    see('b')
    await vi.advanceTimersByTimeAsync(1_000)
    watch.close()
    finish({ fingerprint: 'a' } as QueryAnalysis)
    await vi.advanceTimersByTimeAsync(60_000)
    see('c')
    expect(vi.getTimerCount()).toBe(0)
    expect(onPlan).not.toHaveBeenCalled()
    expect(watch.plans()).toEqual([])
  })
})
