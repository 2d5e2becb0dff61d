import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createSluice, type ProgressDetails } from '@sluice/core'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { randomSuffix } from '../services/service.ts'
import { type Database, databases } from '../support/databases.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { type BatchWorkerPlan, openBackend, type QueuePlace } from './batch-worker.main.ts'
import { FlowProcess } from './flow-process.ts'

const ITEMS = 60
/** This city is missing until the test inserts it. */
const MISSING = 13
const BACKOFF_MS = 300
const redis = inject('services').redis

interface Notice extends ProgressDetails {
  readonly event: string
}

/** A webhook that receives batch notifications. */
async function openWebhook() {
  const notices: { readonly key: unknown; readonly body: Notice }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      notices.push({ key: request.headers['idempotency-key'], body: JSON.parse(text) })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/done`, notices }
}

const kinds = databases()
  .filter(({ dialect }) => dialect !== 'mysql')
  .flatMap((kind) => {
    const inDatabase = (database: Database): QueuePlace =>
      kind.dialect === 'sqlite'
        ? { kind: 'sqlite', file: join(database.filename as string, '../jobs.db') }
        : { kind: 'postgres', url: database.url }
    const inRedis = (): QueuePlace => ({
      kind: 'bullmq',
      url: 'url' in redis ? redis.url : '',
      prefix: `flow-${randomSuffix()}`,
    })
    const own = { ...kind, queue: kind.name, place: inDatabase }
    if (kind.dialect === 'sqlite') return [own]
    return [
      own,
      {
        ...kind,
        queue: 'Redis',
        place: inRedis,
        skipped: kind.skipped ?? ('url' in redis ? undefined : redis.skipped),
      },
    ]
  })

describe.each(kinds)('a batch on $name, its tasks in $queue', ({ skipped, connect, place }) => {
  it.skipIf(skipped !== undefined)(
    'splits the batch, runs it by priority in two processes of which one is killed, retries it, notifies once, and replays its dead letter',
    { timeout: TEST_MS },
    async () => {
      const database = await connect()
      onTestFinished(() => database.drop())
      await database.exec(
        'CREATE TABLE cities (id integer PRIMARY KEY, name text); CREATE TABLE imported (id integer PRIMARY KEY, name text); CREATE TABLE runs (worker text, what text, attempt integer, items integer)',
      )
      const cities = Array.from({ length: ITEMS }, (_, at) => at + 1).filter((id) => id !== MISSING)
      await database.exec(
        `INSERT INTO cities VALUES ${cities.map((id) => `(${id}, 'City ${id}')`).join(', ')}`,
      )
      const where = place(database)
      const { backend, close } = openBackend(where)
      const sluice = createSluice({ jobs: { backend, webhooks: { allowPrivateAddresses: true } } })
      onTestFinished(async () => {
        await sluice.close()
        await close()
      })
      const jobs = sluice.jobs as NonNullable<typeof sluice.jobs>
      const { url, notices } = await openWebhook()
      const numbers = async (sql: string) =>
        (await database.query(sql)).map((row) => Number(Object.values(row)[0]))

      // It is split into parts, which wait; a more urgent task that arrives later runs first.
      jobs.createQueue('import', 2)
      const items = Array.from({ length: ITEMS }, (_, at) => at + 1)
      const options = {
        priority: 'low',
        webhook: url,
        maxFailedItems: 1,
        maxRetries: 3,
        backoff: BACKOFF_MS,
      } as const
      const batch = await jobs.createBatchJob('import', items, 5, options)
      await jobs.enqueueTask('urgent', 'critical', 'import')
      expect(await jobs.getBatchProgress(batch.id)).toMatchObject({
        totalItems: ITEMS,
        processedItems: 0,
        progress: 0,
      })
      expect(await jobs.getProcessingStats('import')).toMatchObject({ queued: ITEMS / 5 + 1, processing: 0 })

      const workers = await Promise.all(
        ['a', 'b'].map(async (name) => {
          const plan: BatchWorkerPlan = { name, place: where, knexConfig: database.knexConfig() }
          const { process } = await FlowProcess.start('batch-worker.main.ts', plan)
          onTestFinished(() => process.stop())
          return process
        }),
      )
      const [killed, other] = workers as [(typeof workers)[number], (typeof workers)[number]]
      await killed.ask('start')
      await expect
        .poll(() => numbers('SELECT count(*) FROM runs'), { ...SOON, interval: 10 })
        .not.toEqual([0])
      await killed.kill()
      const urgent = await database.query("SELECT what FROM runs WHERE what = 'urgent'")
      expect(urgent).toHaveLength(1)
      const before = await jobs.getBatchProgress(batch.id)
      expect(before.processedItems).toBeLessThan(ITEMS)
      await other.ask('start')

      // Progress is visible while the batch runs: the tasks of the killed worker stay leased for a while.
      const progress = async () => (await jobs.getBatchProgress(batch.id)).progress
      await expect
        .poll(progress, { ...SOON, interval: 10 })
        .toSatisfy((percent: number) => percent > 0 && percent < 100)

      // The batch completes when each item is finished, including those of the killed worker.
      await expect.poll(progress, SOON).toBe(100)
      expect(await jobs.getBatchProgress(batch.id)).toMatchObject({
        status: 'completed',
        processedItems: ITEMS - 1,
        failedItems: 1,
      })
      expect(await numbers('SELECT id FROM imported ORDER BY id')).toEqual(cities)
      // The failing item was attempted four times in total, individually after the first attempt.
      expect(await numbers('SELECT attempt FROM runs WHERE items = 1 ORDER BY attempt')).toEqual([2, 3, 4])
      await expect.poll(() => notices.length, SOON).toBeGreaterThan(0)
      for (const { key, body } of notices) {
        expect(key).toBe(batch.id)
        expect(body).toMatchObject({
          event: 'batch:completed',
          batchId: batch.id,
          processedItems: ITEMS - 1,
          failedItems: 1,
        })
      }
      // No worker that starts later sends the notification again.
      await expect
        .poll(async () => (await backend.unnotifiedBatches(Date.now() + 60_000)).length, SOON)
        .toBe(0)

      // The dead letter contains the reason, and completes once its city exists.
      const [letter, ...more] = await jobs.listDeadLetters({ queue: 'import' })
      expect(more).toEqual([])
      expect(letter?.error).toContain(`There is no city ${MISSING}.`)
      // Each attempt waits twice as long as the previous one, minus up to 50% jitter.
      const failedAt = letter?.failures.map(({ at }) => at) ?? []
      expect(failedAt).toHaveLength(4)
      const waits = failedAt.slice(1).map((at, index) => at - (failedAt[index] ?? 0))
      for (const [index, ms] of waits.entries())
        expect(ms).toBeGreaterThanOrEqual((BACKOFF_MS / 2) * 2 ** index)
      await database.exec(`INSERT INTO cities VALUES (${MISSING}, 'City ${MISSING}')`)
      expect(await jobs.retryDeadLetterTask((letter as NonNullable<typeof letter>).id)).toBe(true)
      await expect.poll(() => numbers('SELECT id FROM imported ORDER BY id'), SOON).toEqual(items)
      await expect.poll(() => jobs.listDeadLetters({ queue: 'import' }), SOON).toEqual([])
    },
  )
})
