import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AsyncBatchProcessingEngine,
  type JobEvents,
  type JobsOptions,
  type ProgressDetails,
} from '@sluice/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectPostgres, SCHEMA } from '../../contracts/jobs/postgres-world.ts'
import { type KillablePostgres, startKillablePostgres } from '../../services/killable-postgres.ts'
import { findPostgresReplication } from '../../services/postgres-pair.ts'
import { type Database, databases } from '../../support/databases.ts'
import { NEVER_MS, SOON, TEST_MS } from '../../support/patience.ts'
import { type SilentProxy, silentProxy } from '../../support/silent-proxy.ts'

const TIMEOUT_MS = 700
const postgres = databases().find(({ dialect }) => dialect === 'postgresql')
const installed = findPostgresReplication()

let engines: AsyncBatchProcessingEngine[] = []
let queue: string

beforeEach(() => {
  queue = `q-${randomBytes(6).toString('hex')}`
})
afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.close()))
  engines = []
})

function open(url: string | undefined, options: JobsOptions = {}, listen = true): AsyncBatchProcessingEngine {
  const backend = connectPostgres(
    url,
    { timeoutMs: TIMEOUT_MS, listen },
    { max: 8, connectionTimeoutMillis: TIMEOUT_MS },
  )
  const engine = new AsyncBatchProcessingEngine({
    pollMs: 100,
    leaseMs: NEVER_MS,
    graceMs: 100,
    backend,
    ...options,
  })
  engine.createQueue(queue)
  engines.push(engine)
  return engine
}

function heard<K extends keyof JobEvents>(jobs: AsyncBatchProcessingEngine, event: K): JobEvents[K][] {
  const events: JobEvents[K][] = []
  jobs.on(event, (payload) => events.push(payload))
  return events
}

describe.skipIf(postgres?.skipped !== undefined)(
  'connections to PostgreSQL that break silently',
  { timeout: TEST_MS },
  () => {
    let database: Database
    let proxy: SilentProxy
    beforeAll(async () => {
      database = (await postgres?.connect()) as Database
    })
    afterAll(() => database?.drop())
    beforeEach(async () => {
      proxy = await silentProxy(database.url ?? '')
    })
    afterEach(async () => {
      // Opened before the engines, which depend on it.
      proxy.swallow(false)
      await Promise.all(engines.splice(0).map((engine) => engine.close()))
      await proxy.close()
    })

    const rows = () =>
      database.query(
        `SELECT status, crashes, attempts FROM ${SCHEMA}.job_tasks WHERE queue = $1 ORDER BY id`,
        [queue],
      )

    it('are replaced, and no task runs twice because of it', async () => {
      const worker = open(proxy.url)
      const source = open(database.url)
      const starts: string[] = []
      const completed = heard(worker, 'task:completed')
      worker.registerProcessor<string>(queue, async (data) => {
        starts.push(data)
        if (data === 'long') await sleep(500)
      })
      worker.start()
      await source.enqueueTask('long', 'normal', queue)
      await expect.poll(() => starts, SOON).toEqual(['long'])
      proxy.silence()
      for (let at = 0; at < 5; at += 1) await source.enqueueTask(`short ${at}`, 'normal', queue)
      await expect.poll(() => completed.length, SOON).toBe(6)
      expect([...starts].sort()).toEqual(['long', ...[0, 1, 2, 3, 4].map((at) => `short ${at}`)])
      expect(await rows()).toEqual([])
    })

    it('release the tasks claimed on them, and no worker counts as stalled', async () => {
      // It looks for tasks only when it is notified.
      const worker = open(proxy.url, { pollMs: NEVER_MS }, false)
      const attempts: number[] = []
      const errors = heard(worker, 'error')
      let crashes: unknown
      let toldBefore = 0
      worker.registerProcessor(queue, async (_data, { attempt }) => {
        toldBefore = errors.length
        crashes = (await rows())[0]?.crashes
        attempts.push(attempt)
      })
      worker.start()
      await worker.enqueueTask(0, 'normal', queue)
      await expect.poll(() => attempts, SOON).toEqual([1])
      await expect.poll(rows, SOON).toEqual([])
      attempts.pop()
      const lost = proxy.loseAnswerTo('job_step')
      await worker.enqueueTask(1, 'normal', queue)
      await lost
      await expect.poll(() => attempts, SOON).toEqual([1])
      // The reply to the claim was lost. That was reported, and the task still runs for the first time.
      expect(toldBefore).toBeGreaterThan(0)
      expect(crashes).toBe(0)
      await expect.poll(rows, SOON).toEqual([])
    })

    it('report a batch that ended on them', async () => {
      const worker = open(proxy.url)
      const completed = heard(worker, 'task:completed')
      const batches: ProgressDetails[] = heard(worker, 'batch:completed')
      worker.registerProcessor(queue, () => sleep(50))
      worker.start()
      const lost = proxy.loseAnswerTo('"done"')
      const batch = await worker.createBatchJob(queue, [1, 2, 3])
      await lost
      await expect.poll(rows, SOON).toMatchObject([{ status: 'completed' }])
      expect(batches).toEqual([])
      await expect.poll(() => batches.length, SOON).toBe(1)
      expect(batches[0]).toMatchObject({ batchId: batch.id, status: 'completed', processedItems: 3 })
      expect(completed).toHaveLength(1)
      expect((await worker.getProcessingStats(queue)).lost).toBe(0)
    })

    it('lose no added task, and add none twice', async () => {
      const source = open(proxy.url)
      // Several connections.
      await Promise.all([1, 2, 3, 4].map(() => source.getProcessingStats(queue)))
      proxy.silence()
      expect(await source.enqueueTask(1, 'normal', queue, { uniqueKey: 'a' })).not.toHaveProperty(
        'isDuplicate',
      )
      expect(await rows()).toHaveLength(1)
      const lost = proxy.loseAnswerTo('INSERT INTO')
      const adding = source.enqueueTask(2, 'normal', queue, { uniqueKey: 'b' })
      await lost
      await expect.poll(rows, SOON).toHaveLength(2)
      expect(await adding).not.toHaveProperty('isDuplicate')
      expect(await rows()).toHaveLength(2)
    })

    it('result in an error when no other connection is available', async () => {
      const worker = open(proxy.url)
      const errors = heard(worker, 'error')
      worker.registerProcessor(queue, () => new Promise(() => {}))
      worker.start()
      await worker.enqueueTask(1, 'normal', queue)
      await expect.poll(rows, SOON).toMatchObject([{ status: 'processing' }])
      proxy.silence()
      proxy.swallow(true)
      const asked = [
        worker.enqueueTask(2, 'normal', queue),
        worker.getProcessingStats(queue),
        worker.pause(queue),
      ]
      for (const { reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[])
        expect(reason).toMatchObject({ code: 'SLUICE_JOB_BACKEND' })
      await expect.poll(() => errors.length, SOON).toBeGreaterThan(0)
      expect(await worker.getQueueHealth(queue)).toMatchObject({ health: 'unhealthy' })
      // A running task cannot be released, so closing does not wait for it.
      await worker.close()
      expect(await rows()).toMatchObject([{ status: 'processing' }])
    })
  },
)

describe.skipIf(typeof installed === 'string')(
  'a PostgreSQL that is killed under load',
  { timeout: TEST_MS },
  () => {
    let server: KillablePostgres
    beforeAll(async () => {
      server = await startKillablePostgres((installed as { readonly folder: string }).folder)
    }, TEST_MS)
    afterAll(() => server?.stop())

    it('loses no accepted task, and work continues after a restart', async () => {
      const source = open(server.url)
      const workers = [open(server.url), open(server.url, { pollMs: NEVER_MS })]
      const accepted: number[] = []
      const runs = new Map<number, number>()
      const attempts = new Set<number>()
      const errors = workers.map((worker) => heard(worker, 'error'))
      for (const worker of workers) {
        worker.registerProcessor<number>(
          queue,
          async (at, { attempt }) => {
            attempts.add(attempt)
            await sleep(5)
            runs.set(at, (runs.get(at) ?? 0) + 1)
          },
          { concurrency: 5 },
        )
        worker.start()
      }
      let refused = 0
      let isOver = false
      const load = async () => {
        for (let at = 0; !isOver; at += 1) {
          try {
            await source.enqueueTask(at, 'normal', queue, { maxRetries: 0 })
            accepted.push(at)
          } catch {
            refused += 1
          }
          await sleep(2)
        }
      }
      const loading = load()
      for (let kill = 0; kill < 2; kill += 1) {
        const before = runs.size
        await expect.poll(() => runs.size, SOON).toBeGreaterThan(before + 50)
        await server.kill()
        await expect.poll(() => refused, SOON).toBeGreaterThan(kill)
        await server.restart()
      }
      const before = accepted.length
      await expect.poll(() => accepted.length, SOON).toBeGreaterThan(before + 50)
      isOver = true
      await loading
      await expect.poll(() => accepted.filter((at) => !runs.has(at)), SOON).toEqual([])
      expect(errors.flat().length).toBeGreaterThan(0)
      expect([...attempts]).toEqual([1])
      // A worker that would poll only after a minute receives notifications again.
      await workers[0]?.close()
      await source.enqueueTask(-1, 'normal', queue)
      await expect.poll(() => runs.get(-1), SOON).toBe(1)
      console.info(
        `accepted ${accepted.length}, refused ${refused}, run again ${[...runs.values()].filter((count) => count > 1).length}`,
      )
    })
  },
)
