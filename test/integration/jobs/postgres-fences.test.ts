import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobBackend, NewTask, TaskClaim, TaskOutcome, WakeHint } from '@sluice/core/jobs'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectPostgres, SCHEMA } from '../../contracts/jobs/postgres-world.ts'
import { type Database, databases } from '../../support/databases.ts'
import { NEVER_MS, SOON } from '../../support/patience.ts'

const LEASE_MS = NEVER_MS
const postgres = databases().find(({ dialect }) => dialect === 'postgresql')

describe.skipIf(postgres?.skipped !== undefined)('several processes with one task on PostgreSQL', () => {
  let database: Database
  let url: string
  let queue: string
  let lastId = 0
  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    url = database.url ?? ''
  })
  afterAll(() => database?.drop())
  beforeEach(() => {
    queue = `q-${randomBytes(6).toString('hex')}`
  })
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function open(): Promise<JobBackend> {
    const backend = connectPostgres(url)
    closing.push(async () => backend.close())
    await backend.open()
    return backend
  }

  function task(given: Partial<NewTask> = {}): NewTask {
    lastId += 1
    const createdAt = Date.now()
    return {
      id: `00000000-0000-7000-8000-${String(lastId).padStart(12, '0')}`,
      queue,
      level: 2,
      order: createdAt,
      data: '{}',
      runAt: 0,
      createdAt,
      uniqueKey: null,
      batchId: null,
      chunk: 0,
      items: 0,
      settings: { maxRetries: 3, maxCrashes: 5, timeoutMs: 0, backoff: 0, runAs: null },
      ...given,
    }
  }

  function outcome(
    claim: TaskClaim | undefined,
    kind: TaskOutcome['kind'],
    rest: Partial<TaskOutcome> = {},
  ): TaskOutcome {
    if (claim === undefined) throw new Error('Nothing was claimed.')
    const at = Date.now()
    return {
      claim,
      kind,
      at,
      runAt: at,
      failure: null,
      isStored: true,
      doneItems: 0,
      failedItems: 0,
      data: null,
      ...rest,
    }
  }

  const claim = async (backend: JobBackend, want = 1) =>
    (await backend.step(queue, [], want, queue, LEASE_MS)).claims
  const settle = (backend: JobBackend, ...outcomes: TaskOutcome[]) =>
    backend.step(queue, outcomes, 0, queue, LEASE_MS)
  /** Expires the lease of each running task. */
  const expire = (secondsAgo = 0) =>
    database.query(
      `UPDATE ${SCHEMA}.job_tasks SET lease_until = now() - $2 * interval '1 second' WHERE queue = $1 AND status = 'processing'`,
      [queue, secondsAgo],
    )
  const isRunOut = async ({ id }: TaskClaim) => {
    const [row] = await database.query(
      `SELECT lease_until <= now() AS over FROM ${SCHEMA}.job_tasks WHERE id = $1`,
      [id],
    )
    return row?.over
  }

  async function newBatch(backend: JobBackend, sealed: number, parts = sealed): Promise<string> {
    const { id } = task()
    const rest = { batchSize: 10, maxFailedItems: 0, stopsOnFailure: false, webhook: null }
    await backend.openBatch({ id, name: queue, createdAt: Date.now(), ...rest })
    await backend.add(
      Array.from({ length: parts }, (_, chunk) =>
        task({ batchId: id, chunk, items: 10, data: `[${chunk}]` }),
      ),
    )
    await backend.sealBatch(id, sealed, sealed * 10, Date.now())
    return id
  }

  it('does not extend the lease of the present owner when the previous owner renews', async () => {
    const backend = await open()
    await backend.add([task()])
    const had = await claim(backend)
    await expire()
    const has = await claim(backend)
    expect(has).toMatchObject([{ id: had[0]?.id, crashes: 1 }])
    await expire()
    expect(await backend.renew(had, queue, LEASE_MS)).toEqual({ lost: had, cancelled: [] })
    expect(await isRunOut(has[0] as TaskClaim)).toBe(true)
    expect(await backend.renew(has, queue, LEASE_MS)).toEqual({ lost: [], cancelled: [] })
    expect(await isRunOut(has[0] as TaskClaim)).toBe(false)
  })

  it('does not renew a released or finished task', async () => {
    const backend = await open()
    await newBatch(backend, 2)
    const had = await claim(backend, 2)
    await settle(backend, outcome(had[0], 'retry'), outcome(had[1], 'done', { doneItems: 10 }))
    expect(await backend.renew(had, queue, LEASE_MS)).toEqual({ lost: had, cancelled: [] })
  })

  it('skips locked tasks when it claims', async () => {
    const backend = await open()
    const [first, second] = [task({ order: 1 }), task({ order: 2 })]
    await backend.add([first, second])
    const client = new pg.Client(url)
    await client.connect()
    closing.push(() => client.end())
    await client.query('BEGIN')
    await client.query(`SELECT FROM ${SCHEMA}.job_tasks WHERE id = $1 FOR UPDATE`, [first.id])
    expect((await claim(backend, 2)).map(({ id }) => id)).toEqual([second.id])
    await client.query('ROLLBACK')
    expect((await claim(backend, 2)).map(({ id }) => id)).toEqual([first.id])
  })

  it('starts with the task whose lease expired first', async () => {
    const backend = await open()
    await backend.add([task({ order: 1 }), task({ order: 2 })])
    const [first] = await claim(backend)
    await expire(1)
    const [second] = await claim(backend, 2).then((claims) => claims.filter(({ crashes }) => crashes === 0))
    await expire(2)
    await database.query(
      `UPDATE ${SCHEMA}.job_tasks SET lease_until = now() - interval '1 minute' WHERE id = $1`,
      [second?.id],
    )
    expect(await claim(backend, 2)).toMatchObject([{ id: second?.id, crashes: 1 }])
    expect(await claim(backend, 2)).toMatchObject([{ id: first?.id, crashes: 2 }])
  })

  it('counts only the remaining items of a part that completes late', async () => {
    const backend = await open()
    const id = await newBatch(backend, 1)
    const [late] = await claim(backend)
    await expire()
    const [current] = await claim(backend)
    await settle(backend, outcome(current, 'retry', { doneItems: 7, data: '[8,9,10]' }))
    expect(await backend.batch(id)).toMatchObject({ processedItems: 7, chunksDone: 0 })
    const { lost, batches } = await settle(backend, outcome(late, 'done', { doneItems: 10 }))
    expect(lost).toEqual([])
    expect(batches).toMatchObject([{ id, processedItems: 10, failedItems: 0, chunksDone: 1 }])
  })

  it('reports a batch once although it has more parts than declared', async () => {
    const backend = await open()
    const id = await newBatch(backend, 2, 4)
    const [first, second, third] = await claim(backend, 3)
    const { batches } = await settle(
      backend,
      outcome(first, 'done', { doneItems: 10 }),
      outcome(second, 'done', { doneItems: 10 }),
    )
    expect(batches).toMatchObject([{ id, chunksDone: 2 }])
    expect((await settle(backend, outcome(third, 'done', { doneItems: 10 }))).batches).toEqual([])
    const [fourth] = await backend.list({ batchId: id, status: 'queued' }, { offset: 0, limit: 1 })
    expect(await backend.cancel(fourth?.id ?? '', Date.now())).toEqual({ was: 'waiting', batches: [] })
    expect(await backend.sealBatch(id, 4, 40, Date.now())).toEqual([])
  })

  it('notifies immediately, and combines rapid notifications into a later one, sent at the latest on close', async () => {
    const [backend, other] = [await open(), await open()]
    const hints: WakeHint[] = []
    other.onWake((hint) => hints.push(hint))
    await claim(other)
    await expect.poll(() => hints, SOON).toEqual([{}])
    const twice = () => Promise.all([backend.add([task()]), backend.add([task()])])
    await twice()
    await expect.poll(() => hints, SOON).toMatchObject([{}, { queue }, { queue }])
    await sleep(50)
    await twice()
    await backend.close()
    await expect.poll(() => hints, SOON).toHaveLength(5)
  })

  it('ignores malformed notifications on its channel', async () => {
    const worker = await open()
    const hints: WakeHint[] = []
    worker.onWake((hint) => hints.push(hint))
    await claim(worker)
    await expect.poll(() => hints, SOON).toEqual([{}])
    for (const payload of ['null', '5', '{', '', JSON.stringify({ queue })])
      await database.query('SELECT pg_notify($1, $2)', [`sluice_jobs:${SCHEMA}`, payload])
    await expect.poll(() => hints, SOON).toEqual([{}, { queue }])
  })

  it.each(['cancel', 'cancelBatch'] as const)(
    'notifies the running worker immediately: %s',
    async (cancels) => {
      const [worker, other] = [await open(), await open()]
      const batchId = await newBatch(worker, 1)
      const hints: WakeHint[] = []
      worker.onWake((hint) => hints.push(hint))
      const [held] = await claim(worker)
      // From here on, it receives notifications.
      await expect.poll(() => hints, SOON).toEqual([{}])
      await other[cancels](cancels === 'cancel' ? (held?.id ?? '') : batchId, Date.now())
      await expect.poll(() => hints.map(({ cancel }) => cancel), SOON).toEqual([undefined, held?.id])
    },
  )
})
