import { setTimeout as sleep } from 'node:timers/promises'
import { AsyncBatchProcessingEngine, type JobEvents, type JobsOptions } from '@sluice/core'
import { JobBackendError } from '@sluice/core/jobs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { SilentProxy } from '../services/silent-proxy.ts'
import { ownNow } from '../support/own-clock.ts'
import { NEVER_MS, SOON } from '../support/patience.ts'
import { jobBackendOn, redisOn } from './job-worlds.ts'
import { clients } from './redis-worlds.ts'

const commandTimeoutMs = 500

describe.skipIf(findRedisServer() === undefined).each(Object.keys(clients))(
  'faults of the Redis of jobs, %s',
  (client) => {
    const cleanups: (() => unknown)[] = []
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    })

    const serve = async (settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> => {
      const server = await startRedisServer(settings)
      cleanups.push(() => server.stop())
      return server
    }
    const behindProxy = async (server: RedisServer): Promise<SilentProxy> => {
      const proxy = await SilentProxy.open(server.port)
      cleanups.push(() => proxy.close())
      return proxy
    }
    /** An engine, and the events that it emitted. Leases are longer than any test. */
    const open = ({ port }: { readonly port: number }, options: JobsOptions = {}) => {
      const jobs = new AsyncBatchProcessingEngine({
        leaseMs: NEVER_MS,
        pollMs: 100,
        graceMs: 200,
        ...options,
        backend: jobBackendOn(client, port, { commandTimeoutMs }),
      })
      cleanups.push(() => jobs.close())
      const errors: unknown[] = []
      jobs.on('error', ({ error }) => errors.push(error))
      return { jobs, errors, completed: heard(jobs, 'task:completed') }
    }
    const heard = <K extends keyof JobEvents>(jobs: AsyncBatchProcessingEngine, event: K) => {
      const events: JobEvents[K][] = []
      jobs.on(event, (payload) => events.push(payload))
      return events
    }
    const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

    it.each(['all', 'answers'] as const)(
      'runs and reports every task once when connections go silent: %s',
      async (what) => {
        const server = await serve()
        const proxy = await behindProxy(server)
        const { jobs, errors, completed } = open(proxy)
        const runs: number[] = []
        jobs.registerProcessor<number>('default', async (at) => {
          runs.push(at)
          await sleep(5)
        })
        for (const at of numbers(400)) await jobs.enqueueTask(at, 'normal', 'default', { maxRetries: 0 })
        jobs.start()
        for (const count of [60, 180]) {
          await expect.poll(() => runs.length, { ...SOON, interval: 1 }).toBeGreaterThan(count)
          proxy.silence(what)
          const silentAt = ownNow()
          const before = completed.length
          await expect.poll(() => completed.length, SOON).toBeGreaterThan(before + 20)
          expect(ownNow() - silentAt).toBeLessThan(10 * commandTimeoutMs)
        }
        await expect.poll(() => completed.length, SOON).toBe(400)
        expect(runs.toSorted((left, right) => left - right)).toEqual(numbers(400))
        expect(new Set(completed.map(({ taskId }) => taskId)).size).toBe(400)
        expect(errors.length).toBeGreaterThan(0)
        expect(errors.filter((error) => !(error instanceof JobBackendError))).toEqual([])
        expect(await jobs.getProcessingStats()).toMatchObject({
          lost: 0,
          processing: 0,
          queued: 0,
          deadLetters: 0,
        })
      },
    )

    it('reports the end of a batch although the reply with it was lost', async () => {
      const server = await serve()
      const proxy = await behindProxy(server)
      const { jobs } = open(proxy)
      const ended = heard(jobs, 'batch:completed')
      jobs.registerProcessor<number[]>('sums', ([first]) => {
        if (first === 8) proxy.silence('answers')
      })
      const batch = await jobs.createBatchJob('sums', numbers(10), 2)
      jobs.start()
      await expect.poll(() => ended.length, SOON).toBe(1)
      expect(ended[0]).toMatchObject({ batchId: batch.id, status: 'completed', processedItems: 10 })
      await sleep(2 * commandTimeoutMs)
      expect(ended).toHaveLength(1)
    })

    it('permanently gives up a step that did not reach Redis', async () => {
      const server = await serve()
      const proxy = await behindProxy(server)
      const backend = jobBackendOn(client, proxy.port, { commandTimeoutMs })
      cleanups.push(async () => backend.close())
      await backend.open()
      proxy.silence('all')
      await expect(backend.step('q', [], 1, 'w', NEVER_MS)).rejects.toBeInstanceOf(JobBackendError)
      const isAnswered = async () =>
        (await Promise.resolve(backend.step('q', [], 0, 'w', NEVER_MS)).catch(() => undefined)) !== undefined
      await expect.poll(isAnswered, SOON).toBe(true)
      // If it arrives later, it finds this mark.
      expect(await server.run('GET', 'bull:@sluice:step:w.0:q')).toBe('1|')
    })

    it('cancels a task after its subscription went silent', async () => {
      const server = await serve()
      const proxy = await behindProxy(server)
      const { jobs } = open(proxy)
      const { jobs: other } = open(server)
      const cancelled = heard(jobs, 'task:cancelled')
      let running = 0
      jobs.registerProcessor(
        'default',
        (_data, { signal }) =>
          new Promise((_resolve, reject) => {
            running += 1
            signal.addEventListener('abort', () => reject(signal.reason))
          }),
      )
      jobs.start()
      const task = await jobs.enqueueTask(1)
      await expect.poll(() => running, SOON).toBe(1)
      const subscribers = async () =>
        [...String(await server.run('CLIENT', 'LIST', 'TYPE', 'pubsub')).matchAll(/^id=(\d+)/gm)].map(
          ([, id]) => id,
        )
      await expect.poll(async () => (await subscribers()).length, SOON).toBe(1)
      const before = await subscribers()
      proxy.silence('all')
      await expect.poll(subscribers, SOON).not.toEqual(before)
      await expect.poll(async () => (await subscribers()).length, SOON).toBe(1)
      expect(await other.cancelTask(task.id)).toBe(true)
      await expect.poll(() => cancelled.length, SOON).toBe(1)
    })

    it('continues with all accepted tasks after a crash of Redis with persistence', async () => {
      const server = await serve({ appendonly: 'yes', appendfsync: 'always' })
      const { jobs, errors, completed } = open(server)
      const runs = new Map<number, number>()
      jobs.registerProcessor<number>('default', async (at) => {
        runs.set(at, (runs.get(at) ?? 0) + 1)
        await sleep(5)
      })
      jobs.start()
      const accepted: number[] = []
      const refused: unknown[] = []
      let slowestMs = 0
      const enqueue = async (at: number) => {
        const startedAt = ownNow()
        try {
          await jobs.enqueueTask(at, 'normal', 'default', { maxRetries: 0 })
          accepted.push(at)
        } catch (error) {
          refused.push(error)
        }
        slowestMs = Math.max(slowestMs, ownNow() - startedAt)
      }
      const load = (async () => {
        for (const at of numbers(600)) {
          await enqueue(at)
          if (refused.length > 0 && accepted.length + refused.length > 300) await sleep(1)
        }
      })()
      await expect.poll(() => completed.length, SOON).toBeGreaterThan(100)
      await server.kill()
      await expect.poll(() => refused.length, SOON).toBeGreaterThan(0)
      await server.start()
      await load
      await expect.poll(async () => (await jobs.getProcessingStats()).queued, SOON).toBe(0)
      await expect.poll(() => accepted.filter((at) => !runs.has(at)), SOON).toEqual([])
      await expect.poll(async () => (await jobs.getProcessingStats()).processing, SOON).toBe(0)
      expect(refused.filter((error) => !(error instanceof JobBackendError))).toEqual([])
      expect(errors.filter((error) => !(error instanceof JobBackendError))).toEqual([])
      expect(slowestMs).toBeLessThan(commandTimeoutMs + 2_000)
      expect(accepted.length).toBeGreaterThan(100)
      expect([...runs.values()].filter((count) => count > 1)).toEqual([])
      expect((await jobs.getProcessingStats()).deadLetters).toBe(0)
    })

    it('continues with new tasks after a crash of Redis without persistence', async () => {
      const server = await serve()
      const { jobs, completed } = open(server)
      let release = () => {}
      const runs: string[] = []
      jobs.registerProcessor<string>('default', (text) => {
        runs.push(text)
        return text === 'long' ? new Promise<void>((resolve) => (release = resolve)) : undefined
      })
      await jobs.enqueueTask('long')
      await jobs.enqueueTask('gone', 'normal', 'default', { delayMs: 1_000 })
      jobs.start()
      await expect.poll(() => runs, SOON).toEqual(['long'])
      await server.kill()
      await server.start()
      release()
      await expect
        .poll(async () => (await jobs.getProcessingStats().catch(() => undefined))?.lost, SOON)
        .toBe(1)
      await jobs.enqueueTask('next')
      await expect.poll(() => completed.length, SOON).toBe(1)
      expect(runs).toEqual(['long', 'next'])
      expect(await jobs.getProcessingStats()).toMatchObject({ pending: 0, queued: 0, processing: 0 })
    })

    it('rejects in time while Redis hangs, and recovers', async () => {
      const server = await serve()
      const { jobs, completed } = open(server)
      jobs.registerProcessor('default', () => sleep(5))
      jobs.start()
      for (const at of numbers(50)) await jobs.enqueueTask(at)
      await server.pause(true)
      cleanups.push(() => server.pause(false))
      for (let call = 0; call < 3; call += 1) {
        const startedAt = ownNow()
        await expect(jobs.getProcessingStats()).rejects.toBeInstanceOf(JobBackendError)
        expect(ownNow() - startedAt).toBeLessThan(commandTimeoutMs + 1_000)
      }
      expect(await jobs.getQueueHealth()).toMatchObject({ health: 'unhealthy' })
      await server.pause(false)
      await expect.poll(() => completed.length, SOON).toBe(50)
    })

    it('waits for a Redis that starts later', async () => {
      const server = await serve()
      await server.kill()
      const { jobs, completed } = open(server)
      jobs.registerProcessor('default', () => {})
      jobs.start()
      const startedAt = ownNow()
      await expect(jobs.enqueueTask(1)).rejects.toThrow(/ECONNREFUSED/)
      await expect(jobs.enqueueTask(1)).rejects.toBeInstanceOf(JobBackendError)
      expect(ownNow() - startedAt).toBeLessThan(2 * commandTimeoutMs + 2_000)
      await server.start()
      await expect.poll(() => jobs.enqueueTask(2).catch(() => undefined), SOON).toBeDefined()
      await expect.poll(() => completed.length, SOON).toBeGreaterThan(0)
    })

    it('closes while Redis is unavailable, with a running task', async () => {
      const server = await serve()
      const { jobs } = open(server)
      let isRunning = false
      jobs.registerProcessor('default', () => {
        isRunning = true
        return new Promise(() => {})
      })
      await jobs.enqueueTask(1)
      jobs.start()
      await expect.poll(() => isRunning, SOON).toBe(true)
      await server.kill()
      const startedAt = ownNow()
      await jobs.close()
      expect(ownNow() - startedAt).toBeLessThan(10 * commandTimeoutMs)
      await expect(jobs.enqueueTask(1)).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
    })

    it('leaves nothing behind when it is closed, and the given connection unchanged', async () => {
      const server = await serve()
      const redis = redisOn(client, server.port)
      cleanups.push(() => redis.disconnect())
      await redis.ping()
      const { jobs } = open(server)
      jobs.registerProcessor('default', () => {})
      jobs.start()
      await jobs.enqueueTask(1)
      const connections = async () =>
        String(await redis.client('LIST'))
          .trim()
          .split('\n').length
      await expect.poll(connections, SOON).toBe(3)
      await jobs.close()
      await expect.poll(connections, SOON).toBe(1)
      expect(await redis.ping()).toBe('PONG')
    })

    it('warns once about a Redis that may evict tasks', async () => {
      const server = await serve({ 'maxmemory-policy': 'volatile-lru' })
      const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      cleanups.push(() => warned.mockRestore())
      const { jobs } = open(server)
      await jobs.enqueueTask(1)
      await expect.poll(() => warned.mock.calls.length, SOON).toBe(1)
      expect(warned.mock.calls[0]).toMatchObject([
        expect.stringContaining('volatile-lru'),
        { code: 'SLUICE_REDIS_EVICTION' },
      ])
      await server.run('CLIENT', 'KILL', 'TYPE', 'normal')
      await expect.poll(() => jobs.enqueueTask(2).catch(() => undefined), SOON).toBeDefined()
      expect(warned.mock.calls.length).toBe(1)
    })
  },
)
