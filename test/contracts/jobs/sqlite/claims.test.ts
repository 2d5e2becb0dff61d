import { setTimeout as sleep } from 'node:timers/promises'
import type { JobBackend, NewBatch } from '@sluice/core/jobs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sqliteWorld } from '../sqlite-world.ts'
import { expectTrueTallies } from './expect-true-tallies.ts'
import { newTask, outcomeOf } from './new-task.ts'

const LEASE = 10_000
/** A lease that expires immediately. */
const OVER = -1
const failure = { attempt: 1, at: 0, message: 'no', log: [] }

describe('claims in an SQLite file', () => {
  let world: Awaited<ReturnType<typeof sqliteWorld>>
  let backend: JobBackend
  let queue = 0

  beforeAll(async () => {
    world = await sqliteWorld()
  })
  afterAll(() => world.stop())
  beforeEach(async () => {
    queue += 1
    backend = world.connect()
    await backend.open()
  })
  afterEach(async () => {
    await backend.close()
    expectTrueTallies(world.file)
  })

  const name = () => `q${queue}`
  const task = (changes = {}) => newTask({ queue: name(), ...changes })
  const claim = async (owner: string, leaseMs = LEASE, want = 10) => [
    ...(await backend.step(name(), [], want, owner, leaseMs)).claims,
  ]
  const batchOf = (changes: Partial<NewBatch> = {}): NewBatch => ({
    id: newTask().id,
    name: name(),
    batchSize: 2,
    createdAt: Date.now(),
    maxFailedItems: 0,
    stopsOnFailure: false,
    webhook: null,
    ...changes,
  })

  it('return with a crash, and without an additional attempt, once the lease expired', async () => {
    const { id } = task()
    await backend.add([task({ id })])
    const [first] = await claim('a', OVER)
    expect(first).toMatchObject({ id, attempts: 0, crashes: 0 })
    await sleep(2)
    const [second] = await claim('b')
    expect(second).toMatchObject({ id, attempts: 0, crashes: 1 })
    expect(second?.token).not.toBe(first?.token)
    expect(await claim('c')).toEqual([])
  })

  it('are not taken from a worker that claims more', async () => {
    await backend.add([task()])
    await claim('a', OVER)
    await sleep(2)
    expect(await claim('a')).toEqual([])
    expect(await claim('b')).toHaveLength(1)
  })

  it('stay owned while they are renewed, and are reported as lost otherwise', async () => {
    await backend.add([task(), task()])
    const claims = await claim('a', OVER, 1)
    expect(await backend.renew(claims, 'a', LEASE)).toEqual({ lost: [], cancelled: [] })
    const other = await claim('b', OVER)
    expect(other.map(({ crashes }) => crashes)).toEqual([0])
    await sleep(2)
    expect(await claim('c')).toMatchObject([{ id: other[0]?.id, crashes: 1 }])
    expect(await backend.renew([...claims, ...other], 'b', LEASE)).toEqual({ lost: other, cancelled: [] })
  })

  it('can be completed by any earlier owner, and fail only for the last owner', async () => {
    await backend.add([task()])
    const [first] = await claim('a', OVER)
    await sleep(2)
    const [second] = await claim('b')
    for (const kind of ['retry', 'dead', 'release', 'cancelled'] as const)
      expect((await backend.step(name(), [outcomeOf(first, kind, { failure })], 0, 'a', LEASE)).lost).toEqual(
        [first],
      )
    expect((await backend.step(name(), [outcomeOf(first, 'done')], 0, 'a', LEASE)).lost).toEqual([])
    expect((await backend.step(name(), [outcomeOf(second, 'done')], 0, 'b', LEASE)).lost).toEqual([second])
    expect(await backend.counts(name())).toMatchObject({ queued: 0, processing: 0 })
  })

  it('of a part of a batch count only the remaining items when one completes late', async () => {
    const batch = batchOf()
    await backend.openBatch(batch)
    await backend.add([task({ batchId: batch.id, items: 4, data: '[1,2,3,4]' })])
    await backend.sealBatch(batch.id, 1, 4, Date.now())
    const [first] = await claim('a', OVER)
    await sleep(2)
    const [second] = await claim('b')
    // The second has completed three of four items when the first, presumed lost, completes all of them.
    const some = outcomeOf(second, 'retry', { failure, doneItems: 3, data: '[4]', runAt: Date.now() + LEASE })
    expect((await backend.step(name(), [some], 0, 'b', LEASE)).lost).toEqual([])
    expect(await backend.batch(batch.id)).toMatchObject({ processedItems: 3, chunksDone: 0 })
    const { batches } = await backend.step(
      name(),
      [outcomeOf(first, 'done', { doneItems: 4 })],
      0,
      'a',
      LEASE,
    )
    expect(batches).toMatchObject([{ id: batch.id, processedItems: 4, failedItems: 0, chunksDone: 1 }])
    expect(await backend.list({ batchId: batch.id }, { offset: 0, limit: 10 })).toMatchObject([
      { status: 'completed', data: '[4]' },
    ])
  })

  it('that were cancelled end as cancelled when the worker is lost or fails', async () => {
    const tasks = [task(), task()]
    await backend.add(tasks)
    const [first, second] = await claim('a', 50)
    for (const { id } of tasks)
      expect(await backend.cancel(id, Date.now())).toEqual({ was: 'running', batches: [] })
    expect(
      (
        await backend.renew(
          [first, second].filter((one) => one !== undefined),
          'a',
          50,
        )
      ).cancelled,
    ).toHaveLength(2)
    expect(
      (await backend.step(name(), [outcomeOf(first, 'retry', { failure })], 0, 'a', LEASE)).lost,
    ).toEqual([])
    await sleep(60)
    expect(await claim('b')).toEqual([])
    expect(await backend.counts(name())).toMatchObject({
      pending: 0,
      queued: 0,
      processing: 0,
      retry: 0,
      dead: 0,
    })
    expect(await backend.cancel(tasks[0]?.id ?? '', Date.now())).toBeUndefined()
  })

  it('of a cancelled batch are not queued again', async () => {
    const batch = batchOf()
    await backend.openBatch(batch)
    await backend.add(
      Array.from({ length: 1_203 }, (_, chunk) =>
        task({ batchId: batch.id, items: 2, data: '[1,2]', chunk }),
      ),
    )
    await backend.sealBatch(batch.id, 1_203, 2_406, Date.now())
    const [failing, lost] = [(await claim('a', LEASE, 1))[0], (await claim('b', 50, 1))[0]]
    const told: (string | undefined)[] = []
    backend.onWake(({ cancel }) => told.push(cancel))
    const cancelling = backend.cancelBatch(batch.id, Date.now())
    // The first part fails while the others are cancelled, in slices of a few hundred.
    while (!((await backend.batch(batch.id))?.chunksDone ?? 0))
      await new Promise((resolve) => setImmediate(resolve))
    expect(
      (await backend.step(name(), [outcomeOf(failing, 'retry', { failure })], 0, 'a', LEASE)).batches,
    ).toEqual([])
    expect(await cancelling).toEqual({ isFound: true, batches: [] })
    expect(told.filter((id) => id !== undefined)).toEqual([lost?.id])
    expect(await backend.batch(batch.id)).toMatchObject({ chunksDone: 1_202, isCancelled: true })
    await sleep(60)
    const { claims, batches } = await backend.step(name(), [], 1, 'c', LEASE)
    expect(claims).toEqual([])
    expect(batches).toMatchObject([{ id: batch.id, chunksDone: 1_203, processedItems: 0, failedItems: 0 }])
  })

  it('retain the latest failures, the attempts and the remaining data', async () => {
    const { id } = task()
    await backend.add([task({ id })])
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      const [held] = await claim('a')
      expect(held?.attempts).toBe(attempt - 1)
      const one = { ...failure, attempt, message: `no ${attempt}` }
      await backend.step(
        name(),
        [outcomeOf(held, attempt === 12 ? 'dead' : 'retry', { failure: one, data: `[${attempt}]` })],
        0,
        'a',
        LEASE,
      )
    }
    const record = await backend.get(id)
    expect(record).toMatchObject({ status: 'dead', attempts: 12, data: '[12]' })
    expect(record?.failures.map(({ attempt }) => attempt)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  })

  it('delete old dead letters above the byte limit, and old batches with their parts', async () => {
    const batch = batchOf({ webhook: 'http://127.0.0.1/' })
    await backend.openBatch(batch)
    await backend.add([
      task({ batchId: batch.id, items: 1, data: '[1]' }),
      task({ batchId: batch.id, items: 1, data: '["ü"]', chunk: 1 }),
    ])
    const [done, dead] = await claim('a')
    await backend.step(
      name(),
      [outcomeOf(done, 'done', { doneItems: 1 }), outcomeOf(dead, 'dead', { failure, failedItems: 1 })],
      0,
      'a',
      LEASE,
    )
    expect(await backend.sealBatch(batch.id, 2, 2, Date.now())).toMatchObject([
      { processedItems: 1, failedItems: 1, isNotified: false },
    ])
    expect(await backend.unnotifiedBatches(Date.now())).toMatchObject([{ id: batch.id }])
    await backend.batchNotified(batch.id)
    expect(await backend.unnotifiedBatches(Date.now())).toEqual([])
    const big = Array.from({ length: 300 }, (_, at) => task({ data: JSON.stringify('x'.repeat(at)) }))
    await backend.add(big)
    for (;;) {
      const claims = await claim('a', LEASE, 50)
      if (claims.length === 0) break
      for (const held of claims)
        await backend.step(name(), [outcomeOf(held, 'dead', { failure })], 0, 'a', LEASE)
    }
    // The last two: 299 + 2 and 298 + 2 bytes.
    await backend.tidy({ maxDeadBytes: 601, maxBatchAgeMs: 60_000 }, Date.now())
    const letters = await backend.list({ queue: name(), status: 'dead' }, { offset: 0, limit: 1_000 })
    expect(letters.map(({ data }) => data.length)).toEqual([300, 301])
    expect(await backend.counts(name())).toMatchObject({ dead: 2 })
    expect(await backend.batch(batch.id)).toBeDefined()
    await backend.tidy({ maxDeadBytes: 601, maxBatchAgeMs: 0 }, Date.now() + 1)
    expect(await backend.batch(batch.id)).toBeUndefined()
    expect(await backend.list({ batchId: batch.id }, { offset: 0, limit: 10 })).toEqual([])
  })

  it('retain a dead letter of a deleted batch, which can be replayed', async () => {
    const batch = batchOf()
    await backend.openBatch(batch)
    const part = task({ batchId: batch.id, items: 1, data: '[1]' })
    await backend.add([part])
    await backend.sealBatch(batch.id, 1, 1, Date.now())
    const [dead] = await claim('a')
    await backend.step(name(), [outcomeOf(dead, 'dead', { failure, failedItems: 1 })], 0, 'a', LEASE)
    await backend.tidy({ maxDeadBytes: 1_000, maxBatchAgeMs: 0 }, Date.now() + 1)
    expect(await backend.batch(batch.id)).toBeUndefined()
    expect(await backend.replay(part.id)).toBe(true)
    const [again] = await claim('a')
    expect(again).toMatchObject({ id: part.id, attempts: 0 })
    expect(
      (await backend.step(name(), [outcomeOf(again, 'retry', { failure, doneItems: 0 })], 0, 'a', LEASE))
        .lost,
    ).toEqual([])
    const [last] = await claim('a')
    expect(
      (await backend.step(name(), [outcomeOf(last, 'done', { doneItems: 1 })], 0, 'a', LEASE)).lost,
    ).toEqual([])
    expect(await backend.get(part.id)).toBeUndefined()
  })

  it('restore the unique key of a replayed task unless another task has it', async () => {
    const first = task({ uniqueKey: 'k' })
    await backend.add([first])
    const [held] = await claim('a')
    await backend.step(name(), [outcomeOf(held, 'dead', { failure })], 0, 'a', LEASE)
    const second = task({ uniqueKey: 'k' })
    expect(await backend.add([second, second])).toEqual([
      { id: second.id, isDuplicate: false },
      { id: second.id, isDuplicate: true },
    ])
    expect(await backend.replay(first.id)).toBe(false)
    expect(await backend.cancel(second.id, Date.now())).toMatchObject({ was: 'waiting' })
    expect(await backend.replay(first.id)).toBe(true)
    expect(await backend.add([task({ uniqueKey: 'k' })])).toEqual([{ id: first.id, isDuplicate: true }])
  })

  it('return the time when the next task is due', async () => {
    const runAt = Date.now() + 60_000
    await backend.add([task({ runAt }), task({ runAt: runAt + 1 })])
    expect(await backend.step(name(), [], 1, 'a', LEASE)).toMatchObject({ claims: [], nextAt: runAt })
    const [ready] = await Promise.all([claim('a'), backend.add([task()])])
    expect(ready).toEqual([])
    expect(await backend.step(name(), [], 2, 'a', LEASE)).toMatchObject({ claims: [{}], nextAt: runAt })
  })
})
