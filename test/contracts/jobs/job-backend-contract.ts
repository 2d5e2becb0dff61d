import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AsyncBatchProcessingEngine,
  type JobEvents,
  type JobsOptions,
  NoProcessorError,
  type ProgressDetails,
  type Task,
  UnretryableError,
} from '@sluice/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { NEVER_MS, SOON } from '../../support/patience.ts'
import type { JobWorld } from './job-world.ts'

/**
 * The contract of every job backend, tested through the engine. `setUp` creates a world that the tests share;
 * each test has its own queues and engines.
 */
export function jobBackendContract(name: string, setUp: () => Promise<JobWorld>): void {
  describe(`job backend: ${name}`, () => {
    let world: JobWorld
    let engines: AsyncBatchProcessingEngine[] = []

    beforeAll(async () => {
      world = await setUp()
    })
    afterAll(() => world?.stop())
    afterEach(async () => {
      await Promise.all(engines.map((engine) => engine.close()))
      engines = []
    })

    const open = (options: JobsOptions = {}): AsyncBatchProcessingEngine => {
      const engine = new AsyncBatchProcessingEngine({
        leaseMs: NEVER_MS,
        pollMs: 100,
        graceMs: 200,
        webhooks: { allowPrivateAddresses: true },
        ...world.options,
        ...options,
        backend: world.connect(),
      })
      engines.push(engine)
      return engine
    }
    const unique = () => `q-${randomBytes(6).toString('hex')}`
    /** An engine with one queue. */
    const one = (options?: JobsOptions) => {
      const queue = unique()
      const jobs = open(options)
      jobs.createQueue(queue, 10)
      return { jobs, queue }
    }
    const heard = <K extends keyof JobEvents>(jobs: AsyncBatchProcessingEngine, event: K) => {
      const events: JobEvents[K][] = []
      jobs.on(event, (payload) => events.push(payload))
      return events
    }

    describe('order', () => {
      it('runs tasks by priority, and in order of arrival within a priority', async () => {
        const { jobs, queue } = one()
        const seen: number[] = []
        const priorities = ['low', 'normal', 'high', 'critical'] as const
        for (let at = 0; at < 12; at += 1) await jobs.enqueueTask(at, priorities[at % 4], queue)
        jobs.registerProcessor<number>(queue, (at) => void seen.push(at), { concurrency: 1 })
        jobs.start()
        await expect.poll(() => seen.length, SOON).toBe(12)
        expect(seen).toEqual([3, 7, 11, 2, 6, 10, 1, 5, 9, 0, 4, 8])
      })

      it('runs a low-priority task first after it waited long enough', async () => {
        const ageMs = 300
        const { jobs, queue } = one({ priorityAgingMs: world.ageStepMs ?? ageMs })
        const seen: string[] = []
        await jobs.enqueueTask('old', 'high', queue)
        await sleep((world.ageStepMs ?? ageMs) * 1.5)
        await jobs.enqueueTask('new', 'critical', queue)
        jobs.registerProcessor<string>(queue, (text) => void seen.push(text), { concurrency: 1 })
        jobs.start()
        await expect.poll(() => seen.length, SOON).toBe(2)
        expect(seen).toEqual(['old', 'new'])
      })

      it('runs at most as many tasks concurrently as configured', async () => {
        const { jobs, queue } = one()
        let running = 0
        let most = 0
        let done = 0
        jobs.registerProcessor(
          queue,
          async () => {
            running += 1
            most = Math.max(most, running)
            await sleep(20)
            running -= 1
            done += 1
          },
          { concurrency: 3 },
        )
        for (let at = 0; at < 12; at += 1) await jobs.enqueueTask(at, 'normal', queue)
        jobs.start(queue)
        await expect.poll(() => done, SOON).toBe(12)
        expect(most).toBe(3)
      })
    })

    describe('tasks', () => {
      it('receive their data and metadata', async () => {
        const { jobs, queue } = one()
        const data = {
          text: 'ü \u0000 "',
          list: [1, null, true, { a: 1.5 }],
          when: new Date(0),
          nothing: undefined,
        }
        const task = await jobs.enqueueTask(data, 'high', queue, { runAs: 'ann' })
        expect(task).toMatchObject({
          priority: 'high',
          queue,
          status: 'queued',
          attempts: 0,
          maxRetries: 3,
          runAs: 'ann',
        })
        expect(await jobs.getTask(task.id)).toMatchObject({ ...task, data: JSON.parse(JSON.stringify(data)) })
        const seen: unknown[] = []
        const completed = heard(jobs, 'task:completed')
        jobs.registerProcessor<unknown>(queue, (given, { taskId, attempt, runAs, queue: from }) => {
          seen.push(given, taskId, attempt, runAs, from)
          return 'result'
        })
        jobs.start()
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(seen).toEqual([JSON.parse(JSON.stringify(data)), task.id, 1, 'ann', queue])
        expect(completed).toEqual([{ taskId: task.id, queue, batchId: undefined, result: 'result' }])
      })

      it('are not required in an empty queue, and otherwise need a processor', async () => {
        const { jobs, queue } = one()
        expect(await jobs.processNextTask(queue)).toBeNull()
        for (const delayMs of [0, 60_000]) {
          const { id } = await jobs.enqueueTask(1, 'normal', queue, { delayMs })
          await expect(jobs.processNextTask(queue)).rejects.toThrow(NoProcessorError)
          await jobs.cancelTask(id)
        }
        expect(await jobs.processNextTask(queue)).toBeNull()
      })

      it('run one at a time by hand', async () => {
        const { jobs, queue } = one()
        const task = await jobs.enqueueTask(1, 'normal', queue)
        jobs.registerProcessor<number>(queue, () => {})
        expect(await jobs.processNextTask(queue)).toMatchObject({
          id: task.id,
          data: 1,
          status: 'completed',
          attempts: 0,
        })
        expect(await jobs.processNextTask(queue)).toBeNull()
      })

      it('can have separate callbacks', async () => {
        const { jobs, queue } = one()
        const seen: string[] = []
        jobs.registerProcessor(queue, () => void seen.push('queue'))
        const task = await jobs.enqueueTask(1, 'normal', queue)
        await jobs.enqueueTask(2, 'normal', queue)
        jobs.registerProcessingCallback<number>(task.id, (data) => void seen.push(`callback ${data}`))
        await jobs.processNextTask(queue)
        await jobs.processNextTask(queue)
        expect(seen).toEqual(['callback 1', 'queue'])
      })

      it('wait until they are due', async () => {
        const { jobs, queue } = one()
        const startedAt = Date.now()
        let ranAt = 0
        const later = await jobs.enqueueTask(1, 'critical', queue, { delayMs: 2_000 })
        expect(later.status).toBe('pending')
        expect((await jobs.getProcessingStats(queue)).pending).toBe(1)
        jobs.registerProcessor(queue, () => {
          ranAt = Date.now()
        })
        jobs.start()
        await expect.poll(() => ranAt, SOON).toBeGreaterThan(0)
        expect(ranAt - startedAt).toBeGreaterThanOrEqual(1_990)
      })

      it('exist once per unique key until they are finished', async () => {
        const { jobs, queue } = one()
        const first = await jobs.enqueueTask({ at: 1 }, 'normal', queue, { uniqueKey: 'k' })
        const second = await jobs.enqueueTask({ at: 2 }, 'normal', queue, { uniqueKey: 'k' })
        expect(second).toMatchObject({ id: first.id, isDuplicate: true, data: { at: 1 } })
        expect(first.isDuplicate).toBeUndefined()
        const otherQueue = unique()
        jobs.createQueue(otherQueue)
        expect(
          (await jobs.enqueueTask(1, 'normal', otherQueue, { uniqueKey: 'k' })).isDuplicate,
        ).toBeUndefined()
        const seen: unknown[] = []
        jobs.registerProcessor(queue, (data) => void seen.push(data))
        await jobs.processNextTask(queue)
        expect(await jobs.processNextTask(queue)).toBeNull()
        expect(seen).toEqual([{ at: 1 }])
        expect(
          (await jobs.enqueueTask({ at: 3 }, 'normal', queue, { uniqueKey: 'k' })).isDuplicate,
        ).toBeUndefined()
      })
    })

    describe('failures', () => {
      it('are retried, and become a dead letter that can be replayed', async () => {
        const { jobs, queue } = one()
        let runs = 0
        let isWell = false
        jobs.registerProcessor(queue, (_data, { attempt, log }) => {
          runs += 1
          log(`attempt ${attempt}`)
          if (!isWell) throw new Error(`broken ${attempt}`)
        })
        const dead = heard(jobs, 'task:dead')
        const retried = heard(jobs, 'task:retry')
        const task = await jobs.enqueueTask({ a: 1 }, 'normal', queue, { maxRetries: 2, backoff: 20 })
        jobs.start()
        await expect.poll(() => dead.length, SOON).toBe(1)
        expect(runs).toBe(3)
        expect(retried.map(({ failure }) => failure.message)).toEqual(['broken 1', 'broken 2'])
        expect(await jobs.listDeadLetters({ queue })).toMatchObject([
          {
            id: task.id,
            status: 'dead',
            data: { a: 1 },
            attempts: 3,
            error: 'broken 3',
            failures: [1, 2, 3].map((attempt) => ({
              attempt,
              message: `broken ${attempt}`,
              log: [`attempt ${attempt}`],
            })),
          },
        ])
        expect((await jobs.getProcessingStats(queue)).deadLetters).toBe(1)
        isWell = true
        const completed = heard(jobs, 'task:completed')
        expect(await jobs.retryDeadLetterTask(task.id)).toBe(true)
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(runs).toBe(4)
        expect(await jobs.retryDeadLetterTask(task.id)).toBe(false)
        expect(await jobs.listDeadLetters({ queue })).toEqual([])
      })

      it('are permanent if the processor throws UnretryableError, and deleted if the queue keeps no dead letters', async () => {
        const { jobs, queue } = one()
        jobs.createQueue(queue, 1, { deadLetters: false })
        jobs.registerProcessor(queue, () => {
          throw new UnretryableError('never')
        })
        const task = await jobs.enqueueTask(1, 'normal', queue)
        expect(await jobs.processNextTask(queue)).toMatchObject({
          id: task.id,
          status: 'failed',
          error: 'never',
          attempts: 1,
        })
        expect(await jobs.listDeadLetters({ queue })).toEqual([])
      })

      it('can be purged', async () => {
        const { jobs, queue } = one()
        jobs.registerProcessor(queue, () => {
          throw new UnretryableError('never')
        })
        const ids: string[] = []
        for (let at = 0; at < 3; at += 1) {
          ids.push((await jobs.enqueueTask(at, 'normal', queue)).id)
          await jobs.processNextTask(queue)
        }
        expect((await jobs.listDeadLetters({ queue, limit: 2 })).map(({ data }) => data)).toEqual([0, 1])
        expect((await jobs.listDeadLetters({ queue, offset: 2 })).map(({ data }) => data)).toEqual([2])
        expect(await jobs.purgeDeadLetters({ queue, before: 1 })).toBe(0)
        expect(await jobs.purgeDeadLetters({ queue, taskId: ids[1] ?? '' })).toBe(1)
        expect(await jobs.purgeDeadLetters({ queue })).toBe(2)
        expect(await jobs.listDeadLetters({ queue })).toEqual([])
      })

      it('by timeout abort the processor, and are retried', async () => {
        const { jobs, queue } = one()
        const reasons: string[] = []
        jobs.registerProcessor(
          queue,
          (_data, { signal }) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                reasons.push(signal.reason.code)
                reject(signal.reason)
              })
            }),
        )
        await jobs.enqueueTask(1, 'normal', queue, { timeoutMs: 50, maxRetries: 1, backoff: 10 })
        const dead = heard(jobs, 'task:dead')
        jobs.start()
        await expect.poll(() => dead.length, SOON).toBe(1)
        expect(reasons).toEqual(['SLUICE_TASK_TIMEOUT', 'SLUICE_TASK_TIMEOUT'])
        expect(dead[0]?.failure.message).toContain('50 ms')
      })

      it('by timeout do not wait for processors that ignore the abort signal', async () => {
        const { jobs, queue } = one({ graceMs: 50 })
        const seen: unknown[] = []
        jobs.registerProcessor<string>(
          queue,
          (data) => {
            seen.push(data)
            return data === 'hang' ? new Promise(() => {}) : undefined
          },
          { concurrency: 1 },
        )
        await jobs.enqueueTask('hang', 'normal', queue, { timeoutMs: 30, maxRetries: 0 })
        await jobs.enqueueTask('next', 'normal', queue)
        jobs.start()
        await expect.poll(() => seen, SOON).toEqual(['hang', 'next'])
      })
    })

    describe('cancelling', () => {
      it('ends a waiting task', async () => {
        const { jobs, queue } = one()
        const tasks = [
          await jobs.enqueueTask(1, 'normal', queue),
          await jobs.enqueueTask(2, 'normal', queue, { delayMs: NEVER_MS }),
        ]
        for (const { id } of tasks) expect(await jobs.cancelTask(id)).toBe(true)
        expect(await jobs.cancelTask(tasks[0]?.id ?? '')).toBe(false)
        let runs = 0
        jobs.registerProcessor(queue, () => {
          runs += 1
        })
        expect(await jobs.processNextTask(queue)).toBeNull()
        expect(runs).toBe(0)
        expect(await jobs.getProcessingStats(queue)).toMatchObject({ pending: 0, queued: 0 })
      })

      it('aborts a running task from another process', async () => {
        const { jobs, queue } = one()
        const other = open()
        let reason: unknown
        let isRunning = false
        jobs.registerProcessor(
          queue,
          (_data, { signal }) =>
            new Promise((_resolve, reject) => {
              isRunning = true
              signal.addEventListener('abort', () => {
                reason = signal.reason
                reject(signal.reason)
              })
            }),
        )
        const cancelled = heard(jobs, 'task:cancelled')
        const task = await jobs.enqueueTask(1, 'normal', queue)
        jobs.start()
        await expect.poll(() => isRunning, SOON).toBe(true)
        expect(await other.cancelTask(task.id)).toBe(true)
        await expect.poll(() => cancelled.length, SOON).toBe(1)
        expect(reason).toMatchObject({ code: 'SLUICE_TASK_ABORTED', why: 'cancelled' })
        expect(await jobs.cancelTask(task.id)).toBe(false)
      })
    })

    describe('pausing', () => {
      it('holds tasks back in all processes until the queue is resumed', async () => {
        const { jobs, queue } = one()
        const other = open()
        other.createQueue(queue)
        let runs = 0
        jobs.registerProcessor(queue, () => {
          runs += 1
        })
        await other.pause(queue)
        jobs.start()
        await jobs.enqueueTask(1, 'normal', queue)
        await sleep(300)
        expect(runs).toBe(0)
        expect((await jobs.getProcessingStats(queue)).isPaused).toBe(true)
        await other.resume(queue)
        await expect.poll(() => runs, SOON).toBe(1)
      })
    })

    describe('draining', () => {
      it('waits for running tasks, and starts no others', async () => {
        const { jobs, queue } = one()
        let done = 0
        let started = 0
        let finish = () => {}
        const finished = new Promise<void>((resolve) => {
          finish = resolve
        })
        jobs.registerProcessor(
          queue,
          async () => {
            started += 1
            await finished
            done += 1
          },
          { concurrency: 2 },
        )
        for (let at = 0; at < 10; at += 1) await jobs.enqueueTask(at, 'normal', queue)
        jobs.start()
        await expect.poll(() => started, SOON).toBe(2)
        const draining = jobs.drain()
        finish()
        expect(await draining).toEqual({ released: 0 })
        expect([started, done]).toEqual([2, 2])
        expect((await jobs.getProcessingStats(queue)).queued).toBe(8)
      })

      it('releases tasks that exceed the drain timeout, with all their attempts', async () => {
        const { jobs, queue } = one()
        const next = open()
        const reasons: unknown[] = []
        jobs.registerProcessor(
          queue,
          (_data, { signal }) =>
            new Promise(() => {
              signal.addEventListener('abort', () => reasons.push(signal.reason.why))
            }),
        )
        await jobs.enqueueTask(1, 'normal', queue, { maxRetries: 0 })
        jobs.start()
        await expect.poll(async () => (await jobs.getProcessingStats(queue)).processing, SOON).toBe(1)
        expect(await jobs.drain({ timeoutMs: 50 })).toEqual({ released: 1 })
        expect(reasons).toEqual(['shutdown'])
        const attempts: number[] = []
        next.registerProcessor(queue, (_data, { attempt }) => void attempts.push(attempt))
        next.start()
        await expect.poll(() => attempts, SOON).toEqual([1])
      })
    })

    describe('batches', () => {
      it('are split into tasks, and reported once when they end', async () => {
        const { jobs, queue } = one()
        const items = Array.from({ length: 1_050 }, (_, at) => at)
        const seen: number[] = []
        const completed = heard(jobs, 'batch:completed')
        jobs.registerProcessor<number[]>(queue, (chunk) => void seen.push(...chunk))
        const batch = await jobs.createBatchJob(queue, items, 100)
        expect(batch).toMatchObject({ name: queue, items, batchSize: 100, totalItems: 1_050 })
        expect(await jobs.getBatchItems(batch.id, { offset: 10, limit: 1 })).toEqual(items.slice(1_000))
        jobs.start()
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect([...seen].sort((left, right) => left - right)).toEqual(items)
        const expected = {
          batchId: batch.id,
          status: 'completed',
          progress: 100,
          processedItems: 1_050,
          failedItems: 0,
          totalItems: 1_050,
        }
        expect(completed[0]).toMatchObject(expected)
        expect(await jobs.getBatchProgress(batch.id)).toMatchObject({ ...expected, etaSeconds: 0 })
        expect((await jobs.getBatchJob(batch.id)).items).toEqual([])
      })

      it('start while their items are still being read', async () => {
        const { jobs, queue } = one()
        let processed = 0
        jobs.registerProcessor<number[]>(queue, (chunk) => {
          processed += chunk.length
        })
        jobs.start()
        const completed = heard(jobs, 'batch:completed')
        async function* items() {
          for (let at = 0; at < 600; at += 1) yield at
          await expect.poll(() => processed, SOON).toBeGreaterThan(0)
          for (let at = 0; at < 5; at += 1) yield at
        }
        const batch = await jobs.createBatchJob(queue, items(), 10)
        expect(batch).toMatchObject({ items: [], totalItems: 605 })
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(processed).toBe(605)
      })

      it('without items complete immediately', async () => {
        const { jobs, queue } = one()
        const completed = heard(jobs, 'batch:completed')
        const batch = await jobs.createBatchJob(queue, [])
        expect(batch).toMatchObject({ status: 'completed', progress: 100, totalItems: 0 })
        expect(completed).toHaveLength(1)
      })

      it('retry only the failed items', async () => {
        const { jobs, queue } = one()
        const runs: number[][] = []
        jobs.registerProcessor<number[]>(queue, (chunk, { failItem, attempt }) => {
          runs.push(chunk)
          for (const [index, item] of chunk.entries())
            if (item % 5 === 0 && (attempt === 1 || item === 10)) failItem(index, new Error(`item ${item}`))
        })
        const completed = heard(jobs, 'batch:completed')
        const batch = await jobs.createBatchJob(
          queue,
          Array.from({ length: 12 }, (_, at) => at),
          12,
          { maxRetries: 1, backoff: 10 },
        )
        jobs.start()
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(runs).toEqual([
          [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
          [0, 5, 10],
        ])
        expect(completed[0]).toMatchObject({ status: 'failed', processedItems: 11, failedItems: 1 })
        const [letter] = await jobs.listDeadLetters({ queue })
        expect(letter).toMatchObject({ data: [10], batchId: batch.id, error: 'item 10' })
        // After the replay, the batch is complete.
        jobs.registerProcessor<number[]>(queue, () => {})
        expect(await jobs.retryDeadLetterTask(letter?.id ?? '')).toBe(true)
        await expect.poll(() => completed.length, SOON).toBe(2)
        expect(completed[1]).toMatchObject({ status: 'completed', processedItems: 12, failedItems: 0 })
      })

      it('can be processed item by item', async () => {
        const { jobs, queue } = one()
        const seen: number[] = []
        jobs.registerProcessor<number>(
          queue,
          (item, { attempt }) => {
            seen.push(item)
            if (item === 3 && attempt === 1) throw new Error('no')
          },
          { perItem: true, concurrency: 1 },
        )
        const completed = heard(jobs, 'batch:completed')
        await jobs.createBatchJob(queue, [1, 2, 3, 4], 4, { backoff: 10 })
        jobs.start()
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(seen).toEqual([1, 2, 3, 4, 3])
        expect(completed[0]).toMatchObject({ status: 'completed', processedItems: 4, failedItems: 0 })
      })

      it('continue after failed items up to the limit, or stop', async () => {
        const { jobs, queue } = one()
        const fail = (chunk: number[]) => {
          if (chunk.some((item) => item < 4)) throw new Error('no')
        }
        const completed = heard(jobs, 'batch:completed')
        const items = Array.from({ length: 40 }, (_, at) => at)
        jobs.registerProcessor(queue, fail, { concurrency: 1 })
        jobs.start()
        await jobs.createBatchJob(queue, items, 2, { maxRetries: 0, maxFailedItems: 4 })
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(completed[0]).toMatchObject({ status: 'completed', processedItems: 36, failedItems: 4 })
        await jobs.createBatchJob(queue, items, 2, { maxRetries: 0 })
        await expect.poll(() => completed.length, SOON).toBe(2)
        expect(completed[1]).toMatchObject({ status: 'failed', processedItems: 36, failedItems: 4 })
        await jobs.pause(queue)
        await jobs.createBatchJob(queue, items, 2, { maxRetries: 0, stopOnFailure: true, maxFailedItems: 2 })
        await jobs.resume(queue)
        await expect.poll(() => completed.length, SOON).toBe(3)
        expect(completed[2]).toMatchObject({ status: 'failed', failedItems: 4 })
        expect(completed[2]?.processedItems).toBeLessThan(36)
      })

      it('can be cancelled', async () => {
        const { jobs, queue } = one()
        let running = 0
        jobs.registerProcessor(
          queue,
          (_chunk, { signal }) =>
            new Promise((_resolve, reject) => {
              running += 1
              signal.addEventListener('abort', () => reject(signal.reason))
            }),
          { concurrency: 2 },
        )
        const completed = heard(jobs, 'batch:completed')
        const batch = await jobs.createBatchJob(
          queue,
          Array.from({ length: 50 }, (_, at) => at),
          5,
        )
        jobs.start()
        await expect.poll(() => running, SOON).toBe(2)
        expect(await jobs.cancelBatchJob(batch.id)).toBe(true)
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(completed[0]).toMatchObject({ status: 'cancelled', processedItems: 0, failedItems: 0 })
        expect(running).toBe(2)
        expect(await jobs.cancelBatchJob(batch.id)).toBe(false)
        expect(await jobs.cancelBatchJob('00000000-0000-7000-8000-000000000000')).toBe(false)
      })

      it('end with the last waiting part that is cancelled, and report it once', async () => {
        const { jobs, queue } = one()
        const completed = heard(jobs, 'batch:completed')
        const retried = heard(jobs, 'task:retry')
        const server = createServer((_request, response) => {
          calls += 1
          response.writeHead(204).end()
        })
        let calls = 0
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        try {
          jobs.registerProcessor<number[]>(queue, ([item]) => {
            if (item !== 1) throw new Error('later')
          })
          const webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`
          const batch = await jobs.createBatchJob(queue, [1, 2, 3], 1, { backoff: NEVER_MS, webhook })
          jobs.start()
          await expect.poll(() => retried.length, SOON).toBe(2)
          await expect.poll(async () => (await jobs.getBatchProgress(batch.id)).processedItems, SOON).toBe(1)
          for (const { taskId } of retried) {
            expect(completed).toEqual([])
            expect(await jobs.cancelTask(taskId)).toBe(true)
          }
          expect(completed).toHaveLength(1)
          // Not every item had its last attempt.
          expect(completed[0]).toMatchObject({
            batchId: batch.id,
            status: 'cancelled',
            processedItems: 1,
            failedItems: 0,
            totalItems: 3,
          })
          for (const { taskId } of retried) expect(await jobs.cancelTask(taskId)).toBe(false)
          expect(await jobs.cancelBatchJob(batch.id)).toBe(false)
          await expect.poll(() => calls, SOON).toBe(1)
          expect(completed).toHaveLength(1)
        } finally {
          server.closeAllConnections()
          server.close()
        }
      })

      it('report each time they end again, once', async () => {
        const { jobs, queue } = one()
        const completed = heard(jobs, 'batch:completed')
        let isWell = false
        jobs.registerProcessor<number[]>(queue, () => {
          if (!isWell) throw new UnretryableError('not yet')
        })
        jobs.start()
        const batch = await jobs.createBatchJob(queue, [1, 2], 1, { maxFailedItems: 2 })
        await expect.poll(() => completed.length, SOON).toBe(1)
        expect(completed[0]).toMatchObject({ status: 'completed', processedItems: 0, failedItems: 2 })
        const [first, second] = await jobs.listDeadLetters({ batchId: batch.id })
        await jobs.pause(queue)
        isWell = true
        for (const letter of [first, second])
          expect(await jobs.retryDeadLetterTask(letter?.id ?? '')).toBe(true)
        const open = await jobs.getBatchProgress(batch.id)
        expect(open).toMatchObject({ processedItems: 0, failedItems: 0, status: 'pending' })
        expect(open.finishedAt).toBeUndefined()
        // One is cancelled and no longer counts; the other part ends the batch.
        expect(await jobs.cancelTask(first?.id ?? '')).toBe(true)
        expect(completed).toHaveLength(1)
        await jobs.resume(queue)
        await expect.poll(() => completed.length, SOON).toBe(2)
        expect(completed[1]).toMatchObject({ status: 'cancelled', processedItems: 1, failedItems: 0 })
        expect(await jobs.retryDeadLetterTask(second?.id ?? '')).toBe(false)
        await sleep(150)
        expect(completed).toHaveLength(2)
      })

      it('accept no more items once they are cancelled', async () => {
        const { jobs, queue } = one()
        let read = 0
        const other = open()
        const ids: string[] = []
        async function* items() {
          for (; read < 100_000; read += 1) {
            if (read === 200) {
              jobs.registerProcessor(queue, (_chunk, { batchId }) => void ids.push(batchId ?? ''), {
                concurrency: 1,
              })
              jobs.start()
              await expect.poll(() => ids.length, SOON).toBeGreaterThan(0)
              await other.cancelBatchJob(ids[0] ?? '')
            }
            yield read
          }
        }
        const batch = await jobs.createBatchJob(queue, items(), 2)
        expect(batch.status).toBe('cancelled')
        expect(read).toBeLessThan(1_000)
      })

      it('notify a webhook until it replies', async () => {
        const { jobs, queue } = one()
        const bodies: ProgressDetails[] = []
        const server = createServer(async (request, response) => {
          let text = ''
          for await (const chunk of request) text += chunk
          bodies.push(JSON.parse(text))
          response.writeHead(bodies.length === 1 ? 500 : 204).end()
        })
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
        try {
          jobs.registerProcessor(queue, () => {})
          jobs.start()
          const webhook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`
          const batch = await jobs.createBatchJob(queue, [1, 2, 3], 2, { webhook })
          await expect.poll(() => bodies.length, SOON).toBe(2)
          expect(bodies[1]).toMatchObject({
            event: 'batch:completed',
            batchId: batch.id,
            status: 'completed',
            processedItems: 3,
          })
        } finally {
          server.closeAllConnections()
          server.close()
        }
      })
    })

    describe('statistics', () => {
      it('count waiting, running and finished tasks', async () => {
        const { jobs, queue } = one()
        for (let at = 0; at < 3; at += 1) await jobs.enqueueTask(at, 'normal', queue)
        await jobs.enqueueTask(3, 'normal', queue, { delayMs: NEVER_MS })
        expect(await jobs.getProcessingStats(queue)).toMatchObject({
          queued: 3,
          pending: 1,
          processing: 0,
          completed: 0,
          isStalled: false,
        })
        expect((await jobs.getProcessingStats(queue)).oldestTaskMs).toBeGreaterThanOrEqual(0)
        jobs.registerProcessor(queue, () => sleep(20))
        for (let at = 0; at < 3; at += 1) await jobs.processNextTask(queue)
        const stats = await jobs.getProcessingStats(queue)
        expect(stats).toMatchObject({
          queued: 0,
          pending: 1,
          completed: 3,
          retried: 0,
          failed: 0,
          retryRate: 0,
          oldestTaskMs: 0,
        })
        expect(stats.runMs.p50).toBeGreaterThan(10)
        expect(stats.throughputPerSecond).toBeGreaterThan(0)
        expect(await jobs.getQueueHealth(queue)).toEqual({ health: 'healthy', reasons: [] })
      })
    })

    describe('a rate limit', () => {
      it('applies from the start', async () => {
        const queue = unique()
        const jobs = open()
        jobs.createQueue(queue, 100)
        const starts: number[] = []
        for (let at = 0; at < 30; at += 1) await jobs.enqueueTask(at, 'normal', queue)
        // Counting starts here.
        jobs.createQueue(queue, 100, { rate: { tasks: 20, perMs: 1_000 } })
        const startedAt = Date.now()
        jobs.registerProcessor(queue, () => void starts.push(Date.now() - startedAt))
        jobs.start()
        await expect.poll(() => starts.length, SOON).toBe(30)
        // 29 more starts at 20 per second.
        expect(starts.at(-1)).toBeGreaterThan(1_300)
        for (const [at, ms] of starts.entries()) expect(ms).toBeGreaterThanOrEqual(at * 50 - 120)
      })
    })

    describe('several processes', () => {
      it('share the tasks of a queue, and run each once', async () => {
        const { jobs, queue } = one()
        const others = [open(), open()]
        const tasks: Task[] = []
        const runs: string[] = []
        for (const engine of [jobs, ...others]) {
          engine.registerProcessor(queue, async (_data, { taskId }) => {
            await sleep(2)
            runs.push(taskId)
          })
        }
        for (const engine of [jobs, ...others]) engine.start()
        for (let at = 0; at < 150; at += 1) tasks.push(await jobs.enqueueTask(at, 'normal', queue))
        await expect.poll(() => runs.length, SOON).toBe(150)
        expect(new Set(runs).size).toBe(150)
        expect([...runs].sort()).toEqual(tasks.map(({ id }) => id).sort())
      })

      it('fire a schedule once', async () => {
        const { jobs, queue } = one()
        const other = open()
        other.createQueue(queue)
        const seen: unknown[] = []
        jobs.registerProcessor(queue, (data) => void seen.push(data))
        jobs.start()
        const startedAt = Date.now()
        const schedules = await Promise.all(
          [jobs, other].map((engine) => engine.schedule('tick', '* * * * * *', 'tick', { queue })),
        )
        await expect.poll(() => seen.length, SOON).toBeGreaterThanOrEqual(3)
        for (const schedule of schedules) schedule.stop()
        await sleep(50)
        const seconds = Math.floor(Date.now() / 1_000) - Math.floor(startedAt / 1_000)
        expect(seen.length).toBeLessThanOrEqual(seconds + 1)
      })
    })
  })
}
