import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { pause, setBusyAwareTimeout, within } from '../../src/shared/timers.ts'

const MS = 500

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('setBusyAwareTimeout', () => {
  it('runs once after the time', async () => {
    const run = vi.fn()
    setBusyAwareTimeout(MS, run)
    await vi.advanceTimersByTimeAsync(MS - 1)
    expect(run).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(2 * MS)
    expect(run).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('handles events of the tick in which the timeout ends', async () => {
    const run = vi.fn()
    const takeBack = setBusyAwareTimeout(5, run)
    await vi.advanceTimersByTimeAsync(4)
    setTimeout(takeBack, 1)
    await vi.advanceTimersByTimeAsync(10)
    expect(run).not.toHaveBeenCalled()
  })

  it('does not run after it was canceled', async () => {
    const run = vi.fn()
    setBusyAwareTimeout(MS, run)()
    await vi.advanceTimersByTimeAsync(2 * MS)
    expect(run).not.toHaveBeenCalled()
  })
})

describe('within', () => {
  it('settles like the promise', async () => {
    await expect(within(MS, Promise.resolve(7))).resolves.toBe(7)
    await expect(within(MS, Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('rejects with the message when the promise has not settled in time', async () => {
    const late = within(MS, new Promise(() => {}), 'too late').catch((error: Error) => error.message)
    await vi.advanceTimersByTimeAsync(MS + 1)
    expect(await late).toBe('too late')
  })

  it('counts a blocked event loop as at most one tick', async () => {
    vi.useRealTimers()
    const answer = within(250, new Promise((resolve) => setTimeout(resolve, 340, 'read late')))
    const until = performance.now() + 300
    while (performance.now() < until);
    await expect(answer).resolves.toBe('read late')
  })
})

describe('pause', () => {
  it('ends after its time, or when the signal is aborted', async () => {
    const ending = new AbortController()
    const ends: string[] = []
    const long = pause(10 * MS, ending.signal).then(() => ends.push('long'))
    const short = pause(MS, ending.signal).then(() => ends.push('short'))
    await vi.advanceTimersByTimeAsync(MS)
    await short
    expect(ends).toEqual(['short'])
    ending.abort()
    await Promise.all([long, pause(10 * MS, ending.signal)])
    expect(ends).toEqual(['short', 'long'])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('setBusyAwareTimeout in an idle process', () => {
  it('runs even if no event arrives', async () => {
    vi.useRealTimers()
    await new Promise<void>((resolve) => {
      setBusyAwareTimeout(5, resolve)
    })
  }, 60_000)
})
