import { createSluice } from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { TuningChange } from '../../../src/monitoring/report/advice.ts'
import { ManualClock } from '../../monitoring/manual-clock.ts'

const CHECK_MS = 150_000
const STEP_MS = 250

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A queue that receives 4 tasks per second; each takes `taskMs(running)`. */
function open(taskMs: (running: number) => number) {
  const clock = new ManualClock()
  const sluice = createSluice({ clock, random: () => 0.5 })
  onTestFinished(() => sluice.close())
  const { jobs } = sluice
  if (jobs === undefined) throw new Error('jobs are on')
  jobs.createQueue('mail', 2, { deadLetters: false })
  let running = 0
  jobs.registerProcessor('mail', async () => {
    running += 1
    await new Promise((resolve) => setTimeout(resolve, taskMs(running)))
    running -= 1
  })
  jobs.start()
  const state = { isSending: true }
  const run = async (ms: number) => {
    for (let left = ms; left > 0; left -= STEP_MS) {
      if (state.isSending) await jobs.enqueueTask({}, 'normal', 'mail')
      clock.advance(STEP_MS)
      await vi.advanceTimersByTimeAsync(STEP_MS)
    }
  }
  const concurrency = () => jobs.getQueues().find(({ name }) => name === 'mail')?.maxConcurrency
  return { sluice, run, concurrency, state }
}

const options = { concurrency: { min: 1, max: 50 }, checkMs: CHECK_MS }

describe('sluice.tune with a range for the concurrency of queues', () => {
  it('keeps a higher concurrency if more tasks finish', async () => {
    const { sluice, run, concurrency } = open(() => 1_000)
    await sluice.tune(options)
    await run(2.2 * CHECK_MS)
    expect(sluice.getTuning()).toMatchObject([
      { kind: 'concurrency', setting: 'concurrency of queue mail', from: 2, to: 4, status: 'kept' },
    ])
    const [change] = sluice.getTuning()
    expect(change?.measured?.without).toBeCloseTo(2, 0)
    expect(change?.measured?.with).toBeCloseTo(4, 0)
    expect(concurrency()).toBe(4)
  })

  it('keeps it if no task waits long anymore, and as many finish', async () => {
    const { sluice, run } = open(() => 600)
    await sluice.tune(options)
    while (sluice.getTuning().length === 0) await run(STEP_MS)
    await run(1.1 * CHECK_MS)
    expect(sluice.getTuning()).toMatchObject([{ status: 'kept' }])
    // Less than half of the expected effect, because no more tasks were added.
    const { measured, expected } = sluice.getTuning()[0] as TuningChange
    expect(measured?.with).toBeLessThan(((expected?.from ?? 0) + (expected?.to ?? 0)) / 2)
  })

  it('compares only minutes that are after the change', async () => {
    const { sluice, run } = open(() => 1_000)
    await sluice.tune({ ...options, checkMs: 100_000 })
    while (sluice.getTuning().length === 0) await run(STEP_MS)
    await run(105_000)
    expect(sluice.getTuning()).toMatchObject([{ status: 'checking' }])
    await run(10_000)
    expect(sluice.getTuning()).toMatchObject([{ status: 'kept' }])
  })

  it('undoes it if each task only takes longer', async () => {
    const { sluice, run, concurrency } = open((running) => 500 * running)
    await sluice.tune(options)
    await run(2.2 * CHECK_MS)
    expect(sluice.getTuning()).toMatchObject([{ from: 2, to: 4, status: 'undone' }])
    expect(sluice.getTuning()[0]?.measured).toBeDefined()
    expect(concurrency()).toBe(2)
  })

  it('undoes it if fewer tasks are added, because that proves nothing', async () => {
    const { sluice, run, concurrency, state } = open(() => 1_000)
    await sluice.tune(options)
    while (sluice.getTuning().length === 0) await run(STEP_MS)
    state.isSending = false
    await run(3.2 * CHECK_MS)
    expect(sluice.getTuning()).toMatchObject([{ status: 'undone' }])
    expect(sluice.getTuning()[0]).not.toHaveProperty('measured')
    expect(concurrency()).toBe(2)
  })

  it('changes nothing while no task waits long, and does not open the backend', async () => {
    const { sluice, run } = open(() => 300)
    await sluice.tune(options)
    await run(3 * CHECK_MS)
    expect(sluice.getTuning()).toEqual([])
    const unused = createSluice({ clock: new ManualClock() })
    onTestFinished(() => unused.close())
    await unused.tune(options)
    expect(unused.jobs?.isOpen).toBe(false)
    await vi.advanceTimersByTimeAsync(CHECK_MS)
    expect(unused.jobs?.isOpen).toBe(false)
  })
})

describe('setConcurrency', () => {
  it('changes the concurrency of a queue and none of its other settings', async () => {
    const { sluice, concurrency } = open(() => 1)
    sluice.jobs?.setConcurrency('mail', 7)
    expect(concurrency()).toBe(7)
    expect(() => sluice.jobs?.setConcurrency('post', 7)).toThrow(
      expect.objectContaining({ code: 'SLUICE_UNKNOWN_QUEUE' }),
    )
    expect(() => sluice.jobs?.setConcurrency('mail', 0)).toThrow(
      '"maxConcurrency": expected an integer from 1',
    )
  })
})
