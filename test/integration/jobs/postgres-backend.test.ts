import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { AsyncBatchProcessingEngine, type JobsOptions } from '@sluice/core'
import {
  type JobBackend,
  MAX_FAILURES,
  type NewTask,
  type TaskClaim,
  type TaskOutcome,
} from '@sluice/core/jobs'
import { PostgresJobsSetUpError, postgresJobBackend, postgresJobsSql } from '@sluice/core/jobs-postgres'
import knex from 'knex'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectPostgres, SCHEMA } from '../../contracts/jobs/postgres-world.ts'
import { type Database, databases } from '../../support/databases.ts'
import { NEVER_MS, SOON, TEST_MS } from '../../support/patience.ts'
import { FLAGS } from '../../support/typescript-process.ts'

const LEASE_MS = NEVER_MS
const postgres = databases().find(({ dialect }) => dialect === 'postgresql')
const idleProcess = fileURLToPath(new URL('../../contracts/jobs/idle-process.main.ts', import.meta.url))

describe.skipIf(postgres?.skipped !== undefined)('the job backend on PostgreSQL', () => {
  let database: Database
  let url: string
  let queue: string
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

  function newPool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: url, max: 4, ...options })
    closing.push(() => pool.end())
    return pool
  }

  async function open(
    ...args: Parameters<typeof connectPostgres> extends [unknown, ...infer R] ? R : never
  ): Promise<JobBackend> {
    const backend = connectPostgres(url, ...args)
    closing.push(async () => backend.close())
    await backend.open()
    return backend
  }

  function engine(backend: JobBackend, options: JobsOptions = {}): AsyncBatchProcessingEngine {
    const jobs = new AsyncBatchProcessingEngine({ backend, pollMs: 100, ...options })
    jobs.createQueue(queue)
    closing.push(() => jobs.close())
    return jobs
  }

  let lastId = 0
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

  const claim = async (backend: JobBackend, want = 1, leaseMs = LEASE_MS) =>
    (await backend.step(queue, [], want, 'me', leaseMs)).claims
  const settle = (backend: JobBackend, ...outcomes: TaskOutcome[]) =>
    backend.step(queue, outcomes, 0, 'me', LEASE_MS)
  /** Expires the lease of each running task. */
  const expire = () =>
    database.query(
      `UPDATE ${SCHEMA}.job_tasks SET lease_until = now() WHERE queue = $1 AND status = 'processing'`,
      [queue],
    )

  async function newBatch(backend: JobBackend, parts: number): Promise<string> {
    const { id } = task()
    const rest = { batchSize: 10, maxFailedItems: 0, stopsOnFailure: false, webhook: null }
    await backend.openBatch({ id, name: queue, createdAt: Date.now(), ...rest })
    await backend.add(
      Array.from({ length: parts }, (_, chunk) =>
        task({ batchId: id, chunk, items: 10, data: `[${chunk}]` }),
      ),
    )
    await backend.sealBatch(id, parts, parts * 10, Date.now())
    return id
  }

  describe('setup', () => {
    it('creates the tables once when many processes start together', async () => {
      const schema = `s_${randomBytes(4).toString('hex')}`
      const backends = Array.from({ length: 8 }, () => connectPostgres(url, { schema }))
      for (const backend of backends) closing.push(async () => backend.close())
      await Promise.all(backends.map((backend) => backend.open()))
      const [added] = (await backends[0]?.add([task()])) ?? []
      expect(await backends[7]?.get(added?.id ?? '')).toMatchObject({ queue, status: 'queued' })
    })

    it('reports the SQL to run when its user may not create tables, and works once it was run', async () => {
      const role = `app_${randomBytes(4).toString('hex')}`
      await database.exec(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`)
      closing.push(() =>
        database.exec(`DROP SCHEMA IF EXISTS sluice CASCADE; DROP OWNED BY ${role}; DROP ROLE ${role}`),
      )
      const asRole = new URL(url)
      asRole.username = role
      asRole.password = 'app'
      const pool = newPool({ connectionString: asRole.href })
      const backend = postgresJobBackend({ pool })
      closing.push(async () => backend.close())
      const error = await Promise.resolve(backend.open()).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(PostgresJobsSetUpError)
      expect(error).toMatchObject({
        code: 'SLUICE_JOB_BACKEND',
        cause: { code: '42501' },
        sql: postgresJobsSql(),
      })
      expect((error as PostgresJobsSetUpError).message).toContain(postgresJobsSql())
      // Created, but without privileges for this role.
      await database.exec(postgresJobsSql())
      await expect(backend.open()).rejects.toBeInstanceOf(PostgresJobsSetUpError)
      await database.exec(postgresJobsSql({ grantTo: role }))
      await backend.open()
      const jobs = engine(backend)
      const seen: unknown[] = []
      jobs.registerProcessor<unknown>(queue, (data) => void seen.push(data))
      jobs.start()
      await jobs.createBatchJob(queue, [1, 2], 1)
      await jobs.enqueueTask('task', 'normal', queue)
      await expect.poll(() => seen.length, SOON).toBe(3)
      await jobs.pause(queue)
      await backend.tidy({ maxDeadBytes: 0, maxBatchAgeMs: 0 }, Date.now())
    })

    it('has SQL that can be run again, including in a Knex migration', async () => {
      const schema = `odd "name" ${randomBytes(4).toString('hex')}`
      const db = knex({ client: 'pg', connection: url })
      closing.push(() => db.destroy())
      for (let times = 0; times < 2; times += 1)
        await db.transaction(async (trx) => void (await trx.raw(postgresJobsSql({ schema }))))
      const backend = await open({ schema })
      await backend.add([task()])
      expect(await claim(backend)).toHaveLength(1)
    })

    it('rejects tables that a later release created in a newer format', async () => {
      const schema = `s_${randomBytes(4).toString('hex')}`
      await open({ schema })
      await database.exec(`UPDATE ${schema}.job_version SET version = 99`)
      await open({ schema })
      await database.exec(`UPDATE ${schema}.job_version SET oldest_reader = 99`)
      await expect(open({ schema })).rejects.toMatchObject({
        code: 'SLUICE_JOB_BACKEND',
        message: expect.stringContaining('their version is 99'),
      })
    })

    it('creates no schema that is on the search path of the app', async () => {
      const [{ user } = { user: '' }] = await database.query(`SELECT current_user::text AS "user"`)
      await expect(open({ schema: String(user) })).rejects.toMatchObject({ code: 'SLUICE_JOB_BACKEND' })
      expect(await database.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [user])).toEqual([])
    })

    it('rejects invalid options by name', () => {
      const pool = newPool()
      const wrong: readonly [options: object, option: string][] = [
        [{}, 'pool'],
        [{ pool: new pg.Client(url) }, 'pool'],
        [{ pool, schema: '' }, 'schema'],
        [{ pool, schema: 'x'.repeat(49) }, 'schema'],
        [{ pool, schema: 'what?' }, 'schema'],
        [{ pool, timeoutMs: 1 }, 'timeoutMs'],
        [{ pool, listen: 1 }, 'listen'],
        [{ pool, table: 'x' }, 'table'],
      ]
      for (const [options, option] of wrong)
        expect(() => postgresJobBackend(options as never), option).toThrow(
          expect.objectContaining({ code: 'SLUICE_INVALID_OPTION', option }),
        )
      expect(() => postgresJobsSql({ grantTo: '' })).toThrow(expect.objectContaining({ option: 'grantTo' }))
    })
  })

  describe('connections', () => {
    it('may use a stricter isolation level', async () => {
      const options = '-c default_transaction_isolation=serializable'
      const errors: unknown[] = []
      const runs: string[] = []
      const engines = await Promise.all([1, 2, 3].map(async () => engine(await open({}, { options }))))
      for (const jobs of engines) {
        jobs.on('error', ({ error }) => errors.push(error))
        jobs.registerProcessor(queue, (_data, { taskId }) => void runs.push(taskId))
        jobs.start()
      }
      await Promise.all(engines.map((jobs) => jobs.createBatchJob(queue, Array(60).keys(), 2)))
      await expect.poll(() => runs.length, SOON).toBe(90)
      expect(new Set(runs).size).toBe(90)
      expect(errors).toEqual([])
    })

    it('may use type parsers of the app', async () => {
      const getTypeParser = () => () => {
        throw new Error('not for us')
      }
      const backend = await open({}, { types: { getTypeParser } as never })
      const jobs = engine(backend)
      const seen: unknown[] = []
      jobs.registerProcessor<unknown>(queue, (data) => void seen.push(data))
      jobs.start()
      await jobs.enqueueTask(1, 'normal', queue)
      await expect.poll(() => seen, SOON).toEqual([1])
      await expect
        .poll(() => jobs.getProcessingStats(queue), SOON)
        .toMatchObject({ queued: 0, processing: 0 })
    })

    it('may be limited to one', async () => {
      const jobs = engine(await open({}, { max: 1 }))
      const seen: unknown[] = []
      jobs.registerProcessor<unknown>(queue, (data) => void seen.push(data))
      jobs.start()
      await Promise.all([1, 2, 3].map((at) => jobs.enqueueTask(at, 'normal', queue)))
      await expect.poll(() => [...seen].sort(), SOON).toEqual([1, 2, 3])
    })

    it('are awaited no longer than the timeout', async () => {
      const pool = newPool({ max: 1 })
      const backend = postgresJobBackend({ pool, schema: SCHEMA, timeoutMs: 2_000 })
      await backend.open()
      const held = await pool.connect()
      await expect(backend.counts(queue)).rejects.toMatchObject({ code: 'SLUICE_JOB_BACKEND' })
      held.release()
      // The connection that arrived after the timeout was released.
      expect(await backend.counts(queue)).toMatchObject({ queued: 0 })
      expect(pool.waitingCount).toBe(0)
    })

    it('are all released when the backend is closed', async () => {
      const pool = newPool()
      const backend = postgresJobBackend({ pool, schema: SCHEMA })
      const jobs = engine(backend)
      jobs.registerProcessor(queue, () => {})
      jobs.start()
      await jobs.enqueueTask(1, 'normal', queue)
      const listening = () =>
        database.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
        )
      await expect.poll(listening, SOON).toHaveLength(1)
      await jobs.close()
      await expect.poll(listening, SOON).toEqual([])
      expect(pool.idleCount).toBe(pool.totalCount)
    })

    it('let a drained process exit', async () => {
      const args = [...FLAGS, idleProcess, url, SCHEMA]
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        timeout: TEST_MS,
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      expect(stdout).toBe('drained')
    })
  })

  describe('claims', () => {
    it('are settled by an earlier owner that completed them, and retried only by their present owner', async () => {
      const backend = await open()
      await backend.add([task(), task()])
      const first = await claim(backend, 2)
      await expire()
      const second = [...(await claim(backend, 1)), ...(await claim(backend, 1))]
      expect(second.map(({ attempts, crashes }) => [attempts, crashes])).toEqual([
        [0, 1],
        [0, 1],
      ])
      const [a, b] = first
      for (const kind of ['retry', 'dead', 'release', 'cancelled'] as const)
        expect((await settle(backend, outcome(a, kind))).lost, kind).toEqual([a])
      expect(await backend.renew([...first, ...second], 'me', LEASE_MS)).toMatchObject({
        lost: first,
        cancelled: [],
      })
      expect((await settle(backend, outcome(a, 'done'))).lost).toEqual([])
      expect(await backend.get(a?.id ?? '')).toBeUndefined()
      const ofA = second.find(({ id }) => id === a?.id)
      const ofB = second.find(({ id }) => id === b?.id)
      expect(await settle(backend, outcome(ofA, 'done'), outcome(ofB, 'retry'))).toMatchObject({
        lost: [ofA],
      })
      expect(await backend.get(b?.id ?? '')).toMatchObject({ status: 'queued', attempts: 1, crashes: 1 })
    })

    it('count once when one process claimed them twice', async () => {
      const backend = await open()
      const id = await newBatch(backend, 1)
      const [first] = await claim(backend)
      await expire()
      const [second] = await claim(backend)
      const { lost, batches } = await settle(
        backend,
        outcome(second, 'retry'),
        outcome(first, 'done', { doneItems: 10 }),
      )
      expect(lost).toEqual([second])
      expect(batches).toMatchObject([{ id, processedItems: 10, chunksDone: 1 }])
    })

    it('of stalled workers are reassigned one at a time, next to other tasks', async () => {
      const backend = await open()
      await backend.add([task(), task(), task()])
      await claim(backend, 3)
      await backend.add([task(), task()])
      await expire()
      const crashes = async () => {
        const { claims, nextAt = Number.POSITIVE_INFINITY } = await backend.step(
          queue,
          [],
          10,
          'me',
          LEASE_MS,
        )
        return [claims.map((one) => one.crashes), nextAt <= Date.now()]
      }
      expect(await crashes()).toEqual([[1, 0, 0], true])
      expect(await crashes()).toEqual([[1], true])
      expect(await crashes()).toEqual([[1], true])
      expect(await crashes()).toEqual([[], false])
    })

    it('of stalled workers run alone', async () => {
      const backend = await open()
      const jobs = engine(backend, { pollMs: 20 })
      await backend.add([task({ data: '"lost"' })])
      await claim(backend)
      await expire()
      const starts: string[] = []
      let end: () => void = () => {}
      const gate = new Promise<void>((resolve) => {
        end = resolve
      })
      jobs.registerProcessor<string>(queue, (data) => {
        starts.push(data)
        return data === 'lost' ? gate : undefined
      })
      jobs.start()
      await expect.poll(() => starts, SOON).toEqual(['lost'])
      await jobs.enqueueTask('next', 'critical', queue)
      await sleep(300)
      expect(await backend.counts(queue)).toMatchObject({ queued: 1, processing: 1 })
      end()
      await expect.poll(() => starts, SOON).toEqual(['lost', 'next'])
    })

    it('are requested again when a task arrives while the previous reply is in flight', async () => {
      const backend = await open({ listen: false })
      const jobs = engine(backend, { pollMs: NEVER_MS })
      const step = backend.step.bind(backend)
      let isAnswered = false
      let answer: () => void = () => {}
      const gate = new Promise<void>((resolve) => {
        answer = resolve
      })
      backend.step = async (...args) => {
        const result = await step(...args)
        isAnswered = true
        await gate
        return result
      }
      const seen: unknown[] = []
      jobs.registerProcessor<unknown>(queue, (data) => void seen.push(data))
      jobs.start()
      await expect.poll(() => isAnswered, SOON).toBe(true)
      await jobs.enqueueTask(1, 'normal', queue)
      answer()
      await expect.poll(() => seen, SOON).toEqual([1])
    })

    it('stay owned by a process that claims them again after the lease expired', async () => {
      const jobs = engine(await open())
      let starts = 0
      let end: () => void = () => {}
      const completed: string[] = []
      jobs.on('task:completed', ({ taskId }) => completed.push(taskId))
      jobs.registerProcessor<string>(
        queue,
        (data) => {
          if (data !== 'long') return undefined
          starts += 1
          return new Promise<void>((resolve) => {
            end = resolve
          })
        },
        { concurrency: 2 },
      )
      jobs.start()
      const { id } = await jobs.enqueueTask('long', 'normal', queue)
      await expect.poll(() => starts, SOON).toBe(1)
      await expire()
      const crashes = () => database.query(`SELECT crashes FROM ${SCHEMA}.job_tasks WHERE id = $1`, [id])
      await expect.poll(crashes, SOON).toEqual([{ crashes: 1 }])
      // Once a later task is completed, the engine has received the claim.
      const next = await jobs.enqueueTask('next', 'normal', queue)
      await expect.poll(() => completed, SOON).toEqual([next.id])
      end()
      await expect.poll(() => completed, SOON).toEqual([next.id, id])
      expect(starts).toBe(1)
      await expect
        .poll(() => jobs.getProcessingStats(queue), SOON)
        .toMatchObject({ processing: 0, queued: 0, lost: 0 })
    })

    it('are cancelled as soon as they run again after a cancellation and an expired lease', async () => {
      const backend = await open()
      // The renewal of the lease would report the cancellation much later.
      const jobs = engine(backend, { leaseMs: LEASE_MS })
      await backend.add([task()])
      const [had] = await claim(backend)
      expect(await backend.cancel(had?.id ?? '', Date.now())).toEqual({ was: 'running', batches: [] })
      expect(await backend.renew([had as TaskClaim], 'me', LEASE_MS)).toEqual({ lost: [], cancelled: [had] })
      await expire()
      const reasons: unknown[] = []
      jobs.registerProcessor(
        queue,
        (_data, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reasons.push(signal.reason.why)
              reject(signal.reason)
            })
          }),
      )
      jobs.start()
      await expect.poll(() => reasons, SOON).toEqual(['cancelled'])
      await expect.poll(async () => backend.get(had?.id ?? ''), SOON).toBeUndefined()
    })

    it('are finished once they are released or fail after a cancellation', async () => {
      const backend = await open()
      const id = await newBatch(backend, 2)
      const [first, second] = await claim(backend, 2)
      expect(await backend.cancelBatch(id, Date.now())).toEqual({ isFound: true, batches: [] })
      const { lost, batches } = await settle(backend, outcome(first, 'retry'), outcome(second, 'release'))
      expect(lost).toEqual([])
      expect(batches).toMatchObject([{ id, isCancelled: true, chunksDone: 2, processedItems: 0 }])
      expect(
        (await backend.list({ batchId: id }, { offset: 0, limit: 9 })).map(({ status }) => status),
      ).toEqual(['cancelled', 'cancelled'])
    })

    it('end a batch although the reply was late, and report it once', async () => {
      const backend = await open({ timeoutMs: 5_000 })
      const id = await newBatch(backend, 2)
      const held = await claim(backend, 2)
      const done = held.map((one) => outcome(one, 'done', { doneItems: 10 }))
      const settleAs = (outcomes: readonly TaskOutcome[]) =>
        backend.step(queue, outcomes, 0, `owner of ${queue}`, LEASE_MS)
      const client = await newPool().connect()
      const waiting = () =>
        database.query(
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%job_step%'`,
        )
      try {
        await client.query('BEGIN')
        await client.query(`SELECT FROM ${SCHEMA}.job_batches WHERE id = $1 FOR UPDATE`, [id])
        await expect(settleAs(done)).rejects.toMatchObject({ code: 'SLUICE_JOB_BACKEND' })
        // The first call still waits, on a connection that is no longer read.
        const again = settleAs(done)
        await expect.poll(waiting, SOON).toHaveLength(2)
        await client.query('COMMIT')
        const { lost, batches } = await again
        expect(lost).toEqual([])
        const told = [...batches]
        await expect
          .poll(async () => {
            told.push(...(await settleAs([])).batches)
            return told
          }, SOON)
          .toMatchObject([{ id, processedItems: 20, chunksDone: 2 }])
        await sleep(600)
        expect((await settleAs([])).batches).toEqual([])
      } finally {
        client.release()
      }
    })

    it('take all tasks that are due', async () => {
      const backend = await open()
      const now = Date.now()
      await backend.add(
        Array.from({ length: 250 }, (_, at) =>
          task({ createdAt: now, runAt: now + 5_000, data: String(at) }),
        ),
      )
      const other = task({ createdAt: now, runAt: now + NEVER_MS })
      await backend.add([other])
      expect(await backend.counts(queue)).toMatchObject({ pending: 251, queued: 0 })
      const { claims, nextAt = 0 } = await backend.step(queue, [], 10, 'me', LEASE_MS)
      expect(claims).toEqual([])
      expect(nextAt - now).toBeGreaterThan(4_000)
      expect(nextAt - now).toBeLessThan(10_000)
      await expect.poll(() => Date.now(), SOON).toBeGreaterThan(now + 5_400)
      const data: string[] = []
      while (data.length < 250) {
        const some = await claim(backend, 25)
        expect(some.length).toBeGreaterThan(0)
        data.push(...some.map((one) => one.data))
      }
      expect(data.map(Number).sort((left, right) => left - right)).toEqual(
        Array.from({ length: 250 }, (_, at) => at),
      )
      expect(await claim(backend)).toEqual([])
      expect(await backend.counts(queue)).toMatchObject({ pending: 1, queued: 0, processing: 250 })
    })

    it('are due by the clock of the server', async () => {
      const backend = await open()
      // From a machine whose clock is an hour ahead, and from one whose clock is an hour behind.
      for (const skew of [3_600_000, -3_600_000]) {
        const createdAt = Date.now() + skew
        await backend.add([task({ createdAt, runAt: createdAt + 3_000 })])
      }
      expect(await claim(backend, 2)).toEqual([])
      await expect
        .poll(async () => (await backend.counts(queue)).processing + (await claim(backend, 2)).length, SOON)
        .toBe(2)
    })
  })

  describe('stored data', () => {
    it('retains the latest failures, regardless of the characters in them', async () => {
      const backend = await open()
      await backend.add([task()])
      for (let attempt = 1; attempt <= MAX_FAILURES + 5; attempt += 1) {
        const [had] = await claim(backend)
        const failure = { attempt, at: attempt, message: `\u0000 \ud800 ${attempt}`, log: ['\u0000', '"'] }
        await settle(backend, outcome(had, attempt === MAX_FAILURES + 5 ? 'dead' : 'retry', { failure }))
      }
      const [letter] = await backend.list({ queue, status: 'dead' }, { offset: 0, limit: 1 })
      expect(letter?.failures.map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: MAX_FAILURES }, (_, at) => at + 6),
      )
      expect(letter).toMatchObject({ attempts: MAX_FAILURES + 5 })
      expect(letter?.failures.at(-1)).toEqual({
        attempt: MAX_FAILURES + 5,
        at: MAX_FAILURES + 5,
        message: `\u0000 \ud800 ${MAX_FAILURES + 5}`,
        log: ['\u0000', '"'],
      })
    })

    it('keeps keys with any characters distinct', async () => {
      const backend = await open()
      const keys = ['\u0000', '\u2400', '\u24000', '\u24001', '\u0000\u2400', '\\', '']
      const added = await backend.add(keys.map((uniqueKey) => task({ uniqueKey })))
      expect(added.map(({ isDuplicate }) => isDuplicate)).toEqual(keys.map(() => false))
      expect((await claim(backend, 9)).map(({ uniqueKey }) => uniqueKey)).toEqual(keys)
      const again = await backend.add(keys.map((uniqueKey) => task({ uniqueKey })))
      expect(again.map(({ id, isDuplicate }) => [id, isDuplicate])).toEqual(added.map(({ id }) => [id, true]))
    })

    it('adds one task for each id and each key in one call', async () => {
      const backend = await open()
      const one = task({ uniqueKey: 'k' })
      const other = task({ uniqueKey: 'k' })
      const plain = task()
      expect(await backend.add([one, other, plain, plain])).toEqual([
        { id: one.id, isDuplicate: false },
        { id: one.id, isDuplicate: true },
        { id: plain.id, isDuplicate: false },
        { id: plain.id, isDuplicate: true },
      ])
      expect(await backend.add([plain])).toEqual([{ id: plain.id, isDuplicate: true }])
      expect(await backend.counts(queue)).toMatchObject({ queued: 2 })
    })

    it('replays a dead task only while no other task has its key', async () => {
      const backend = await open()
      const dead = task({ uniqueKey: 'k' })
      await backend.add([dead])
      await settle(backend, outcome((await claim(backend))[0], 'dead'))
      const next = task({ uniqueKey: 'k' })
      expect(await backend.add([next])).toEqual([{ id: next.id, isDuplicate: false }])
      expect(await backend.add([task({ uniqueKey: 'k' })])).toEqual([{ id: next.id, isDuplicate: true }])
      expect(await backend.replay(dead.id)).toBe(false)
      await settle(backend, outcome((await claim(backend))[0], 'done'))
      expect(await backend.replay(dead.id)).toBe(true)
      expect(await backend.add([task({ uniqueKey: 'k' })])).toEqual([{ id: dead.id, isDuplicate: true }])
    })

    it('retains the latest dead letters up to the byte limit', async () => {
      const schema = `s_${randomBytes(4).toString('hex')}`
      const backend = await open({ schema })
      const ids: string[] = []
      for (let at = 0; at < 5; at += 1) {
        const one = task({ data: JSON.stringify('x'.repeat(98)) })
        ids.push(one.id)
        await backend.add([one])
        await settle(backend, outcome((await claim(backend))[0], 'dead', { at: at + 1 }))
      }
      const left = async () =>
        (await backend.list({ status: 'dead' }, { offset: 0, limit: 9 })).map(({ id }) => id)
      await backend.tidy({ maxDeadBytes: 500, maxBatchAgeMs: 1 }, Date.now())
      expect(await left()).toEqual(ids)
      await backend.tidy({ maxDeadBytes: 399, maxBatchAgeMs: 1 }, Date.now())
      expect(await left()).toEqual(ids.slice(2))
      expect(await backend.purge({ before: 4 })).toBe(1)
      expect(await left()).toEqual(ids.slice(3))
    })

    it('retains batches with their parts up to the age limit, and dead letters beyond it', async () => {
      const schema = `s_${randomBytes(4).toString('hex')}`
      const backend = await open({ schema })
      const old = await newBatch(backend, 3)
      const [first, second, third] = await claim(backend, 3)
      await settle(
        backend,
        outcome(first, 'done', { at: 1_000, doneItems: 10 }),
        outcome(second, 'dead', { at: 1_000, failedItems: 10 }),
        outcome(third, 'dead', { at: 1_000, failedItems: 10 }),
      )
      const running = await newBatch(backend, 1)
      const parts = async () =>
        (await backend.list({ batchId: old }, { offset: 0, limit: 9 })).map(({ status, data }) => [
          status,
          data,
        ])
      expect(await backend.purge({ id: third?.id ?? '' })).toBe(1)
      await backend.tidy({ maxDeadBytes: 1_000, maxBatchAgeMs: 500 }, 1_500)
      expect(await parts()).toEqual([
        ['completed', '[0]'],
        ['dead', '[1]'],
        ['failed', '[2]'],
      ])
      await backend.tidy({ maxDeadBytes: 1_000, maxBatchAgeMs: 500 }, 1_501)
      expect(await backend.batch(old)).toBeUndefined()
      expect(await parts()).toEqual([['dead', '[1]']])
      expect(await backend.batch(running)).toMatchObject({ endedAt: null })
      expect(await backend.replay(second?.id ?? '')).toBe(true)
      await settle(
        backend,
        outcome(
          (await claim(backend, 2)).find(({ batchId }) => batchId === old),
          'done',
        ),
      )
      expect(await parts()).toEqual([])
    })

    it('reports a reopened batch when it ends again, even if the first notification was confirmed late', async () => {
      const backend = await open()
      const { id } = task()
      await backend.openBatch({
        id,
        name: queue,
        createdAt: 1,
        batchSize: 1,
        maxFailedItems: 0,
        stopsOnFailure: false,
        webhook: 'http://a/',
      })
      await backend.add([task({ batchId: id, items: 1 })])
      await backend.sealBatch(id, 1, 1, Date.now())
      const [first] = await claim(backend)
      const { batches } = await settle(backend, outcome(first, 'dead', { failedItems: 1 }))
      expect(batches).toMatchObject([{ id, failedItems: 1 }])
      await backend.batchNotified(id)
      expect(await backend.batch(id)).toMatchObject({ isNotified: true })
      expect(await backend.replay(first?.id ?? '')).toBe(true)
      // A late confirmation of the earlier end has no effect.
      expect(await database.query(`SELECT ended_by FROM ${SCHEMA}.job_batches WHERE id = $1`, [id])).toEqual([
        { ended_by: null },
      ])
      expect(await backend.batch(id)).toMatchObject({ isNotified: false })
      await backend.batchNotified(id)
      expect(await backend.batch(id)).toMatchObject({
        endedAt: null,
        isNotified: false,
        failedItems: 0,
        chunksDone: 0,
      })
      const ended = await settle(backend, outcome((await claim(backend))[0], 'done', { doneItems: 1 }))
      expect(ended.batches).toMatchObject([{ id, processedItems: 1, failedItems: 0 }])
      const unnotified = async () =>
        (await backend.unnotifiedBatches(Date.now() + 1)).filter((one) => one.id === id)
      expect(await unnotified()).toHaveLength(1)
      await backend.batchNotified(id)
      expect(await unnotified()).toEqual([])
    })

    it('counts as far as requested', async () => {
      const backend = await open()
      const runAt = Date.now() + 60_000
      await backend.add(
        Array.from({ length: 30 }, (_, at) =>
          task({ createdAt: 1_000 + at, order: 100 - at, runAt: at % 3 === 0 ? runAt : 0 }),
        ),
      )
      const [dead, retried] = await claim(backend, 3)
      await settle(backend, outcome(dead, 'dead'), outcome(retried, 'retry', { runAt }))
      const exact = {
        queued: 17,
        pending: 10,
        retry: 1,
        processing: 1,
        dead: 1,
        oldestQueuedAt: 1_001,
        isPaused: false,
      }
      expect(await backend.counts(queue)).toEqual(exact)
      expect(await backend.counts(queue, 1_000)).toEqual(exact)
      const { pending, retry, ...some } = await backend.counts(queue, 5)
      // The first five that are ready.
      expect(some).toEqual({ queued: 5, processing: 1, dead: 1, oldestQueuedAt: 1_019, isPaused: false })
      expect(pending + retry).toBe(5)
    })

    it('removes data in slices, regardless of the amount', async () => {
      const schema = `s_${randomBytes(4).toString('hex')}`
      const backend = await open({ schema })
      const fill = (count: number, status: string, batchId: string | null) =>
        database.query(
          `INSERT INTO ${schema}.job_tasks (id, queue, status, level, order_ms, batch_id, chunk, items, created_at, finished_at, settings, bytes, data)
          SELECT gen_random_uuid(), $1, $2, 2, n, $3::uuid, n - 1, 1, now(), to_timestamp(n), '{}', 2, '{}' FROM generate_series(1, $4::int) AS n`,
          [queue, status, batchId, count],
        )
      const parts = 4_500
      const { id } = task()
      await backend.openBatch({
        id,
        name: queue,
        createdAt: 1,
        batchSize: 1,
        maxFailedItems: 0,
        stopsOnFailure: false,
        webhook: null,
      })
      await fill(parts, 'queued', id)
      await backend.sealBatch(id, parts, parts, 1)
      const [first, last] = [
        await claim(backend),
        await database.query(
          `UPDATE ${schema}.job_tasks SET status = 'processing', token = 1 WHERE chunk = $1 RETURNING id`,
          [parts - 1],
        ),
      ]
      expect(await backend.cancelBatch(id, 2)).toEqual({ isFound: true, batches: [] })
      expect(await backend.batch(id)).toMatchObject({
        isCancelled: true,
        chunksDone: parts - 2,
        endedAt: null,
      })
      const running = [
        first[0] as TaskClaim,
        { ...(first[0] as TaskClaim), id: String(last[0]?.id), token: 1 },
      ]
      expect(await backend.renew(running, 'me', LEASE_MS)).toEqual({ lost: [], cancelled: running })
      const { batches } = await settle(backend, ...running.map((one) => outcome(one, 'cancelled', { at: 3 })))
      expect(batches).toMatchObject([{ id, chunksDone: parts, endedAt: 3 }])
      // More than one slice removes.
      await fill(10_500, 'completed', id)
      await backend.tidy({ maxDeadBytes: 1_000, maxBatchAgeMs: 1 }, 1_000)
      expect([await backend.batch(id), await database.query(`SELECT 1 FROM ${schema}.job_tasks`)]).toEqual([
        undefined,
        [],
      ])
      await fill(10_500, 'dead', null)
      await backend.tidy({ maxDeadBytes: 20_000, maxBatchAgeMs: 1 }, 1_000)
      expect(await backend.counts(queue)).toMatchObject({ dead: 10_000 })
      await backend.tidy({ maxDeadBytes: 100, maxBatchAgeMs: 1 }, 1_000)
      expect(
        await database.query(
          `SELECT min(extract(epoch FROM finished_at))::int AS oldest, count(*)::int FROM ${schema}.job_tasks`,
        ),
      ).toEqual([{ oldest: 10_451, count: 50 }])
      await fill(10_500, 'dead', null)
      expect(await backend.purge({ queue })).toBe(10_550)
      expect(await backend.counts(queue)).toMatchObject({ dead: 0 })
    })

    it('holds a slot until it expires', async () => {
      const backends = [await open(), await open()]
      const key = `\u0000${queue}`
      const at = Date.now() + 3_600_000
      const taken = await Promise.all(
        [...backends, ...backends].map((backend) => backend.takeSlot(key, at, at + 300)),
      )
      expect(taken.filter(Boolean)).toHaveLength(1)
      await expect.poll(() => backends[0]?.takeSlot(key, at, at + 60_000), SOON).toBe(true)
      expect(await backends[1]?.takeSlot(key, at, at + 60_000)).toBe(false)
    })

    it('returns nothing for an unknown or malformed id', async () => {
      const backend = await open()
      for (const id of ['', 'x', '00000000-0000-7000-8000-00000000000g', `${task().id}x`]) {
        expect(await backend.get(id)).toBeUndefined()
        expect(await backend.cancel(id, 0)).toBeUndefined()
        expect(await backend.replay(id)).toBe(false)
        expect(await backend.purge({ id })).toBe(0)
        expect(await backend.batch(id)).toBeUndefined()
        expect(await backend.cancelBatch(id, 0)).toEqual({ isFound: false, batches: [] })
        expect(await backend.list({ batchId: id }, { offset: 0, limit: 1 })).toEqual([])
      }
    })
  })
})
