import { AsyncBatchProcessingEngine, type JobEvents, type TaskContext } from '@sluice/core'
import { describe, expect, it, onTestFinished } from 'vitest'

function open(graceMs = 5_000) {
  const jobs = new AsyncBatchProcessingEngine({ graceMs })
  onTestFinished(() => jobs.close())
  const next = <K extends keyof JobEvents>(event: K) =>
    new Promise<JobEvents[K]>((resolve) => {
      jobs.on(event, resolve)
    })
  return { jobs, next }
}

const once = { maxRetries: 0 }

describe('the context of a processor', () => {
  it('reports progress from 0 to 100 while the task runs', async () => {
    const { jobs, next } = open()
    const told: number[] = []
    jobs.on('task:progress', ({ percent }) => told.push(percent))
    let late: TaskContext['progress'] | undefined
    jobs.registerProcessor('default', (_, { progress }) => {
      for (const percent of [-1, 0, 50, 100, 101, Number.NaN]) progress(percent)
      late = progress
    })
    const completed = next('task:completed')
    jobs.start()
    await jobs.enqueueTask(1)
    await completed
    late?.(70)
    expect(told).toEqual([0, 50, 100])
  })

  it('stores the last 100 log lines of a failure, each truncated', async () => {
    const { jobs, next } = open()
    jobs.registerProcessor('default', (_, { log }) => {
      for (let line = 0; line < 150; line += 1) log(`${line} ${'x'.repeat(2_000)}`)
      throw new Error('No.')
    })
    const dead = next('task:dead')
    jobs.start()
    await jobs.enqueueTask(1, 'normal', 'default', once)
    const { log } = (await dead).failure
    expect(log).toHaveLength(100)
    expect(log[0]).toMatch(/^50 x/)
    expect(log.every((line) => line.length === 1_000)).toBe(true)
  })

  it('ignores the failure of an item that does not exist', async () => {
    const { jobs, next } = open()
    jobs.registerProcessor('items', (_, { failItem }) => {
      for (const index of [-1, 2, 0.5]) failItem(index, new Error('Which?'))
    })
    const completed = next('batch:completed')
    jobs.start()
    await jobs.createBatchJob('items', ['a', 'b'], 2, once)
    expect(await completed).toMatchObject({ processedItems: 2, failedItems: 0 })
  })
})

describe('a task that is aborted', () => {
  it('fails at its timeout, regardless of its later result', async () => {
    const { jobs, next } = open()
    jobs.registerProcessor(
      'default',
      (_, { signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve('in spite of it'))
        }),
    )
    const dead = next('task:dead')
    jobs.start()
    await jobs.enqueueTask(1, 'normal', 'default', { ...once, timeoutMs: 20 })
    expect((await dead).failure.message).toBe('The task took longer than 20 ms.')
  })

  it('ends once, even if the processor returns after it was abandoned', async () => {
    const { jobs, next } = open(10)
    let end: ((value: unknown) => void) | undefined
    jobs.registerProcessor(
      'default',
      () =>
        new Promise((resolve) => {
          end = resolve
        }),
    )
    const events: string[] = []
    for (const event of ['task:completed', 'task:dead', 'task:retry'] as const)
      jobs.on(event, () => events.push(event))
    const dead = next('task:dead')
    jobs.start()
    await jobs.enqueueTask(1, 'normal', 'default', { ...once, timeoutMs: 20 })
    await dead
    end?.('late')
    await jobs.drain()
    expect(events).toEqual(['task:dead'])
    expect((await jobs.getProcessingStats()).processing).toBe(0)
  })

  it('is aborted once, with the first reason', async () => {
    const { jobs, next } = open()
    const reasons: string[] = []
    jobs.registerProcessor(
      'default',
      (_, { signal, taskId }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            reasons.push((signal.reason as Error).name)
            void jobs.cancelTask(taskId).then(resolve)
          })
        }),
    )
    const dead = next('task:dead')
    jobs.start()
    await jobs.enqueueTask(1, 'normal', 'default', { ...once, timeoutMs: 20 })
    expect((await dead).failure.message).toBe('The task took longer than 20 ms.')
    expect(reasons).toEqual(['TaskTimeoutError'])
  })

  it('processes no more items, and does not count the current one as failed', async () => {
    const { jobs, next } = open()
    const seen: string[] = []
    jobs.registerProcessor(
      'items',
      async (item: string, { signal }) => {
        seen.push(item)
        if (item !== 'b') return
        const stopped = new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => resolve())
        })
        void jobs.cancelBatchJob(batchId)
        await stopped
        throw new Error('I stop.')
      },
      { perItem: true },
    )
    const completed = next('batch:completed')
    const { id: batchId } = await jobs.createBatchJob('items', ['a', 'b', 'c'], 3, once)
    jobs.start()
    expect(await completed).toMatchObject({ processedItems: 1, failedItems: 0, status: 'cancelled' })
    expect(seen).toEqual(['a', 'b'])
  })

  it('processes no more items when the current one ignores the abort', async () => {
    const { jobs, next } = open()
    const seen: string[] = []
    jobs.registerProcessor(
      'items',
      async (item: string, { signal }) => {
        seen.push(item)
        if (item === 'a') await jobs.cancelBatchJob(batchId)
        expect(signal.aborted).toBe(true)
      },
      { perItem: true },
    )
    const completed = next('batch:completed')
    const { id: batchId } = await jobs.createBatchJob('items', ['a', 'b', 'c'], 3, once)
    jobs.start()
    expect(await completed).toMatchObject({ processedItems: 1, failedItems: 0 })
    expect(seen).toEqual(['a'])
  })
})

describe('retries', () => {
  it('are delayed by at least 50% of the backoff, and by at most 1 hour', async () => {
    const { jobs } = open()
    const waits: number[] = []
    jobs.on('task:retry', ({ failure, retryAt }) => waits.push(retryAt - failure.at))
    jobs.registerProcessor('default', () => {
      throw new Error('No.')
    })
    for (const backoff of [1_000, 60_000_000]) {
      await jobs.enqueueTask(1, 'normal', 'default', { maxRetries: 1, backoff })
      await jobs.processNextTask()
    }
    expect(waits[0]).toBeGreaterThanOrEqual(500)
    expect(waits[0]).toBeLessThan(1_000)
    expect(waits[1]).toBeLessThanOrEqual(3_600_000)
  })
})
