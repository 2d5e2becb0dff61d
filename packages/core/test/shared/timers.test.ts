import { AsyncLocalStorage } from 'node:async_hooks'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  MAX_TIMER_MS,
  Periodic,
  pause,
  setBackgroundTimeout,
  setBusyAwareTimeout,
  setLongInterval,
  setLongTimeout,
  timeoutSignal,
  within,
} from '../../src/shared/timers.ts'

const MS = 500

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'],
  })
})
afterEach(() => {
  vi.useRealTimers()
})

describe.each([
  ['setBackgroundTimeout', setBackgroundTimeout],
  ['setLongInterval', setLongInterval],
  ['setLongTimeout', setLongTimeout],
] as const)('%s', (name, start) => {
  it('runs in the async context of its caller only if the caller waits for it', async () => {
    vi.useRealTimers()
    const request = new AsyncLocalStorage<string>()
    const store = await new Promise((resolve) => {
      const timer = request.run('a request', () =>
        start(() => {
          clearTimeout(timer)
          resolve(request.getStore())
        }, 1),
      )
      timer.ref()
    })
    expect(store).toBe(name === 'setLongTimeout' ? 'a request' : undefined)
  })
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

const DAY_MS = 86_400_000

describe('setLongTimeout', () => {
  it.each([1, 24, 25, 60, 400])('fires once, after %i days', async (days) => {
    const run = vi.fn()
    setLongTimeout(run, days * DAY_MS)
    await vi.advanceTimersByTimeAsync(days * DAY_MS - 10)
    expect(run).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(20)
    expect(run).toHaveBeenCalledTimes(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('never fires for Infinity', async () => {
    const run = vi.fn()
    const timer = setLongTimeout(run, Number.POSITIVE_INFINITY)
    await vi.advanceTimersByTimeAsync(1_000 * DAY_MS)
    expect(run).not.toHaveBeenCalled()
    clearTimeout(timer)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('setLongInterval', () => {
  it.each([MAX_TIMER_MS, MAX_TIMER_MS + 1, 3 * MAX_TIMER_MS])('fires every %i ms', async (ms) => {
    // An interval of 1 ms would fire for hours.
    const run = vi.fn(() => {
      if (run.mock.calls.length > 3) clearInterval(timer)
    })
    const timer = setLongInterval(run, ms)
    await vi.advanceTimersByTimeAsync(3 * ms + 10)
    expect(run).toHaveBeenCalledTimes(3)
    clearInterval(timer)
  })
})

describe('a delay of more than 2^31 - 1 ms', () => {
  const ms = 2 * MAX_TIMER_MS

  it.each<[string, (run: () => void) => void]>([
    ['setBusyAwareTimeout', (run) => void setBusyAwareTimeout(3 * ms, run)],
    ['within', (run) => void within(ms, new Promise(() => {})).catch(run)],
    ['pause', (run) => void pause(ms, new AbortController().signal).then(run)],
    ['timeoutSignal', (run) => timeoutSignal(ms).addEventListener('abort', run)],
    [
      'Periodic',
      (run) => {
        new Periodic(ms, () => {
          run()
          return false
        }).start()
      },
    ],
  ])('does not fire early: %s', async (_name, start) => {
    const run = vi.fn()
    start(run)
    await vi.advanceTimersByTimeAsync(MAX_TIMER_MS)
    expect(run).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(3 * ms)
    expect(run).toHaveBeenCalledTimes(1)
  })
})

describe('source files of all packages', () => {
  it('use timers of Node only with constant delays', () => {
    const packages = join(import.meta.dirname, '../../..')
    const files = readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter(
      // The options of the CLI are bounded.
      (file) => /^(?!cli)[^/]+\/src\/.*\.ts$/.test(file) && !file.endsWith('shared/timers.ts'),
    )
    expect(files.length).toBeGreaterThan(500)
    const found = files.flatMap((file) =>
      delaysIn(readFileSync(join(packages, file), 'utf8'))
        .filter((delay) => !/^(?:[\d_]+|[A-Z][A-Z_\d]*)$/.test(delay))
        .map((delay) => `${file}: ${delay}`),
    )
    expect(found).toEqual([])
  })
})

/** The last argument of each timer. */
function delaysIn(source: string): string[] {
  const calls = source.matchAll(/(?<![\w.])(?:setTimeout|setInterval|AbortSignal\.timeout)\(/g)
  return [...calls].map(({ index, 0: call }) => lastArgument(source, index + call.length))
}

function lastArgument(source: string, from: number): string {
  const parts = ['']
  let depth = 0
  for (const character of source.slice(from)) {
    if (')]}'.includes(character)) depth -= 1
    if (depth < 0) break
    if ('([{'.includes(character)) depth += 1
    if (depth === 0 && character === ',') parts.push('')
    else parts.push((parts.pop() ?? '') + character)
  }
  // A comma can end the arguments.
  return (parts.findLast((part) => part.trim() !== '') ?? '').trim()
}
