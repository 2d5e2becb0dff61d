import { setTimeout as sleep } from 'node:timers/promises'
import { AsyncBatchProcessingEngine, type JobsOptions, UnretryableError } from '@sluice/core'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NEVER_MS, SOON } from '../../../support/patience.ts'
import { CrashProcess, Ledger } from '../crash-process.ts'
import { sqliteWorld } from '../sqlite-world.ts'
import { expectTrueTallies } from './expect-true-tallies.ts'
import { newTask } from './new-task.ts'

describe('work on an SQLite file', () => {
  let world: Awaited<ReturnType<typeof sqliteWorld>>
  let engines: AsyncBatchProcessingEngine[]

  beforeEach(async () => {
    engines = []
    world = await sqliteWorld()
  })
  afterEach(async () => {
    await Promise.all(engines.map((engine) => engine.close()))
    await world.stop()
  })

  const open = (options: JobsOptions = {}, file: Parameters<typeof sqliteJobBackend>[0] = world.file) => {
    const engine = new AsyncBatchProcessingEngine({ ...options, backend: sqliteJobBackend(file) })
    engines.push(engine)
    return engine
  }

  it('notifies other engines without polling', async () => {
    const worker = open({ pollMs: NEVER_MS, leaseMs: NEVER_MS })
    let signal: AbortSignal | undefined
    worker.registerProcessor('default', (_data, context) => {
      signal = context.signal
      return new Promise((_resolve, reject) =>
        context.signal.addEventListener('abort', () => reject(context.signal.reason)),
      )
    })
    const cancelled: string[] = []
    worker.on('task:cancelled', ({ taskId }) => cancelled.push(taskId))
    worker.start()
    // It has found an empty queue.
    await expect.poll(() => worker.getProcessingStats(), SOON).toMatchObject({ queued: 0 })
    await sleep(50)
    const other = open()
    const { id } = await other.enqueueTask(1)
    await expect.poll(() => signal, SOON).toBeDefined()
    expect(signal?.aborted).toBe(false)
    expect(await other.cancelTask(id)).toBe(true)
    await expect.poll(() => cancelled, SOON).toEqual([id])
  })

  it('does not block the event loop', async () => {
    const jobs = open()
    let done = 0
    await Promise.all(Array.from({ length: 3_000 }, (_, at) => jobs.enqueueTask(at)))
    jobs.registerProcessor('default', () => {
      done += 1
    })
    let turns = 0
    const turn = () => {
      turns += 1
      if (done < 3_000) setImmediate(turn)
    }
    setImmediate(turn)
    jobs.start()
    await expect.poll(() => done, SOON).toBe(3_000)
    // With ten concurrent tasks, 300 steps, each of which takes one tick.
    expect(turns).toBeGreaterThan(200)
  })

  it('is committed in one transaction per tick', async () => {
    const statements: string[] = []
    const database = new Sqlite(world.file, { verbose: (sql) => statements.push(String(sql)) })
    database.pragma('journal_mode = WAL')
    const jobs = open({}, database)
    await jobs.enqueueTask(0)
    statements.length = 0
    await Promise.all(Array.from({ length: 50 }, (_, at) => jobs.enqueueTask(at)))
    expect(statements.filter((sql) => sql.startsWith('INSERT INTO sluice_tasks '))).toHaveLength(50)
    expect(statements.filter((sql) => sql === 'COMMIT').length).toBeLessThan(10)
    await jobs.close()
    database.close()
  })

  it('fails only for the task that cannot be written', async () => {
    const backend = sqliteJobBackend(world.file)
    await backend.open()
    const bad = newTask({ data: null as unknown as string })
    const good = [newTask(), newTask()]
    const results = await Promise.allSettled([
      backend.add([good[0] ?? bad]),
      backend.add([newTask(), bad]),
      backend.add([good[1] ?? bad]),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((await backend.list({}, { offset: 0, limit: 10 })).map(({ id }) => id)).toEqual(
      good.map(({ id }) => id),
    )
    expect(await backend.counts('q')).toMatchObject({ queued: 2 })
    await backend.close()
  })

  it('waits while the app has an open transaction or a reader', async () => {
    const database = new Sqlite(world.file)
    database.pragma('journal_mode = WAL')
    database.defaultSafeIntegers(true)
    const jobs = open({}, database)
    const first = await jobs.enqueueTask(1)
    database.exec('BEGIN; CREATE TABLE own (id)')
    let isAdded = false
    const adding = jobs.enqueueTask(2).then(() => {
      isAdded = true
    })
    await sleep(100)
    expect(isAdded).toBe(false)
    database.exec('ROLLBACK')
    await adding
    // It iterates over its own rows.
    const rows = database.prepare('SELECT name FROM sqlite_schema').iterate()
    rows.next()
    const third = jobs.enqueueTask(3)
    const counted = jobs.getProcessingStats()
    await sleep(50)
    rows.return?.()
    await third
    expect((await counted).queued).toBe(2)
    expect((await jobs.getProcessingStats()).queued).toBe(3)
    const seen: unknown[] = []
    jobs.registerProcessor('default', (data, { taskId }) => void seen.push(data, taskId === first.id))
    await jobs.processNextTask()
    await jobs.processNextTask()
    expect(seen).toEqual([1, true, 2, false])
    expect(Number(database.pragma('busy_timeout', { simple: true }))).toBe(5_000)
    await jobs.close()
    database.close()
  })

  it('is shared by processes, each task for one', async () => {
    const ledger = await Ledger.create()
    const jobs = open()
    const order = {
      child: world.child,
      queue: 'default',
      ledger: ledger.file,
      kind: 'tasks',
      concurrency: 10,
      options: {},
    } as const
    const workers = [1, 2, 3].map(() => new CrashProcess({ ...order, workMs: 1 }))
    try {
      let count = 0
      const hasAll = () => new Set(ledger.lines('end').map(({ pid }) => pid)).size === workers.length
      // Until each process has run a task.
      while (count < 2_000 || (!hasAll() && count < 50_000)) {
        const from = count
        await Promise.all(
          Array.from({ length: 100 }, (_, at) =>
            jobs.enqueueTask(String(from + at), 'normal', 'default', { maxRetries: 0 }),
          ),
        )
        count += 100
        await sleep(20)
      }
      expect(hasAll()).toBe(true)
      await expect.poll(() => ledger.counts('completed').size, { ...SOON, interval: 50 }).toBe(count)
      expect(await Promise.all(workers.map((worker) => worker.end()))).toEqual([0, 0, 0])
      expect(new Set(ledger.counts('start').values())).toEqual(new Set([1]))
      expect(ledger.lines('error')).toEqual([])
      expect(await jobs.getProcessingStats()).toMatchObject({ queued: 0, processing: 0, deadLetters: 0 })
      expectTrueTallies(world.file)
    } finally {
      await Promise.all(workers.map((worker) => worker.kill()))
      await ledger.remove()
    }
  })

  it('uses indexes for all its statements', async () => {
    const statements = new Set<string>()
    const database = new Sqlite(world.file, { verbose: (sql) => statements.add(String(sql)) })
    database.pragma('journal_mode = WAL')
    const jobs = open({}, database)
    jobs.registerProcessor('default', (data) => {
      if (data === 'fail') throw new UnretryableError('no')
    })
    jobs.registerProcessor<number[]>('batch', (items, { failItem }) =>
      failItem(0, new Error(String(items.length))),
    )
    await jobs.enqueueTask('unique', 'high', 'default', { uniqueKey: 'k' })
    await jobs.enqueueTask('later', 'high', 'default', { delayMs: NEVER_MS })
    const failing = await jobs.enqueueTask('fail')
    for (let at = 0; at < 3; at += 1) await jobs.processNextTask()
    await jobs.retryDeadLetterTask(failing.id)
    await jobs.cancelTask(failing.id)
    const batch = await jobs.createBatchJob('batch', [1, 2, 3], 2, { maxRetries: 0 })
    await jobs.processNextTask('batch')
    await jobs.getBatchItems(batch.id)
    await jobs.listDeadLetters({})
    await jobs.listDeadLetters({ queue: 'batch' })
    await jobs.listDeadLetters({ batchId: batch.id })
    await jobs.cancelBatchJob(batch.id)
    await jobs.getProcessingStats()
    const backend = sqliteJobBackend(database)
    await backend.open()
    await backend.purge({ id: failing.id })
    await backend.tidy({ maxDeadBytes: 0, maxBatchAgeMs: -1 }, Date.now() + 10)
    await backend.unnotifiedBatches(Date.now())
    const reads = [...statements].filter(
      (sql) => /^\s*(SELECT|UPDATE|DELETE)\b/.test(sql) && /sluice_(tasks|batches)/.test(sql),
    )
    expect(reads.length).toBeGreaterThan(25)
    for (const sql of reads) {
      const plan = database.prepare<[], { readonly detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all()
      for (const { detail } of plan) {
        // At most, statements scan all dead letters or all running tasks.
        if (!/USING (COVERING )?INDEX sluice_tasks_(dead|lease)/.test(detail))
          expect(detail, sql).not.toMatch(/^SCAN (t|sluice_tasks|sluice_batches)\b/)
        expect(detail, sql).not.toContain('TEMP B-TREE')
      }
    }
    await jobs.close()
    database.close()
  })
})
