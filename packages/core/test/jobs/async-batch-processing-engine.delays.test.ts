import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { AsyncBatchProcessingEngine } from '../../src/jobs/async-batch-processing-engine.ts'
import { sqliteJobBackend } from '../../src/jobs/backends/sqlite/index.ts'
import type { JobsOptions } from '../../src/jobs/job-options.ts'

const DAY_MS = 86_400_000
const START = Date.UTC(2026, 0, 1)

/** @param intervals - Timers of delays above 24 days, and those that delete old tasks twice a minute. */
function fakeTime(...intervals: ('setInterval' | 'clearInterval')[]): void {
  vi.useFakeTimers({
    now: START,
    toFake: [...intervals, 'setTimeout', 'clearTimeout', 'Date', 'performance'],
  })
}
afterEach(() => {
  vi.useRealTimers()
})

const backends: Readonly<Record<string, () => JobsOptions>> = {
  'in memory': () => ({}),
  'in SQLite': () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-delays-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    return { backend: sqliteJobBackend(join(folder, 'jobs.db')) }
  },
}

describe.each(Object.entries(backends))('AsyncBatchProcessingEngine %s', (name, optionsOf) => {
  /** Returns when the tasks were run, in days. */
  function open() {
    const jobs = new AsyncBatchProcessingEngine({ pollMs: DAY_MS / 24, leaseMs: 7 * DAY_MS, ...optionsOf() })
    const runs: number[] = []
    jobs.createQueue('mail')
    jobs.registerProcessor('mail', () => void runs.push((Date.now() - START) / DAY_MS))
    onTestFinished(() => jobs.close())
    return { jobs, runs }
  }

  it('runs a task once after a delay of 60 days, and not earlier', async () => {
    // SQLite is polled once an hour here.
    if (name === 'in memory') fakeTime('setInterval', 'clearInterval')
    else fakeTime()
    const { jobs, runs } = open()
    await jobs.enqueueTask(1, 'normal', 'mail', { delayMs: 60 * DAY_MS })
    jobs.start()
    await vi.advanceTimersByTimeAsync(60 * DAY_MS - 1_000)
    expect(runs).toEqual([])
    for (let hour = 0; hour < 24; hour += 1) {
      await vi.advanceTimersByTimeAsync(DAY_MS / 24)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(runs).toHaveLength(1)
    expect(runs[0]).toBeCloseTo(60, 1)
  })

  it('enqueues by a schedule once when it is due, a year ahead', async () => {
    fakeTime()
    const { jobs, runs } = open()
    await jobs.schedule('new year', '0 0 1 1 *', 1, { queue: 'mail', timezone: 'UTC' })
    jobs.start()
    await vi.advanceTimersByTimeAsync(365 * DAY_MS - 1_000)
    expect(runs).toEqual([])
    for (let hour = 0; hour < 24; hour += 1) {
      await vi.advanceTimersByTimeAsync(DAY_MS / 24)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(runs).toHaveLength(1)
    expect(runs[0]).toBeCloseTo(365, 1)
  })
})
