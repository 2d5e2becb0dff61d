import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { patiently } from '../../src/shared/patiently.ts'

const MS = 500

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('waiting patiently', () => {
  it('runs once when the time is over', async () => {
    const run = vi.fn()
    patiently(MS, run)
    await vi.advanceTimersByTimeAsync(MS - 1)
    expect(run).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2 * MS)
    expect(run).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('hears what comes in the very turn in which the time is over', async () => {
    const run = vi.fn()
    const takeBack = patiently(5, run)
    await vi.advanceTimersByTimeAsync(4)
    setTimeout(takeBack, 1)
    await vi.advanceTimersByTimeAsync(10)
    expect(run).not.toHaveBeenCalled()
  })

  it('does not run when it was taken back', async () => {
    const run = vi.fn()
    patiently(MS, run)()
    await vi.advanceTimersByTimeAsync(2 * MS)
    expect(run).not.toHaveBeenCalled()
  })
})
