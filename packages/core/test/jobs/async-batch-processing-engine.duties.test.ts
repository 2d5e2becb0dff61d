import {
  AsyncBatchProcessingEngine,
  InvalidArgumentError,
  type JobEvents,
  type JobsOptions,
  memoryJobBackend,
  NotAuthorizedError,
} from '@sluice/core'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../../../../test/support/patience.ts'
import { MemoryBackend } from '../../src/jobs/backends/memory/memory-backend.ts'

function open(options: JobsOptions = {}) {
  const jobs = new AsyncBatchProcessingEngine(options)
  onTestFinished(() => jobs.close())
  const next = <K extends keyof JobEvents>(event: K) =>
    new Promise<JobEvents[K]>((resolve) => {
      jobs.on(event, resolve)
    })
  return { jobs, next }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('events', () => {
  it('report each attempt, and finished items of a batch job', async () => {
    const { jobs } = open()
    const attempts: number[] = []
    const batches: string[] = []
    jobs.on('task:started', ({ attempt }) => attempts.push(attempt))
    jobs.on('batch:progress', ({ batchId }) => batches.push(batchId))
    let calls = 0
    jobs.registerProcessor('items', () => {
      calls += 1
      if (calls === 1) throw new Error('No.')
    })
    const { id } = await jobs.createBatchJob('items', [1], 1, { backoff: 0 })
    await jobs.processNextTask('items')
    await jobs.processNextTask('items')
    expect(attempts).toEqual([1, 2])
    expect(batches).toEqual([id, id])
  })

  it('report a change of queue health, and nothing while it is the same', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const { jobs } = open()
    const told: string[] = []
    jobs.on('queue:health', ({ queue, health }) => told.push(`${queue} ${health.health}`))
    jobs.registerProcessor('default', () => {})
    jobs.start()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual([])
    await jobs.pause()
    await jobs.enqueueTask(1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual(['default degraded'])
    await jobs.resume()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(told).toEqual(['default degraded', 'default healthy'])
  })
})

describe('access', () => {
  it('is granted only if authorize returns true, even to cancel a batch', async () => {
    let answer: unknown = true
    const { jobs } = open({ authorize: () => answer as boolean })
    const { id } = await jobs.createBatchJob('items', [1])
    answer = 'yes'
    await expect(jobs.cancelBatchJob(id)).rejects.toThrow(NotAuthorizedError)
    await expect(jobs.enqueueTask(1)).rejects.toThrow(NotAuthorizedError)
    answer = true
    expect(await jobs.cancelBatchJob(id)).toBe(true)
  })
})

describe('a batch job', () => {
  it('continues up to maxFailedItems when stopOnFailure is set', async () => {
    const { jobs, next } = open()
    jobs.registerProcessor('items', ([item]: number[]) => {
      if (item === 1) throw new Error('No.')
    })
    const ended = next('batch:completed')
    await jobs.createBatchJob('items', [1, 2, 3], 1, {
      maxRetries: 0,
      maxFailedItems: 1,
      stopOnFailure: true,
    })
    for (let i = 0; i < 3; i += 1) await jobs.processNextTask('items')
    expect(await ended).toMatchObject({ status: 'completed', processedItems: 2, failedItems: 1 })
  })
})

describe('a batch job that is cancelled before any task runs', () => {
  it('is completed and reported', async () => {
    const { jobs, next } = open()
    const ended = next('batch:completed')
    const { id } = await jobs.createBatchJob('items', [1, 2, 3], 1)
    expect(await jobs.cancelBatchJob(id)).toBe(true)
    expect(await ended).toMatchObject({ batchId: id, status: 'cancelled', processedItems: 0 })
    expect(await jobs.cancelBatchJob(id)).toBe(false)
  })
})

describe('a processing callback', () => {
  it('is removed when its task ends, and not earlier', async () => {
    const { jobs } = open()
    const seen: string[] = []
    jobs.registerProcessor('default', () => {
      seen.push('the queue’s')
    })
    const task = await jobs.enqueueTask(1, 'normal', 'default', { backoff: 0 })
    jobs.registerProcessingCallback(task.id, () => {
      seen.push('its own')
      if (seen.length === 1) throw new Error('No.')
    })
    await jobs.processNextTask()
    await jobs.processNextTask()
    expect(seen).toEqual(['its own', 'its own'])
    expect(callbacksOf(jobs)).toBe(0)
  })
})

describe('schedules', () => {
  it('fire once each time across several processes', async () => {
    vi.useFakeTimers({ now: new Date('2026-11-26T12:00:30Z') })
    const backend = memoryJobBackend()
    const engines = [open({ backend }).jobs, open({ backend }).jobs]
    for (const jobs of engines) await jobs.schedule('tick', '* * * * *', 'tock')
    await vi.advanceTimersByTimeAsync(60_000)
    expect((await engines[0]?.getProcessingStats())?.queued).toBe(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect((await engines[0]?.getProcessingStats())?.queued).toBe(2)
  })
})

describe('an engine', () => {
  it('leaves no timer when it is closed', async () => {
    vi.useFakeTimers()
    const jobs = new AsyncBatchProcessingEngine()
    jobs.registerProcessor('default', () => {})
    await jobs.schedule('tick', '* * * * *', 1)
    jobs.start()
    await jobs.enqueueTask(1, 'normal', 'default', { delayMs: 60_000 })
    await vi.advanceTimersByTimeAsync(100)
    expect(vi.getTimerCount()).toBeGreaterThan(2)
    await jobs.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('removes its listener from a shared backend on close', async () => {
    const backend = new MemoryBackend()
    let listeners = 0
    const onWake = backend.onWake.bind(backend)
    backend.onWake = (listener) => {
      listeners += 1
      const stop = onWake(listener)
      return () => {
        listeners -= 1
        stop()
      }
    }
    const jobs = new AsyncBatchProcessingEngine({ backend })
    expect(listeners).toBe(1)
    await jobs.close()
    expect(listeners).toBe(0)
  })

  it('retries to open a backend that was unavailable', async () => {
    const backend = new MemoryBackend()
    let failures = 2
    backend.open = (() => {
      failures -= 1
      return failures < 0 ? Promise.resolve() : Promise.reject(new Error('not yet'))
    }) as never
    const { jobs, next } = open({ backend })
    const errors: unknown[] = []
    jobs.on('error', ({ error }) => errors.push(error))
    await expect(jobs.enqueueTask(1)).rejects.toThrow('not yet')
    jobs.registerProcessor('default', () => {})
    const completed = next('task:completed')
    jobs.start()
    await expect.poll(() => errors.length, SOON).toBe(1)
    const task = await jobs.enqueueTask(1)
    expect((await completed).taskId).toBe(task.id)
  })

  it('returns the id of the existing task, even if it has ended', async () => {
    const backend = new MemoryBackend()
    backend.add = () => [{ id: 'the first', isDuplicate: true }]
    const { jobs } = open({ backend })
    expect(await jobs.enqueueTask(1, 'normal', 'default', { uniqueKey: 'k' })).toMatchObject({
      id: 'the first',
      isDuplicate: true,
    })
  })

  it('runs a delayed task after tasks that were added before its time', async () => {
    const backend = new MemoryBackend()
    const { jobs } = open({ backend })
    const { id } = await jobs.enqueueTask('later', 'normal', 'default', { delayMs: 50_000 })
    const now = await jobs.enqueueTask('now')
    expect(backend.get(id)?.order).toBeGreaterThan((backend.get(now.id)?.order ?? 0) + 49_000)
  })

  it('limits payloads by bytes, and accepts objects without a prototype', async () => {
    const { jobs } = open()
    await expect(jobs.enqueueTask('é'.repeat(524_288))).rejects.toThrow(InvalidArgumentError)
    await jobs.enqueueTask('e'.repeat(1_048_574))
    await jobs.enqueueTask(Object.assign(Object.create(null) as object, { a: 1 }))
  })
})

describe('a dead letter in the memory backend', () => {
  it('releases its bytes when it is retried, and cannot be retried while another task has its key', async () => {
    const backend = memoryJobBackend()
    const { jobs } = open({ backend })
    let fails = true
    jobs.registerProcessor('default', () => {
      if (fails) throw new Error('No.')
    })
    const first = await jobs.enqueueTask('x'.repeat(100), 'normal', 'default', {
      maxRetries: 0,
      uniqueKey: 'k',
    })
    await jobs.processNextTask()
    const second = await jobs.enqueueTask('y', 'normal', 'default', { maxRetries: 0, uniqueKey: 'k' })
    expect(await jobs.retryDeadLetterTask(first.id)).toBe(false)
    fails = false
    await jobs.processNextTask()
    expect(second.isDuplicate).toBeUndefined()
    expect(await jobs.retryDeadLetterTask(first.id)).toBe(true)
    await jobs.processNextTask()
    fails = true
    await jobs.enqueueTask('z'.repeat(100), 'normal', 'default', { maxRetries: 0 })
    await jobs.processNextTask()
    await backend.tidy({ maxDeadBytes: 150, maxBatchAgeMs: 1_000 }, Date.now())
    expect(await jobs.listDeadLetters()).toHaveLength(1)
  })

  it('retains dead letters for maxDeadAgeMs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] })
    const { jobs } = open({ retention: { maxDeadAgeMs: 120_000 } })
    jobs.registerProcessor('default', () => {
      throw new Error('No.')
    })
    await jobs.enqueueTask('first', 'normal', 'default', { maxRetries: 0 })
    await jobs.processNextTask()
    await vi.advanceTimersByTimeAsync(60_000)
    await jobs.enqueueTask('second', 'normal', 'default', { maxRetries: 0 })
    await jobs.processNextTask()
    await vi.advanceTimersByTimeAsync(55_000)
    expect(await jobs.listDeadLetters()).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(40_000)
    expect((await jobs.listDeadLetters()).map(({ data }) => data)).toEqual(['second'])
    await vi.advanceTimersByTimeAsync(90_000)
    expect(await jobs.listDeadLetters()).toEqual([])
    expect(() => new AsyncBatchProcessingEngine({ retention: { maxDeadAgeMs: -1 } })).toThrow(
      '"retention.maxDeadAgeMs"',
    )
  })
})

function callbacksOf(jobs: AsyncBatchProcessingEngine): number {
  // Registering for a queue without a processor is the only way to observe callbacks from outside.
  try {
    jobs.createQueue('none')
    jobs.start('none')
    return 1
  } catch {
    return 0
  }
}
