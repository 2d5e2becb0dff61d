import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  type ScalerTarget,
  ScalingExecutor,
  type ScalingFailure,
} from '../../../src/monitoring/scaling/scaling-executor.ts'

const TIMEOUT_MS = 10_000

interface Call {
  readonly count: number
  readonly signal: AbortSignal
  done(): void
  failed(error: unknown): void
}

/** A target whose calls end on demand. */
function executorOf(target: Partial<ScalerTarget> = {}) {
  const calls: Call[] = []
  const failures: ScalingFailure[] = []
  const done: number[] = []
  const executor = new ScalingExecutor({
    timeoutMs: TIMEOUT_MS,
    random: () => 0,
    clock: { now: () => performance.now(), wall: () => Date.now() },
    onFailed: (failure) => failures.push(failure),
    onDone: (desired) => done.push(desired),
    target: {
      current: () => 1,
      scaleTo: (count, _reason, signal) =>
        new Promise((resolve, reject) => {
          calls.push({ count, signal, done: resolve, failed: reject })
        }),
      ...target,
    },
  })
  return { executor, calls, failures, done, counts: () => calls.map(({ count }) => count) }
}

const settle = () => vi.advanceTimersByTimeAsync(0)

describe('ScalingExecutor', () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: [
        'setTimeout',
        'clearTimeout',
        'setInterval',
        'clearInterval',
        'setImmediate',
        'clearImmediate',
        'performance',
        'Date',
      ],
    })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('passes decisions to the target', async () => {
    const { executor, calls, done } = executorOf()
    executor.request(3, 'because')
    expect(executor.isBusy).toBe(true)
    calls[0]?.done()
    await settle()
    expect(done).toEqual([3])
    expect(executor.isBusy).toBe(false)
  })

  it('aborts the running call for a new number, and continues with the newest', async () => {
    const { executor, calls, counts, done } = executorOf()
    executor.request(3, 'a')
    executor.request(4, 'b')
    executor.request(5, 'c')
    expect(calls[0]?.signal.aborted).toBe(true)
    calls[0]?.failed(new Error('stopped'))
    await settle()
    expect(counts()).toEqual([3, 5])
    calls[1]?.done()
    await settle()
    expect(done).toEqual([5])
  })

  it('waits at most 1 s for a call that ignores its abort', async () => {
    const { executor, counts } = executorOf()
    executor.request(3, 'a')
    executor.request(5, 'b')
    await vi.advanceTimersByTimeAsync(999)
    expect(counts()).toEqual([3])
    await vi.advanceTimersByTimeAsync(1)
    expect(counts()).toEqual([3, 5])
  })

  it('does not abort a call for the same number', async () => {
    const { executor, calls, counts } = executorOf()
    executor.request(3, 'a')
    executor.request(3, 'b')
    expect(calls[0]?.signal.aborted).toBe(false)
    calls[0]?.done()
    await settle()
    expect(counts()).toEqual([3])
  })

  it('calls again for a number whose call was aborted', async () => {
    const { executor, calls, counts, failures } = executorOf()
    executor.request(3, 'a')
    executor.request(5, 'b')
    executor.request(3, 'c')
    calls[0]?.failed(new Error('stopped'))
    await settle()
    expect(counts()).toEqual([3, 3])
    expect(failures).toEqual([])
  })

  it('retries a failed call with backoff, and reports it', async () => {
    const { executor, calls, counts, failures, done } = executorOf()
    executor.request(3, 'a')
    const error = new Error('no')
    calls[0]?.failed(error)
    await settle()
    expect(failures).toEqual([{ error, desired: 3, failures: 1, retryInMs: 1000 }])
    await vi.advanceTimersByTimeAsync(999)
    expect(counts()).toEqual([3])
    await vi.advanceTimersByTimeAsync(1)
    expect(counts()).toEqual([3, 3])
    calls[1]?.failed(error)
    await settle()
    expect(failures[1]).toMatchObject({ failures: 2, retryInMs: 2000 })
    await vi.advanceTimersByTimeAsync(2000)
    calls[2]?.done()
    await settle()
    expect(done).toEqual([3])
    executor.request(4, 'b')
    calls[3]?.failed(error)
    await settle()
    expect(failures[2]).toMatchObject({ failures: 1 })
  })

  it('waits at most 30 seconds between attempts', async () => {
    const { executor, calls, failures } = executorOf()
    executor.request(3, 'a')
    for (let at = 0; at < 12; at += 1) {
      calls[at]?.failed(new Error('no'))
      await settle()
      await vi.advanceTimersByTimeAsync(30_000)
    }
    expect(failures.at(-1)?.retryInMs).toBe(30_000)
    expect(calls).toHaveLength(13)
  })

  it('uses the newest number after a failure', async () => {
    const { executor, calls, counts } = executorOf()
    executor.request(3, 'a')
    calls[0]?.failed(new Error('no'))
    await settle()
    executor.request(7, 'b')
    await vi.advanceTimersByTimeAsync(1000)
    expect(counts()).toEqual([3, 7])
  })

  it('abandons a call that hangs, and retries', async () => {
    const { executor, calls, counts, failures } = executorOf()
    executor.request(3, 'a')
    await vi.advanceTimersByTimeAsync(TIMEOUT_MS + 1)
    expect(failures).toMatchObject([{ desired: 3, error: new Error('No response within 10000 ms.') }])
    expect(calls[0]?.signal.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(1000)
    expect(counts()).toEqual([3, 3])
  })

  it('repeats the newest number when an abandoned call completes late', async () => {
    const { executor, calls, counts } = executorOf()
    executor.request(3, 'a')
    executor.request(5, 'b')
    await vi.advanceTimersByTimeAsync(1000)
    calls[1]?.done()
    await settle()
    calls[0]?.done()
    await settle()
    expect(counts()).toEqual([3, 5, 5])
  })

  it('handles a target that throws', async () => {
    const { executor, failures } = executorOf({
      scaleTo: () => {
        throw new Error('at once')
      },
      current: () => {
        throw new Error('unknown')
      },
    })
    executor.request(3, 'a')
    await settle()
    await expect(executor.current()).resolves.toBeUndefined()
    expect(failures.map(({ error }) => (error as Error).message)).toEqual(['at once', 'unknown'])
  })

  it.each([Number.NaN, -1, 1.5])('does not accept %s as the number of workers', async (count) => {
    const { executor, failures } = executorOf({ current: () => count })
    await expect(executor.current()).resolves.toBeUndefined()
    expect(failures).toMatchObject([{ error: { code: 'SLUICE_SCALING_FAILED' }, desired: undefined }])
  })

  it('does not wait for a target that never reports its number, and queries it less often', async () => {
    const current = vi.fn(() => new Promise<number>(() => {}))
    const { executor, failures } = executorOf({ current })
    const first = executor.current()
    await vi.advanceTimersByTimeAsync(5001)
    await expect(first).resolves.toBeUndefined()
    await expect(executor.current()).resolves.toBeUndefined()
    expect(current).toHaveBeenCalledTimes(1)
    expect(failures).toMatchObject([{ failures: 1, retryInMs: 1000 }])
    await vi.advanceTimersByTimeAsync(2000)
    void executor.current()
    expect(current).toHaveBeenCalledTimes(2)
  })

  it('does nothing after it is closed', async () => {
    const { executor, calls, counts, done, failures } = executorOf()
    executor.request(3, 'a')
    executor.close()
    expect(calls[0]?.signal.aborted).toBe(true)
    executor.request(5, 'b')
    calls[0]?.failed(new Error('stopped'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect({ counts: counts(), done, failures }).toEqual({ counts: [3], done: [], failures: [] })
    expect(executor.isBusy).toBe(false)
  })

  it('ends a wait when it is closed', async () => {
    const { executor, calls } = executorOf()
    executor.request(3, 'a')
    calls[0]?.failed(new Error('no'))
    await settle()
    executor.close()
    await settle()
    expect(executor.isBusy).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })
})
