import { setTimeout as sleep } from 'node:timers/promises'
import type {
  JobBackend,
  NewTask,
  TaskClaim,
  TaskOutcome,
  TaskOutcomeKind,
  WakeHint,
} from '@sluice/core/jobs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { ownNow } from '../support/own-clock.ts'
import { NEVER_MS, SOON } from '../support/patience.ts'
import { jobBackendOn } from './job-worlds.ts'

const LEASE = NEVER_MS
const settings = { maxRetries: 3, maxCrashes: 5, timeoutMs: 0, backoff: 1_000, runAs: null }

describe.skipIf(findRedisServer() === undefined)('the backend on BullMQ', () => {
  let server: RedisServer
  let backends: JobBackend[] = []
  let queue: string
  let made = 0
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server?.stop())
  beforeEach(() => {
    queue = `q${made++}`
  })
  afterEach(async () => {
    await Promise.all(backends.map((backend) => backend.close()))
    backends = []
    await server.run('FLUSHALL')
  })

  const open = async (): Promise<JobBackend> => {
    const backend = jobBackendOn('ioredis 6', server.port)
    backends.push(backend)
    await backend.open()
    return backend
  }
  const task = (id: string, rest: Partial<NewTask> = {}): NewTask => {
    const createdAt = Date.now()
    const common = {
      level: 2,
      order: createdAt,
      data: `"${id}"`,
      runAt: 0,
      createdAt,
      settings,
      uniqueKey: null,
    } as const
    return { id, queue, ...common, batchId: null, chunk: 0, items: 0, ...rest }
  }
  const outcome = (claim: TaskClaim, kind: TaskOutcomeKind, rest: Partial<TaskOutcome> = {}): TaskOutcome => {
    const at = Date.now()
    return {
      claim,
      kind,
      at,
      runAt: at,
      failure: null,
      isStored: false,
      doneItems: 0,
      failedItems: 0,
      data: null,
      ...rest,
    }
  }
  const claim = async (backend: JobBackend, owner: string, leaseMs = LEASE): Promise<TaskClaim> => {
    const { claims } = await backend.step(queue, [], 1, owner, leaseMs)
    expect(claims).toHaveLength(1)
    return claims[0] as TaskClaim
  }
  /** A claim whose lease has expired, and the claim of the worker that has the task now. */
  const twice = async (
    backend: JobBackend,
  ): Promise<{ readonly late: TaskClaim; readonly current: TaskClaim }> => {
    await backend.add([task('t')])
    const late = await claim(backend, 'first', 1)
    let current: TaskClaim | undefined
    await expect
      .poll(async () => (current = (await backend.step(queue, [], 1, 'second', LEASE)).claims[0]), SOON)
      .toBeDefined()
    return { late, current: current as TaskClaim }
  }
  const batch = {
    name: 'q',
    batchSize: 1,
    createdAt: 1,
    maxFailedItems: 0,
    stopsOnFailure: false,
    webhook: null,
  }
  const counts = async (backend: JobBackend) => {
    const { pending, queued, processing, retry, dead } = await backend.counts(queue)
    return { pending, queued, processing, retry, dead }
  }
  const none = { pending: 0, queued: 0, processing: 0, retry: 0, dead: 0 }

  describe('claims', () => {
    it('use the order, to the millisecond, and the id within one', async () => {
      const backend = await open()
      const base = Date.now()
      const orders = [5, 3, 3, 700_000, 0, 4, 600_000, 599_999].map((order, at) =>
        task(`t${at}`, { order: base + order }),
      )
      await backend.add(orders)
      const { claims } = await backend.step(queue, [], 10, 'w', LEASE)
      expect(claims.map(({ id }) => id)).toEqual(['t4', 't1', 't2', 't5', 't0', 't7', 't6', 't3'])
    })

    it('take delayed, released and reassigned tasks in their original order', async () => {
      const backend = await open()
      const base = Date.now() - 1_000
      const soon = Date.now() + 150
      await backend.add([
        task('a-delayed', { order: base, runAt: soon }),
        task('a-released', { order: base + 1 }),
        task('a-lost', { order: base + 2 }),
      ])
      const [released] = (await backend.step(queue, [], 1, 'a', LEASE)).claims
      const [lost] = (await backend.step(queue, [], 1, 'b', 1)).claims
      expect([released?.id, lost?.id]).toEqual(['a-released', 'a-lost'])
      await backend.add([task('a-last', { order: base + 3 }), task('a-first', { order: base - 1 })])
      await sleep(1_200)
      const { claims } = await backend.step(
        queue,
        [outcome(released as TaskClaim, 'release')],
        10,
        'a',
        LEASE,
      )
      expect(claims.map(({ id, crashes }) => [id, crashes])).toEqual([
        ['a-first', 0],
        ['a-delayed', 0],
        ['a-released', 0],
        ['a-lost', 1],
        ['a-last', 0],
      ])
    })

    it('stay cheap next to 100,000 delayed tasks', async () => {
      const backend = await open()
      const cost = async () => {
        const before = ownNow()
        for (let at = 0; at < 50; at += 1)
          await backend.step(queue, [outcome(await claim(backend, 'w'), 'done')], 0, 'w', LEASE)
        return ownNow() - before
      }
      await backend.add(Array.from({ length: 200 }, (_, at) => task(`t${at}`)))
      const alone = await cost()
      for (let group = 0; group < 50; group += 1)
        await backend.add(
          Array.from({ length: 2_000 }, (_, at) =>
            task(`d${group}-${at}`, { runAt: Date.now() + 3_600_000 }),
          ),
        )
      expect(await counts(backend)).toMatchObject({ pending: 100_000 })
      expect(await cost()).toBeLessThan(5 * alone + 200)
    })

    it('order tasks that become due together, regardless of their number', async () => {
      const backend = await open()
      const base = Date.now() - 10_000
      const tasks = Array.from({ length: 2_500 }, (_, at) =>
        task(`t${String(at).padStart(5, '0')}`, { createdAt: base, order: base + at, runAt: base + 1 }),
      )
      await backend.add(tasks)
      const ids: string[] = []
      for (let step = 0; step < 30; step += 1)
        ids.push(...(await backend.step(queue, [], 100, 'w', LEASE)).claims.map(({ id }) => id))
      expect(ids).toEqual(tasks.map(({ id }) => id))
    })

    it('are not granted by a step that was given up and arrives later', async () => {
      const backend = await open()
      await backend.add([task('t')])
      // Marked as given up, like a step whose result was requested but not available.
      await server.run('SET', `bull:@sluice:step:w.0:${queue}`, '1|')
      await expect(backend.step(queue, [], 1, 'w', LEASE)).rejects.toThrow('after a later one')
      expect(await counts(backend)).toEqual({ ...none, queued: 1 })
      expect((await backend.step(queue, [], 1, 'w', LEASE)).claims).toHaveLength(1)
    })

    it('omit tasks that another client deleted from the queue', async () => {
      const backend = await open()
      await backend.add([task('gone'), task('there')])
      await server.run('DEL', `bull:${queue}:gone`)
      const { claims } = await backend.step(queue, [], 5, 'w', LEASE)
      expect(claims.map(({ id }) => id)).toEqual(['there'])
      expect(await counts(backend)).toEqual({ ...none, processing: 1 })
    })
  })

  describe('outcomes', () => {
    it('count as done from a worker that lost the task, while another has it', async () => {
      const backend = await open()
      const { late, current } = await twice(backend)
      expect(current.crashes).toBe(1)
      expect((await backend.step(queue, [outcome(late, 'done')], 0, 'first', LEASE)).lost).toEqual([])
      expect(await counts(backend)).toEqual(none)
      expect((await backend.renew([current], 'second', LEASE)).lost).toEqual([current])
      expect((await backend.step(queue, [outcome(current, 'done')], 0, 'second', LEASE)).lost).toEqual([
        current,
      ])
      expect(await server.run('KEYS', `bull:${queue}:t*`)).toEqual([])
    })

    it.each(['release', 'retry'] as const)(
      'count as done from a worker that lost the task, while it waits after a %s',
      async (kind) => {
        const backend = await open()
        const { late, current } = await twice(backend)
        await backend.step(
          queue,
          [outcome(current, kind, { runAt: kind === 'retry' ? Date.now() + NEVER_MS : 0 })],
          0,
          'second',
          LEASE,
        )
        expect(await counts(backend)).toEqual({ ...none, [kind === 'retry' ? 'retry' : 'queued']: 1 })
        expect((await backend.step(queue, [outcome(late, 'done')], 0, 'first', LEASE)).lost).toEqual([])
        expect(await counts(backend)).toEqual(none)
        expect(await server.run('SCARD', `bull:${queue}:@retry`)).toBe(0)
        expect((await backend.step(queue, [], 1, 'second', LEASE)).claims).toEqual([])
      },
    )

    it.each(['retry', 'dead', 'release', 'cancelled'] as const)(
      'do not count as %s from a worker that lost the task',
      async (kind) => {
        const backend = await open()
        const { late, current } = await twice(backend)
        expect((await backend.step(queue, [outcome(late, kind)], 0, 'first', LEASE)).lost).toEqual([late])
        expect(await counts(backend)).toEqual({ ...none, processing: 1 })
        expect((await backend.step(queue, [outcome(current, 'done')], 0, 'second', LEASE)).lost).toEqual([])
      },
    )

    it('do not count from a worker that lost the task, even if the lease of the next one has expired', async () => {
      const backend = await open()
      const { late, current } = await twice(backend)
      await server.run('DEL', `bull:${queue}:t:lock`)
      expect((await backend.step(queue, [outcome(late, 'retry')], 0, 'first', LEASE)).lost).toEqual([late])
      expect((await backend.renew([late, current], 'both', LEASE)).lost).toEqual([late])
      expect((await backend.step(queue, [outcome(current, 'retry')], 0, 'second', LEASE)).lost).toEqual([])
    })

    it('count in any form from a worker with an expired lease that was not noticed', async () => {
      const backend = await open()
      await backend.add([task('t')])
      const late = await claim(backend, 'w', 1)
      await sleep(20)
      expect(
        (await backend.step(queue, [outcome(late, 'retry', { runAt: Date.now() + NEVER_MS })], 0, 'w', LEASE))
          .lost,
      ).toEqual([])
      expect(await counts(backend)).toEqual({ ...none, retry: 1 })
    })

    it('count only once', async () => {
      const backend = await open()
      await backend.add([task('t')])
      const held = await claim(backend, 'w')
      const { lost } = await backend.step(
        queue,
        [outcome(held, 'done'), outcome(held, 'done')],
        0,
        'w',
        LEASE,
      )
      expect(lost).toEqual([held])
    })

    it('of a worker that lost a part of a batch count for the remaining items', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch })
      await backend.add([task('t', { batchId: 'b', items: 10, data: '[]' })])
      await backend.sealBatch('b', 1, 10, 5)
      const late = await claim(backend, 'first', 1)
      let current: TaskClaim | undefined
      await expect
        .poll(async () => (current = (await backend.step(queue, [], 1, 'second', LEASE)).claims[0]), SOON)
        .toBeDefined()
      const retried = outcome(current as TaskClaim, 'retry', {
        runAt: Date.now() + NEVER_MS,
        doneItems: 7,
        data: '[8,9,10]',
      })
      expect((await backend.step(queue, [retried], 0, 'second', LEASE)).batches).toEqual([])
      const { lost, batches } = await backend.step(
        queue,
        [outcome(late, 'done', { doneItems: 10 })],
        0,
        'first',
        LEASE,
      )
      expect(lost).toEqual([])
      expect(batches).toMatchObject([{ id: 'b', processedItems: 10, failedItems: 0, chunksDone: 1 }])
    })

    it('of a cancelled task that would run again end the task', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch })
      await backend.add([task('t', { batchId: 'b', items: 1 })])
      await backend.sealBatch('b', 1, 1, 5)
      const held = await claim(backend, 'w')
      expect(await backend.cancel('t', 7)).toEqual({ was: 'running', batches: [] })
      const { batches } = await backend.step(
        queue,
        [outcome(held, 'retry', { runAt: Date.now() + 1_000 })],
        1,
        'w',
        LEASE,
      )
      expect(batches).toMatchObject([{ id: 'b', chunksDone: 1, processedItems: 0 }])
      expect(await counts(backend)).toEqual(none)
      expect(await backend.get('t')).toMatchObject({ status: 'cancelled', data: '"t"' })
    })
  })

  describe('leases', () => {
    it('continue when renewed, even late, if the expiry was not noticed', async () => {
      const backend = await open()
      await backend.add([task('t')])
      const held = await claim(backend, 'w', 1)
      await sleep(20)
      expect(await backend.renew([held], 'w', LEASE)).toEqual({ lost: [], cancelled: [] })
      await sleep(1_100)
      expect((await backend.step(queue, [], 1, 'other', LEASE)).claims).toEqual([])
      await backend.cancel('t', 1)
      expect((await backend.renew([held], 'w', LEASE)).cancelled).toEqual([held])
    })

    it('are not extended for the present owner by the previous one', async () => {
      const backend = await open()
      const { late, current } = await twice(backend)
      await server.run('PEXPIRE', `bull:${queue}:t:lock`, '5000')
      expect(await backend.renew([late], 'first', LEASE)).toEqual({ lost: [late], cancelled: [] })
      expect(Number(await server.run('PTTL', `bull:${queue}:t:lock`))).toBeLessThanOrEqual(5_000)
      expect(await backend.renew([current], 'second', LEASE)).toEqual({ lost: [], cancelled: [] })
      expect(Number(await server.run('PTTL', `bull:${queue}:t:lock`))).toBeGreaterThan(5_000)
    })

    it('of a lost worker end a cancelled task', async () => {
      const backend = await open()
      await backend.add([task('t')])
      await claim(backend, 'w', 500)
      expect(await backend.cancel('t', 1)).toEqual({ was: 'running', batches: [] })
      await expect
        .poll(async () => {
          expect((await backend.step(queue, [], 1, 'other', LEASE)).claims).toEqual([])
          return await counts(backend)
        }, SOON)
        .toEqual(none)
    })
  })

  describe('batches', () => {
    it('retain the data of their parts until they are deleted, regardless of how they ended, and their dead letters longer', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch })
      const kinds = ['0', '1', '2', '3', '4'] as const
      await backend.add(kinds.map((kind, chunk) => task(`1-${kind}`, { batchId: 'b', chunk, items: 1 })))
      await backend.sealBatch('b', 5, 5, 5)
      const { claims } = await backend.step(queue, [], 5, 'w', LEASE)
      const ends: readonly Partial<TaskOutcome>[] = [
        { kind: 'done', doneItems: 1 },
        { kind: 'dead', isStored: true, failedItems: 1 },
        { kind: 'dead', failedItems: 1 },
        { kind: 'cancelled' },
        { kind: 'dead', isStored: true, failedItems: 1 },
      ]
      const failure = { attempt: 1, at: 1, message: 'no', log: [] }
      const outcomes = claims.map((held, at) =>
        outcome(held, 'done', { failure: at === 0 ? null : failure, ...ends[at] }),
      )
      const { batches } = await backend.step(queue, outcomes, 0, 'w', LEASE)
      expect(batches).toMatchObject([{ id: 'b', chunksDone: 5, processedItems: 1, failedItems: 3 }])
      expect(await backend.purge({ id: '1-4' })).toBe(1)
      const found = await backend.list({ batchId: 'b' }, { offset: 0, limit: 10 })
      expect(found.map(({ id, status, data, attempts }) => [id, status, data, attempts])).toEqual([
        ['1-0', 'completed', '"1-0"', 0],
        ['1-1', 'dead', '"1-1"', 1],
        ['1-2', 'failed', '"1-2"', 1],
        ['1-3', 'cancelled', '"1-3"', 0],
        ['1-4', 'failed', '"1-4"', 1],
      ])
      expect(
        (await backend.list({ batchId: 'b', status: 'dead' }, { offset: 0, limit: 10 })).map(({ id }) => id),
      ).toEqual(['1-1'])
      expect((await backend.list({ batchId: 'b' }, { offset: 1, limit: 2 })).map(({ id }) => id)).toEqual([
        '1-1',
        '1-2',
      ])
      const limits = { maxDeadBytes: 1_000, maxBatchAgeMs: 1_000 }
      await backend.tidy(limits, Date.now())
      expect(await backend.batch('b')).toBeDefined()
      await backend.tidy(limits, Date.now() + 2_000)
      expect(await backend.batch('b')).toBeUndefined()
      expect(await backend.list({}, { offset: 0, limit: 10 })).toMatchObject([{ id: '1-1', status: 'dead' }])
      expect(await server.run('KEYS', 'bull:@sluice:batch:*')).toEqual([])
    })

    it('are open again while a dead letter is replayed, and are reported at their next end', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch, webhook: 'http://127.0.0.1:1/' })
      await backend.add([task('t', { batchId: 'b', items: 1 })])
      await backend.sealBatch('b', 1, 1, 5)
      const unnotified = async () => (await backend.unnotifiedBatches(Date.now() + 1)).map(({ id }) => id)
      const dead = outcome(await claim(backend, 'w'), 'dead', { isStored: true, failedItems: 1 })
      expect((await backend.step(queue, [dead], 0, 'w', LEASE)).batches).toMatchObject([
        { id: 'b', failedItems: 1 },
      ])
      expect(await unnotified()).toEqual(['b'])
      expect(await backend.replay('t')).toBe(true)
      expect(await unnotified()).toEqual([])
      expect(await server.run('ZCARD', 'bull:@sluice:ended')).toBe(0)
      expect(await backend.batch('b')).toMatchObject({ endedAt: null, failedItems: 0, chunksDone: 0 })
      const done = outcome(await claim(backend, 'w'), 'done', { doneItems: 1 })
      expect((await backend.step(queue, [done], 0, 'w', LEASE)).batches).toMatchObject([
        { id: 'b', processedItems: 1, failedItems: 0 },
      ])
      expect(await unnotified()).toEqual(['b'])
    })

    it('are not deleted while they are open again', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch })
      // As found immediately before one of its dead letters was replayed.
      await server.run('ZADD', 'bull:@sluice:ended', '1', 'b')
      await backend.tidy({ maxDeadBytes: 0, maxBatchAgeMs: 0 }, 100)
      expect(await backend.batch('b')).toMatchObject({ endedAt: null })
      await backend.sealBatch('b', 0, 0, 5)
      await backend.tidy({ maxDeadBytes: 0, maxBatchAgeMs: 0 }, 100)
      expect(await backend.batch('b')).toBeUndefined()
    })

    it('count a part once, and are reported once', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch })
      await backend.add(['1', '2', '3', '4'].map((id, chunk) => task(id, { batchId: 'b', chunk, items: 1 })))
      // As if adding the last one had failed.
      await backend.sealBatch('b', 3, 3, 5)
      const { claims } = await backend.step(queue, [], 4, 'w', LEASE)
      const [first, second, third, fourth] = claims.map((held) =>
        outcome(held, 'done', { doneItems: 1 }),
      ) as [TaskOutcome, TaskOutcome, TaskOutcome, TaskOutcome]
      expect(await backend.step(queue, [first, second], 0, 'w', LEASE)).toMatchObject({
        lost: [],
        batches: [],
      })
      expect(await backend.step(queue, [first], 0, 'w', LEASE)).toMatchObject({
        lost: [first.claim],
        batches: [],
      })
      expect(await backend.batch('b')).toMatchObject({ processedItems: 2, chunksDone: 2 })
      expect((await backend.step(queue, [third], 0, 'w', LEASE)).batches).toMatchObject([
        { processedItems: 3, chunksDone: 3 },
      ])
      expect(await backend.step(queue, [fourth], 0, 'w', LEASE)).toMatchObject({ lost: [], batches: [] })
    })

    it('count a finished part once when they are cancelled after another client deleted it', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch })
      await backend.add(['1', '2', '3'].map((id, chunk) => task(id, { batchId: 'b', chunk, items: 1 })))
      await backend.sealBatch('b', 3, 3, 5)
      await backend.step(queue, [outcome(await claim(backend, 'w'), 'done', { doneItems: 1 })], 0, 'w', LEASE)
      await server.run('DEL', `bull:${queue}:1`)
      expect((await backend.cancelBatch('b', 9)).batches).toMatchObject([{ chunksDone: 3 }])
      expect(await backend.batch('b')).toMatchObject({ chunksDone: 3, processedItems: 1 })
    })

    it('end when they are cancelled although another client deleted a part', async () => {
      const backend = await open()
      await backend.openBatch({ id: 'b', ...batch, webhook: 'http://127.0.0.1:1/' })
      await backend.add(
        Array.from({ length: 1_200 }, (_, chunk) => task(`t${chunk}`, { batchId: 'b', chunk, items: 1 })),
      )
      await backend.sealBatch('b', 1_200, 1_200, 5)
      for (const id of ['t3', 't700']) await server.run('DEL', `bull:${queue}:${id}`)
      const { isFound, batches } = await backend.cancelBatch('b', 9)
      expect(isFound).toBe(true)
      expect(batches).toMatchObject([{ id: 'b', isCancelled: true, chunksDone: 1_200, endedAt: 9 }])
      expect(await backend.cancelBatch('b', 10)).toEqual({ isFound: false, batches: [] })
      expect(await backend.unnotifiedBatches(8)).toEqual([])
      expect(await backend.unnotifiedBatches(9)).toMatchObject([{ id: 'b' }])
      await backend.batchNotified('b')
      expect(await backend.unnotifiedBatches(9)).toEqual([])
      await backend.tidy({ maxDeadBytes: 0, maxBatchAgeMs: 0 }, 100)
      expect(await backend.list({}, { offset: 0, limit: 10 })).toEqual([])
    })
  })

  describe('dead letters', () => {
    const fail = async (backend: JobBackend, ...tasks: NewTask[]) => {
      for (const one of tasks) {
        await backend.add([one])
        const { claims } = await backend.step(one.queue, [], 1, 'w', LEASE)
        await backend.step(
          one.queue,
          [outcome(claims[0] as TaskClaim, 'dead', { isStored: true })],
          0,
          'w',
          LEASE,
        )
        await sleep(2)
      }
    }

    it('are deleted when they exceed the byte limit, the oldest of all queues first', async () => {
      const backend = await open()
      const data = JSON.stringify('x'.repeat(98))
      await fail(
        backend,
        task('1', { data }),
        task('2', { data, queue: `${queue}b` }),
        task('3', { data }),
        task('4', { data, queue: `${queue}b` }),
      )
      await backend.tidy({ maxDeadBytes: 250, maxBatchAgeMs: 0 }, Date.now())
      expect((await backend.list({ status: 'dead' }, { offset: 0, limit: 10 })).map(({ id }) => id)).toEqual([
        '3',
        '4',
      ])
    })

    it('are deleted when they exceed the byte limit, regardless of their number and of later changes', async () => {
      const backend = await open()
      const data = JSON.stringify('x'.repeat(98))
      const ids = Array.from({ length: 700 }, (_, at) => `d${String(at).padStart(3, '0')}`)
      await backend.add(ids.map((id, at) => task(id, { data, queue: at % 2 === 0 ? queue : `${queue}b` })))
      for (const name of [queue, `${queue}b`]) {
        const { claims } = await backend.step(name, [], 700, 'w', LEASE)
        const outcomes = claims.map((held) =>
          outcome(held, 'dead', { isStored: true, at: 1_000 + Number(held.id.slice(1)) }),
        )
        await backend.step(name, outcomes, 0, 'w', LEASE)
      }
      const tidy = (maxDeadBytes: number) => backend.tidy({ maxDeadBytes, maxBatchAgeMs: 0 }, Date.now())
      const dead = async () =>
        (await backend.list({ status: 'dead' }, { offset: 0, limit: 1_000 })).map(({ id }) => id)
      await tidy(70_000)
      expect(await dead()).toEqual(ids)
      await tidy(69_900)
      expect(await dead()).toEqual(ids.slice(1))
      // One counted dead letter was replayed, and a newer dead letter was added.
      expect(await backend.replay('d300')).toBe(true)
      await fail(backend, task('e', { data, queue: `${queue}c` }))
      await tidy(69_900)
      const left = [...ids.slice(1).filter((id) => id !== 'd300'), 'e']
      expect(await dead()).toEqual(left)
      await tidy(69_800)
      expect(await dead()).toEqual(left.slice(1))
      await tidy(5_000)
      expect(await dead()).toEqual(left.slice(-50))
      await tidy(0)
      expect(await dead()).toEqual([])
    })

    it('are tasks with all attempts again, unless another task has their key', async () => {
      const backend = await open()
      await fail(backend, task('t', { uniqueKey: 'k' }))
      expect(await backend.add([task('u', { uniqueKey: 'k' })])).toEqual([{ id: 'u', isDuplicate: false }])
      expect(await backend.replay('t')).toBe(false)
      await backend.cancel('u', 1)
      expect(await backend.replay('t')).toBe(true)
      expect(await backend.add([task('v', { uniqueKey: 'k' })])).toEqual([{ id: 't', isDuplicate: true }])
      expect(await claim(backend, 'w')).toMatchObject({ id: 't', attempts: 0, crashes: 0 })
    })
  })

  it('notifies other processes of the first ready task, and of one that is due sooner', async () => {
    const [backend, other] = [await open(), await open()]
    const hints: WakeHint[] = []
    other.onWake((hint) => hints.push(hint))
    const isHeard = async () => {
      await backend.pause(queue, false)
      return hints.length > 0
    }
    await expect.poll(isHeard, SOON).toBe(true)
    await sleep(200)
    hints.length = 0
    const at = Date.now()
    for (const [id, runAt] of [
      ['60', 60_000],
      ['120', 120_000],
      ['30', 30_000],
      ['a', 0],
      ['b', 0],
    ] as const)
      await backend.add([task(id, { runAt: runAt === 0 ? 0 : at + runAt })])
    await expect.poll(() => hints, SOON).toEqual([{ queue }, { queue }, { queue }])
    await sleep(100)
    expect(hints).toHaveLength(3)
  })

  it('notifies other processes immediately of a cancelled task, alone or with its batch', async () => {
    const [backend, other] = [await open(), await open()]
    const hints: WakeHint[] = []
    other.onWake((hint) => hints.push(hint))
    await backend.openBatch({ id: 'b', ...batch })
    await backend.add([
      task('1', { batchId: 'b', chunk: 0, items: 1 }),
      task('2', { batchId: 'b', chunk: 1, items: 1 }),
    ])
    await backend.step(queue, [], 2, 'w', LEASE)
    const told = (id: string) => hints.some(({ cancel }) => cancel === id)
    const isTold = async (id: string, cancels: () => unknown) => {
      await cancels()
      return told(id)
    }
    await expect.poll(() => isTold('1', () => backend.cancel('1', 1)), SOON).toBe(true)
    expect(told('2')).toBe(false)
    await expect.poll(() => isTold('2', () => backend.cancelBatch('b', 1)), SOON).toBe(true)
  })

  it('adds a task once by its id, and returns which ones existed', async () => {
    const backend = await open()
    const tasks = [
      task('a'),
      task('b', { uniqueKey: 'k' }),
      task('c', { queue: `${queue}b`, uniqueKey: 'k' }),
    ]
    expect(await backend.add(tasks)).toEqual(tasks.map(({ id }) => ({ id, isDuplicate: false })))
    expect(await backend.add([...tasks, task('d', { uniqueKey: 'k' })])).toEqual([
      ...tasks.map(({ id }) => ({ id, isDuplicate: true })),
      { id: 'b', isDuplicate: true },
    ])
    expect(await counts(backend)).toEqual({ ...none, queued: 2 })
  })

  it('preserves any data', async () => {
    const backend = await open()
    const data = [
      '"\\ud800 \\u0000 ü 🜚"',
      '[]',
      '{}',
      'null',
      '""',
      '1e400',
      JSON.stringify('x'.repeat(100_000)),
    ]
    await backend.add(
      data.map((text, at) =>
        task(`t${at}`, { data: text, settings: { ...settings, backoff: [], runAs: '\ud83d" \u0000' } }),
      ),
    )
    const { claims } = await backend.step(queue, [], 10, 'w', LEASE)
    expect(claims.map((one) => one.data)).toEqual(data)
    expect(claims[0]?.settings).toMatchObject({ backoff: [], runAs: '\ud83d" \u0000' })
    const failure = { attempt: 1, at: 1, message: 'half \ud800', stack: '', log: ['[]', ''] }
    await backend.step(
      queue,
      claims.map((held) => outcome(held, 'dead', { isStored: true, failure })),
      0,
      'w',
      LEASE,
    )
    const [first] = await backend.list({ status: 'dead' }, { offset: 0, limit: 1 })
    expect(first?.failures).toEqual([failure])
  })

  it('lists by status, in the order of creation', async () => {
    const backend = await open()
    const later = Date.now() + NEVER_MS
    await backend.add([
      task('1', { runAt: later }),
      task('2'),
      task('3', { order: 1 }),
      task('4'),
      task('5', { runAt: later }),
    ])
    const held = await claim(backend, 'w')
    expect(held.id).toBe('3')
    const ids = async (filter: Parameters<JobBackend['list']>[0]) =>
      (await backend.list(filter, { offset: 0, limit: 10 })).map(({ id }) => id)
    expect(await ids({ queue, status: 'pending' })).toEqual(['1', '5'])
    expect(await ids({ queue, status: 'queued' })).toEqual(['2', '4'])
    expect(await ids({ queue, status: 'processing' })).toEqual(['3'])
    expect(await ids({ queue, status: 'retry' })).toEqual([])
    expect(await ids({ queue })).toEqual(['1', '2', '3', '4', '5'])
    expect(await ids({ queue: 'other' })).toEqual([])
    expect((await backend.list({}, { offset: 1, limit: 2 })).map(({ id }) => id)).toEqual(['2', '3'])
    expect(await backend.get('1')).toMatchObject({ runAt: later, status: 'pending', startedAt: null })
    expect(await backend.get('none')).toBeUndefined()
  })

  it('grants a slot to one process', async () => {
    const [one, other] = [await open(), await open()]
    const now = Date.now()
    const taken = await Promise.all(
      [one, other, one, other].map((backend) => backend.takeSlot('s', now, now + 200)),
    )
    expect(taken.filter((isMine) => isMine)).toHaveLength(1)
    await sleep(250)
    expect(await other.takeSlot('s', Date.now(), Date.now() + 200)).toBe(true)
  })
})
