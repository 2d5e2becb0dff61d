import { AsyncBatchProcessingEngine, type JobEvents, UnretryableError } from '@sluice/core'
import { Queue, QueueEvents } from 'bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { SOON } from '../support/patience.ts'
import { jobBackendOn } from './job-worlds.ts'
import { clients } from './redis-worlds.ts'

describe.skipIf(findRedisServer() === undefined).each(Object.keys(clients))(
  'tasks as jobs of BullMQ, %s',
  (client) => {
    let server: RedisServer
    let cleanups: (() => unknown)[] = []
    let made = 0
    beforeAll(async () => {
      server = await startRedisServer()
    })
    afterAll(() => server?.stop())
    afterEach(async () => {
      for (const cleanup of cleanups.reverse()) await cleanup()
      cleanups = []
    })

    /** An engine on a queue, and the queue as BullMQ sees it. */
    const open = (options: { readonly prefix?: string } = {}) => {
      const name = `mail-${made++}`
      const jobs = new AsyncBatchProcessingEngine({
        backend: jobBackendOn(client, server.port, options),
        pollMs: 50,
      })
      jobs.createQueue(name)
      const connection = { port: server.port, host: '127.0.0.1' }
      const queue = new Queue(name, { connection, ...options })
      cleanups.push(
        () => jobs.close(),
        () => queue.close(),
      )
      return { jobs, name, queue, connection }
    }
    const heard = <K extends keyof JobEvents>(jobs: AsyncBatchProcessingEngine, event: K) => {
      const events: JobEvents[K][] = []
      jobs.on(event, (payload) => events.push(payload))
      return events
    }

    it('have the states, data, priorities and times of BullMQ', async () => {
      const { jobs, name, queue } = open()
      const high = await jobs.enqueueTask({ to: 'a' }, 'high', name, { maxRetries: 7 })
      const low = await jobs.enqueueTask({ to: 'b' }, 'low', name)
      const later = await jobs.enqueueTask({ to: 'c' }, 'critical', name, { delayMs: 60_000 })
      expect(await queue.getJobCounts('prioritized', 'delayed', 'wait', 'active')).toEqual({
        prioritized: 2,
        delayed: 1,
        wait: 0,
        active: 0,
      })
      const job = await queue.getJob(high.id)
      expect(job).toMatchObject({
        name,
        data: { to: 'a' },
        timestamp: high.createdAt,
        attemptsMade: 0,
        opts: { attempts: 8 },
      })
      expect(await job?.getState()).toBe('prioritized')
      expect((await queue.getPrioritized()).map(({ id }) => id)).toEqual([high.id, low.id])
      expect(job?.priority).toBeGreaterThan(0)
      expect((await queue.getDelayed())[0]).toMatchObject({ id: later.id, delay: 60_000 })
      let release = () => {}
      jobs.registerProcessor(name, () => new Promise<void>((resolve) => (release = resolve)), {
        concurrency: 1,
      })
      jobs.start()
      await expect.poll(() => queue.getActiveCount(), SOON).toBe(1)
      expect((await queue.getActive())[0]).toMatchObject({
        id: high.id,
        processedBy: expect.stringMatching(/./),
      })
      release()
    })

    it('fail with the reason and the traces of all attempts, and can be retried in BullMQ', async () => {
      const { jobs, name, queue } = open()
      let isWell = false
      jobs.registerProcessor(name, (_data, { attempt }) => {
        if (!isWell) throw new Error(`broken ${attempt}`)
      })
      const completed = heard(jobs, 'task:completed')
      const task = await jobs.enqueueTask({ to: 'a' }, 'normal', name, { maxRetries: 1, backoff: 10 })
      jobs.start()
      await expect.poll(() => queue.getFailedCount(), SOON).toBe(1)
      const [job] = await queue.getFailed()
      expect(job).toMatchObject({ id: task.id, data: { to: 'a' }, failedReason: 'broken 2', attemptsMade: 2 })
      expect(job?.finishedOn).toBeGreaterThan(task.createdAt)
      expect(job?.stacktrace).toEqual([
        expect.stringContaining('Error: broken 1'),
        expect.stringContaining('Error: broken 2'),
      ])
      isWell = true
      await job?.retry()
      await expect.poll(() => completed.length, SOON).toBe(1)
      expect(await queue.getJob(task.id)).toBeUndefined()
    })

    it('can be removed, promoted and delayed in BullMQ', async () => {
      const { jobs, name, queue } = open()
      const seen: unknown[] = []
      jobs.registerProcessor(name, (data) => void seen.push(data))
      const removed = await jobs.enqueueTask('removed', 'normal', name)
      const promoted = await jobs.enqueueTask('promoted', 'normal', name, { delayMs: 60_000 })
      await (await queue.getJob(removed.id))?.remove()
      await (await queue.getJob(promoted.id))?.promote()
      await queue.pause()
      expect(await jobs.getProcessingStats(name)).toMatchObject({ isPaused: true, queued: 1, pending: 0 })
      jobs.start()
      expect(await jobs.processNextTask(name)).toBeNull()
      await queue.resume()
      await expect.poll(() => seen, SOON).toEqual(['promoted'])
      await jobs.pause(name)
      expect(await queue.isPaused()).toBe(true)
    })

    it('include jobs that BullMQ added', async () => {
      const { jobs, name, queue } = open()
      const seen: unknown[] = []
      jobs.registerProcessor(name, (data, { attempt }) => {
        seen.push([data, attempt])
        if (data === 'fails') throw new Error('no')
        if (data === 'never') throw new UnretryableError('never')
      })
      await queue.add('any', { a: 1 })
      await queue.add('any', 'fails', { attempts: 2, backoff: { type: 'fixed', delay: 10 } })
      await queue.add('any', 'never', { priority: 5, attempts: 3 })
      const completed = heard(jobs, 'task:completed')
      jobs.start()
      await expect.poll(() => seen.length, SOON).toBe(4)
      expect(seen.slice(0, 3)).toEqual([
        [{ a: 1 }, 1],
        ['fails', 1],
        ['never', 1],
      ])
      expect(completed.map(({ taskId }) => taskId)).toEqual(['1'])
      await expect
        .poll(
          async () =>
            (await jobs.listDeadLetters({ queue: name })).map(({ data, attempts }) => [data, attempts]),
          SOON,
        )
        .toEqual(
          expect.arrayContaining([
            ['fails', 2],
            ['never', 1],
          ]),
        )
    })

    it('of a BullMQ scheduler can be deleted and cancelled, too', async () => {
      const { jobs, name, queue } = open()
      jobs.registerProcessor(name, () => {
        throw new UnretryableError('never')
      })
      await queue.upsertJobScheduler('s', { every: 3_600_000 })
      const failed = await jobs.processNextTask(name)
      expect(await jobs.getTask(failed?.id ?? '')).toMatchObject({ status: 'dead' })
      expect(await jobs.purgeDeadLetters({ queue: name })).toBe(1)
      expect(await jobs.listDeadLetters({ queue: name })).toEqual([])
      await queue.upsertJobScheduler('t', { every: 3_600_000, offset: 1_800_000 })
      const [delayed] = [...(await queue.getDelayed()), ...(await queue.getWaiting())]
      expect(await jobs.cancelTask(delayed?.id ?? '')).toBe(true)
      expect(await jobs.getTask(delayed?.id ?? '')).toBeUndefined()
    })

    it('emit the events of BullMQ', async () => {
      const { jobs, name, connection } = open()
      const events = new QueueEvents(name, { connection })
      cleanups.push(() => events.close())
      await events.waitUntilReady()
      const heardEvents: string[] = []
      events.on('active', ({ jobId }) => heardEvents.push(`active ${jobId}`))
      events.on('completed', ({ jobId }) => heardEvents.push(`completed ${jobId}`))
      events.on('failed', ({ jobId, failedReason }) => heardEvents.push(`failed ${jobId} ${failedReason}`))
      const [good, bad] = [
        await jobs.enqueueTask('good', 'high', name),
        await jobs.enqueueTask('bad', 'low', name, { maxRetries: 0 }),
      ]
      jobs.registerProcessor(name, (data) => {
        if (data === 'bad') throw new Error('bad')
      })
      await jobs.processNextTask(name)
      await jobs.processNextTask(name)
      await expect
        .poll(() => heardEvents, SOON)
        .toEqual([`active ${good.id}`, `completed ${good.id}`, `active ${bad.id}`, `failed ${bad.id} bad`])
    })

    it('are stored only under a prefix', async () => {
      const { jobs, name, queue } = open({ prefix: 'shop' })
      await server.run('FLUSHALL')
      jobs.registerProcessor(name, () => {})
      const batch = await jobs.createBatchJob(name, [1, 2], 1)
      expect(await queue.getPrioritizedCount()).toBe(2)
      jobs.start()
      await expect.poll(async () => (await jobs.getBatchJob(batch.id)).status, SOON).toBe('completed')
      expect(await queue.getCompletedCount()).toBe(2)
      const keys = (await server.run('KEYS', '*')) as string[]
      expect(keys.filter((key) => !key.startsWith('shop:'))).toEqual([])
    })
  },
)
