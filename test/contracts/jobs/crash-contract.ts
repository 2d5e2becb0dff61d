import { randomBytes } from 'node:crypto'
import { AsyncBatchProcessingEngine, type JobsOptions } from '@sluice/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { SOON, TEST_MS } from '../../support/patience.ts'
import { type CrashOrder, CrashProcess, Ledger } from './crash-process.ts'
import type { CrashWorld } from './crash-world.ts'

const CONCURRENCY = 10
const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const

/** The tasks of killed or unresponsive processes, tested with real processes. */
export function crashContract(name: string, setUp: () => Promise<CrashWorld>): void {
  describe(`crashes of workers: ${name}`, { timeout: TEST_MS }, () => {
    let world: CrashWorld
    let ledger: Ledger
    let jobs: AsyncBatchProcessingEngine
    let queue: string
    let workers: CrashProcess[]

    beforeAll(async () => {
      world = await setUp()
    })
    afterAll(() => world?.stop())
    beforeEach(async () => {
      ledger = await Ledger.create()
      jobs = new AsyncBatchProcessingEngine({ ...options(), backend: world.connect() })
      queue = `crash-${randomBytes(6).toString('hex')}`
      jobs.createQueue(queue)
      workers = []
    })
    afterEach(async () => {
      await Promise.all(workers.map((worker) => worker.kill()))
      await jobs.close()
      await ledger.remove()
    })

    const options = (): JobsOptions => ({ leaseMs: 5_000, pollMs: 200, graceMs: 200, ...world.options })
    const work = (
      kind: CrashOrder['kind'],
      workMs: number,
      own: JobsOptions = {},
      concurrency = CONCURRENCY,
    ): CrashProcess => {
      const common = { child: world.child, queue, ledger: ledger.file, options: { ...options(), ...own } }
      const worker = new CrashProcess({ ...common, kind, workMs, concurrency })
      workers.push(worker)
      return worker
    }
    /** Kills a worker while it runs tasks; killing an idle one would show nothing. */
    const killed = async (worker: CrashProcess, starts: number) => {
      await expect
        .poll(
          () => ledger.lines('start', worker.pid).length >= starts && ledger.open(worker.pid).length > 0,
          { ...SOON, interval: 5 },
        )
        .toBe(true)
      const at = await worker.kill()
      const open = ledger.open(worker.pid)
      expect(open.length, 'tasks in flight at a kill').toBeGreaterThan(0)
      return { at, open }
    }
    /** Milliseconds from a kill until the tasks in flight started again. */
    const resumed = (kills: readonly { readonly at: number; readonly open: readonly string[] }[]) => {
      const starts = ledger.lines('start')
      return kills.flatMap(({ at, open }) =>
        open.map(
          (key) =>
            (starts.find((line) => line.key === key && line.at > at)?.at ?? Number.POSITIVE_INFINITY) - at,
        ),
      )
    }
    const report = (what: string, figures: Readonly<Record<string, unknown>>) =>
      console.info(`${name}, ${what}: ${JSON.stringify(figures)}`)

    it('lose none of 1,000 tasks in five kills, and count no attempt', async () => {
      for (let at = 0; at < 1_000; at += 1)
        await jobs.enqueueTask(String(at), PRIORITIES[at % 4], queue, { maxRetries: 0 })
      const kills = []
      for (let kill = 0; kill < 5; kill += 1)
        kills.push(await killed(work('tasks', 20, { maxCrashes: 10 }), 100))
      const last = [work('tasks', 20), work('tasks', 20)]
      await expect.poll(() => ledger.counts('end').size, SOON).toBe(1_000)
      await expect
        .poll(() => jobs.getProcessingStats(queue), SOON)
        .toMatchObject({ pending: 0, queued: 0, processing: 0, deadLetters: 0 })
      expect(await Promise.all(last.map((worker) => worker.end()))).toEqual([0, 0])
      const again = [...ledger.counts('start').values()].filter((count) => count > 1).length
      const times = resumed(kills)
      report('1,000 tasks, 5 kills', {
        inFlight: kills.map(({ open }) => open.length),
        startedAgain: again,
        endedTwice: [...ledger.counts('end').values()].filter((count) => count > 1).length,
        resumedAfterMs: [Math.min(...times), Math.max(...times)],
        errors: ledger.lines('error').length,
      })
      expect(new Set(ledger.lines('start').map(({ text }) => text))).toEqual(new Set(['1']))
      expect(again).toBeGreaterThan(0)
      // The tasks claimed by a killed worker: in flight, or finished but not yet reported.
      expect(again).toBeLessThanOrEqual(kills.length * CONCURRENCY)
    })

    it('end a batch once, with every item', async () => {
      const items = Array.from({ length: 5_250 }, (_, at) => at)
      const batch = await jobs.createBatchJob(queue, items, 10, { maxRetries: 0 })
      const kills = []
      for (let kill = 0; kill < 4; kill += 1)
        kills.push(await killed(work('batch', 15, { maxCrashes: 10 }), 60))
      const last = [work('batch', 15), work('batch', 15)]
      await expect.poll(() => ledger.lines('batch').length, SOON).toBe(1)
      expect(await jobs.getBatchProgress(batch.id)).toMatchObject({
        status: 'completed',
        processedItems: 5_250,
        failedItems: 0,
      })
      expect(await Promise.all(last.map((worker) => worker.end()))).toEqual([0, 0])
      expect(ledger.lines('batch').map(({ key }) => key)).toEqual([batch.id])
      expect(ledger.counts('end').size).toBe(525)
      const times = resumed(kills)
      report('a batch of 5,250 items, 4 kills', {
        inFlight: kills.map(({ open }) => open.length),
        startedAgain: [...ledger.counts('start').values()].filter((count) => count > 1).length,
        resumedAfterMs: [Math.min(...times), Math.max(...times)],
        errors: ledger.lines('error').length,
      })
    })

    it('accept the results of a worker that was unresponsive for several leases', async () => {
      const leaseMs = 1_000
      const task = await jobs.enqueueTask('busy', 'normal', queue, { maxRetries: 0 })
      const both = [work('busy', leaseMs * 3, { leaseMs }, 1), work('busy', leaseMs * 3, { leaseMs }, 1)]
      await expect
        .poll(() => ledger.lines('completed').length + ledger.lines('dead').length, SOON)
        .toBeGreaterThan(0)
      expect(await Promise.all(both.map((worker) => worker.end()))).toEqual([0, 0])
      expect(ledger.lines('completed').map(({ key }) => key)).toEqual([task.id])
      const starts = ledger.lines('start').length
      report('a worker busy for 3 leases', { starts })
      // Both were free for it: a run by the second worker shows that the lease of the first expired.
      expect(starts).toBeGreaterThan(1)
      expect(starts).toBeLessThanOrEqual(3)
      expect(await jobs.getProcessingStats(queue)).toMatchObject({
        pending: 0,
        queued: 0,
        processing: 0,
        deadLetters: 0,
      })
    })

    it('give up a task that kills its workers, and no other', async () => {
      const maxCrashes = 2
      const own = { leaseMs: 1_000, maxCrashes }
      const keys = Array.from({ length: 20 }, (_, at) => `neighbour-${at}`)
      // The limits are those of the process that enqueues.
      const source = new AsyncBatchProcessingEngine({ ...options(), ...own, backend: world.connect() })
      source.createQueue(queue)
      await source.enqueueTask('poison', 'critical', queue, { maxRetries: 0 })
      for (const key of keys) await source.enqueueTask(key, 'normal', queue, { maxRetries: 0 })
      await source.close()
      let worker = work('poison', 100, own)
      const isOver = async () => {
        if (worker.hasExited) worker = work('poison', 100, own)
        return (
          ledger.counts('end').size === keys.length && (await jobs.getProcessingStats(queue)).deadLetters > 0
        )
      }
      await expect.poll(isOver, SOON).toBe(true)
      const starts = ledger.counts('start')
      report('a task that kills its workers', { workers: workers.length, starts: Object.fromEntries(starts) })
      expect(await worker.end()).toBe(0)
      expect((await jobs.listDeadLetters({ queue })).map(({ data, attempts }) => [data, attempts])).toEqual([
        ['poison', 1],
      ])
      expect(starts.get('poison')).toBe(maxCrashes + 1)
      for (const key of keys) expect(starts.get(key), key).toBeLessThanOrEqual(2)
    })
  })
}
