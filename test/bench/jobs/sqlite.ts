import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AsyncBatchProcessingEngine } from '@sluice/core'
import type { NewTask } from '@sluice/core/jobs'
import { type SqliteJobOptions, sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import type { BenchFigure } from '../database/report.ts'

type Synchronous = NonNullable<SqliteJobOptions['synchronous']>

/**
 * The throughput of the SQLite backend, its memory for many items, and its behavior with other users of the
 * file.
 */
export async function sqliteFigures(isQuick: boolean): Promise<BenchFigure[]> {
  return [
    ...(await throughput('NORMAL', isQuick ? 5_000 : 20_000, 10_500)),
    ...(await throughput('FULL', isQuick ? 1_000 : 5_000, 2_500)),
    ...(await delayedTasks(isQuick ? 20_000 : 100_000)),
    ...(await lockedFile()),
    ...(await processes(isQuick ? 5_000 : 20_000)),
    ...(await millionItems()),
  ]
}

async function throughput(synchronous: Synchronous, count: number, target: number): Promise<BenchFigure[]> {
  return await inFolder(async (file) => {
    const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(file, { synchronous }) })
    await jobs.enqueueTask(-1, 'low')
    const alone = Math.min(1_000, count)
    const oneMs = await timed(async () => {
      for (let at = 0; at < alone; at += 1) await jobs.enqueueTask({ at }, 'high')
    })
    const groupMs = await timed(async () => {
      for (let at = alone; at < count; at += 1_000)
        await Promise.all(
          Array.from({ length: Math.min(1_000, count - at) }, (_, each) =>
            jobs.enqueueTask({ at: at + each }, 'normal'),
          ),
        )
    })
    let done = 0
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    jobs.registerProcessor(
      'default',
      async () => {
        done += 1
        if (done === count) end()
      },
      { concurrency: 10 },
    )
    const runMs = await timed(async () => {
      jobs.start()
      await ended
    })
    await jobs.close()
    const rate = (tasks: number, ms: number) => (tasks / ms) * 1_000
    const figure = (what: string, value: number): BenchFigure => ({
      id: `sqlite ${synchronous}: ${what}`,
      value,
      unit: 'tasks/s',
    })
    return [
      figure('enqueued sequentially', rate(alone, oneMs)),
      ...(count > alone ? [figure('enqueued in batches of a thousand', rate(count - alone, groupMs))] : []),
      { ...figure('processed, 10 concurrently', rate(count, runMs)), target, bound: '≥' },
    ]
  })
}

/** The duration of a claim of ten tasks behind many delayed ones. */
async function delayedTasks(count: number): Promise<BenchFigure[]> {
  const claimMs = async (delayed: number) =>
    await inFolder(async (file) => {
      const backend = sqliteJobBackend(file)
      await backend.open()
      const now = Date.now()
      for (let at = 0; at < delayed; at += 1_000) {
        await backend.add(Array.from({ length: 1_000 }, (_, each) => task(at + each, 0, now, now + 1e9)))
      }
      await backend.add(Array.from({ length: 3_000 }, (_, at) => task(delayed + at, 3, now, 0)))
      const times: number[] = []
      for (let at = 0; at < 300; at += 1) {
        times.push(
          await timed(async () => {
            await backend.step('q', [], 10, 'owner', 60_000)
          }),
        )
      }
      await backend.close()
      return times.sort((left, right) => left - right)[150] ?? 0
    })
  const none = await claimMs(0)
  const many = await claimMs(count)
  return [
    { id: 'sqlite: a claim of ten', value: none, unit: 'ms' },
    { id: `sqlite: a claim of ten with ${count} delayed tasks`, value: many, unit: 'ms' },
    { id: 'sqlite: the one over the other', value: many / none, unit: '×', target: 2 },
  ]
}

/** How long the event loop is blocked while another process holds the write lock for two seconds. */
async function lockedFile(): Promise<BenchFigure[]> {
  return await inFolder(async (file) => {
    const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(file) })
    await jobs.enqueueTask(1)
    const { answers, next } = start('hold', file)
    await next()
    let gap = 0
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      gap = Math.max(gap, now - last)
      last = now
    }, 1)
    const waitedMs = await timed(() => jobs.enqueueTask(2))
    clearInterval(timer)
    await answers
    await jobs.close()
    return [
      { id: 'sqlite: an enqueue while the file is locked for 2 s', value: waitedMs, unit: 'ms' },
      { id: 'sqlite: the longest stop of the event loop meanwhile', value: gap, unit: 'ms', target: 200 },
    ]
  })
}

async function processes(count: number): Promise<BenchFigure[]> {
  const figures: BenchFigure[] = []
  for (const workers of [1, 2, 4]) {
    await inFolder(async (file) => {
      const backend = sqliteJobBackend(file)
      await backend.open()
      const now = Date.now()
      for (let at = 0; at < count; at += 1_000) {
        await backend.add(
          Array.from({ length: 1_000 }, (_, each) => ({ ...task(at + each, 2, now, 0), queue: 'default' })),
        )
      }
      const started = Array.from({ length: workers }, () => start('work', file))
      for (const { next } of started) await next()
      for (const { child } of started) child.send('go')
      const results = await Promise.all(started.map(({ answers }) => answers as Promise<WorkResult>))
      await backend.close()
      const done = results.reduce((sum, one) => sum + one.done, 0)
      const errors = results.reduce((sum, one) => sum + one.errors, 0)
      if (done !== count || errors > 0)
        throw new Error(`${workers} processes: ${done} of ${count} tasks done, ${errors} errors.`)
      const ms =
        Math.max(...results.map(({ last }) => last)) -
        Math.min(...results.map(({ first }) => first).filter((at) => at > 0))
      figures.push({
        id: `sqlite: processed by ${workers} processes`,
        value: (count / ms) * 1_000,
        unit: 'tasks/s',
      })
    })
  }
  return figures
}

interface WorkResult {
  readonly done: number
  readonly first: number
  readonly last: number
  readonly errors: number
}

interface MillionResult {
  readonly addMs: number
  readonly runMs: number
  readonly addMb: number
  readonly peakMb: number
  readonly gapMs: number
  readonly isWhole: boolean
  readonly details: { readonly status: string; readonly processedItems: number; readonly failedItems: number }
}

async function millionItems(): Promise<BenchFigure[]> {
  return await inFolder(async (file) => {
    const { addMs, runMs, addMb, peakMb, gapMs, isWhole, details } = (await start('million', file)
      .answers) as MillionResult
    const { status, processedItems, failedItems } = details
    if (!isWhole || status !== 'completed' || processedItems !== 1_000_000 || failedItems !== 0)
      throw new Error(
        `A million items: ${JSON.stringify(details)}, ${isWhole ? 'each once' : 'not each once'}.`,
      )
    return [
      { id: 'sqlite: a million items added', value: addMs / 1_000, unit: 's' },
      { id: 'sqlite: memory for that', value: addMb, unit: 'MB', target: 112 },
      { id: 'sqlite: a million items processed', value: runMs / 1_000, unit: 's' },
      { id: 'sqlite: peak memory', value: peakMb, unit: 'MB' },
      { id: 'sqlite: the longest stop of the event loop meanwhile', value: gapMs, unit: 'ms' },
    ]
  })
}

function task(at: number, level: 0 | 2 | 3, now: number, runAt: number): NewTask {
  const id = `01900000-0000-7000-8000-${at.toString(16).padStart(12, '0')}`
  const settings = { maxRetries: 3, maxCrashes: 5, timeoutMs: 0, backoff: 1_000, runAs: null }
  const common = {
    queue: 'q',
    level,
    createdAt: now,
    settings,
    uniqueKey: null,
    batchId: null,
    chunk: 0,
    items: 0,
  }
  return { ...common, id, order: Math.max(now, runAt) + level * 60_000, data: `{"at":${at}}`, runAt }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

/** A process of the benchmark. `next`: its next message; `answers`: the last one. */
function start(what: string, file: string) {
  const child = fork(join(import.meta.dirname, 'sqlite-process.ts'), [what, file], {
    execArgv: process.execArgv,
  })
  const messages: unknown[] = []
  child.on('message', (message) => messages.push(message))
  const answers = new Promise<unknown>((resolve, reject) => {
    child.on('exit', (code) =>
      code === 0 ? resolve(messages.at(-1)) : reject(new Error(`The process "${what}" ended with ${code}.`)),
    )
  })
  let read = 0
  const next = async () => {
    while (messages.length <= read) await sleep(5)
    read += 1
  }
  return { child, answers, next }
}

async function inFolder<T>(run: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  try {
    return await run(join(folder, 'jobs.db'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
