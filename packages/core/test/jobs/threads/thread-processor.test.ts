import { afterEach, describe, expect, it } from 'vitest'
import { SOON, TEST_MS } from '../../../../../test/support/patience.ts'
import { AsyncBatchProcessingEngine } from '../../../src/jobs/async-batch-processing-engine.ts'
import type { JobEvents } from '../../../src/jobs/job-events.ts'
import type { TaskContext } from '../../../src/jobs/processor.ts'
import { type ThreadProcessorOptions, threadProcessor } from '../../../src/jobs/threads/index.ts'

const worker = new URL('./worker.mjs', import.meta.url)
// In tests, threads load the source.
const execArgv = ['--import', 'tsx', '--conditions=@sluice/source']
const engines: AsyncBatchProcessingEngine[] = []

async function setUp(options: ThreadProcessorOptions = {}, module: URL = worker) {
  const jobs = new AsyncBatchProcessingEngine()
  engines.push(jobs)
  const processor = await threadProcessor(module, { maxThreads: 2, graceMs: 50, execArgv, ...options })
  jobs.registerProcessor('default', processor)
  const ended = <K extends 'task:completed' | 'task:retry' | 'task:dead' | 'task:cancelled'>(event: K) =>
    new Promise<JobEvents[K]>((resolve) => {
      jobs.on(event, resolve)
    })
  return { jobs, processor, ended }
}

afterEach(async () => {
  for (const jobs of engines.splice(0)) await jobs.close()
})

describe('threadProcessor', { timeout: TEST_MS }, () => {
  it('runs tasks in threads, with the context', async () => {
    const { jobs, ended } = await setUp()
    const percents: number[] = []
    jobs.on('task:progress', ({ percent }) => percents.push(percent))
    const completed = ended('task:completed')
    jobs.start()
    const task = await jobs.enqueueTask({ do: 'double', value: 21 }, 'normal', 'default', { runAs: 'alice' })
    const { result } = await completed
    expect(result).toMatchObject({
      doubled: 42,
      taskId: task.id,
      queue: 'default',
      attempt: 1,
      runAs: 'alice',
    })
    expect((result as { threadId: number }).threadId).toBeGreaterThan(0)
    expect(percents).toEqual([50])
  })

  it('fails with the error of the processor, and retains its log', async () => {
    const { jobs, ended } = await setUp()
    const dead = ended('task:dead')
    jobs.start()
    await jobs.enqueueTask({ do: 'throw' }, 'normal', 'default', { maxRetries: 0 })
    const { failure } = await dead
    expect(failure).toMatchObject({ message: 'Out of it.', log: ['About to throw.'] })
    expect(failure.stack).toContain('worker.mjs')
  })

  it('does not retry an UnretryableError', async () => {
    const { jobs, ended } = await setUp()
    const dead = ended('task:dead')
    jobs.start()
    await jobs.enqueueTask({ do: 'throw for good' })
    expect((await dead).failure).toMatchObject({ attempt: 1, message: 'Never again.' })
  })

  it('completes a task whose result cannot be copied', async () => {
    const { jobs, ended } = await setUp()
    const completed = ended('task:completed')
    jobs.start()
    await jobs.enqueueTask({ do: 'return a function' })
    expect((await completed).result).toBeUndefined()
  })

  it('terminates endless loops at their timeout, and replaces their threads', async () => {
    const { jobs, ended } = await setUp()
    const messages: string[] = []
    jobs.on('task:dead', ({ failure }) => messages.push(failure.message))
    const completed = ended('task:completed')
    jobs.start()
    for (let i = 0; i < 2; i += 1)
      await jobs.enqueueTask({ do: 'spin' }, 'normal', 'default', { timeoutMs: 300, maxRetries: 0 })
    await jobs.enqueueTask({ do: 'double', value: 1 })
    expect((await completed).result).toMatchObject({ doubled: 2 })
    expect(messages).toEqual(['The task took longer than 300 ms.', 'The task took longer than 300 ms.'])
  })

  it('notifies a processor to stop, with the reason', async () => {
    const { jobs, ended } = await setUp({ graceMs: 5_000 })
    const dead = ended('task:dead')
    jobs.start()
    await jobs.enqueueTask({ do: 'heed' }, 'normal', 'default', { timeoutMs: 50, maxRetries: 0 })
    expect((await dead).failure).toMatchObject({
      message: 'The task took longer than 50 ms.',
      log: ['Told: TaskTimeoutError.'],
    })
  })

  it('stops a cancelled task', async () => {
    const { jobs, ended } = await setUp()
    const started = new Promise<unknown>((resolve) => {
      jobs.on('task:started', resolve)
    })
    const cancelled = ended('task:cancelled')
    jobs.start()
    const task = await jobs.enqueueTask({ do: 'spin' })
    await started
    expect(await jobs.cancelTask(task.id)).toBe(true)
    expect((await cancelled).taskId).toBe(task.id)
  })

  it('fails a task whose thread exits or exceeds its memory, and continues', async () => {
    const { jobs, ended } = await setUp({ maxMemoryMb: 32 })
    const messages: string[] = []
    jobs.on('task:dead', ({ failure }) => messages.push(failure.message))
    jobs.start()
    await jobs.enqueueTask({ do: 'end the thread' }, 'normal', 'default', { maxRetries: 0 })
    await jobs.enqueueTask({ do: 'fill the memory' }, 'normal', 'default', { maxRetries: 0 })
    const completed = ended('task:completed')
    await jobs.enqueueTask({ do: 'double', value: 3 })
    expect((await completed).result).toMatchObject({ doubled: 6 })
    await jobs.drain()
    expect(messages).toHaveLength(2)
    expect(messages.join()).toMatch(/memory/i)
  })

  it('runs as many tasks concurrently as it has threads', async () => {
    const { jobs, processor } = await setUp({ maxThreads: 2 })
    expect(processor.concurrency).toBe(2)
    const threads = new Set<unknown>()
    jobs.on('task:completed', ({ result }) => threads.add(result))
    let running = 0
    let most = 0
    jobs.on('task:started', () => {
      running += 1
      most = Math.max(most, running)
    })
    jobs.on('task:completed', () => {
      running -= 1
    })
    for (let i = 0; i < 6; i += 1) await jobs.enqueueTask({ do: 'sleep', ms: 50 })
    jobs.start()
    await expect.poll(async () => (await jobs.getProcessingStats()).queued, SOON).toBe(0)
    await jobs.drain()
    expect(most).toBe(2)
    expect(threads.size).toBe(2)
  })

  it('counts only the items of the failed part as failed', async () => {
    const { jobs } = await setUp()
    const completed = new Promise<JobEvents['batch:completed']>((resolve) => {
      jobs.on('batch:completed', resolve)
    })
    jobs.registerProcessor('numbers', await threadProcessor(worker, { maxThreads: 1, execArgv }))
    jobs.start('numbers')
    await jobs.createBatchJob('numbers', [1, 2, 3, 4, 5, 6], 3, { maxRetries: 0 })
    expect(await completed).toMatchObject({ processedItems: 3, failedItems: 3, status: 'failed' })
  })

  it('ends its threads when the engine is closed', async () => {
    const { jobs, processor } = await setUp()
    const beats = new Int32Array(new SharedArrayBuffer(4))
    const { signal } = new AbortController()
    const run = () => processor({ do: 'beat', beats }, { signal } as TaskContext)
    const running = Promise.resolve(run())
    // It is rejected before it is awaited.
    running.catch(() => {})
    await expect.poll(() => beats[0], SOON).toBeGreaterThan(1)
    await jobs.close()
    await expect(running).rejects.toThrow()
    const last = beats[0]
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(beats[0]).toBe(last)
    await expect(run()).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
  })

  it('rejects invalid arguments', async () => {
    await expect(threadProcessor('./worker.mjs' as never)).rejects.toMatchObject({
      code: 'SLUICE_INVALID_ARGUMENT',
    })
    await expect(threadProcessor(new URL('./nowhere.mjs', import.meta.url))).rejects.toThrow(
      'the URL of an existing file',
    )
    await expect(threadProcessor(worker, { maxThreads: 0 })).rejects.toMatchObject({
      code: 'SLUICE_INVALID_OPTION',
    })
    const { jobs, ended } = await setUp({}, new URL('./no-default.mjs', import.meta.url))
    const dead = ended('task:dead')
    jobs.start()
    await jobs.enqueueTask({}, 'normal', 'default', { maxRetries: 0 })
    expect((await dead).failure.message).toContain('expected a default export that is a function')
  })
})
