import { setTimeout as sleep } from 'node:timers/promises'
import { AsyncBatchProcessingEngine } from '@sluice/core'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import Sqlite from 'better-sqlite3'

/**
 * A process of the benchmark of the SQLite backend: runs the task in its arguments, and sends its
 * measurements.
 */
const [what = '', file = ''] = process.argv.slice(2)

const tasks: Readonly<Record<string, () => Promise<unknown>>> = { million, work, hold }
const send = (message: unknown) => new Promise<void>((resolve) => process.send?.(message, () => resolve()))

await send(await tasks[what]?.())
process.exit(0)

/** A million items, as chunks of a hundred: added, and then processed. */
async function million(): Promise<unknown> {
  const count = 1_000_000
  const before = process.memoryUsage.rss()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 10)
  const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(file) })
  const ended = new Promise<unknown>((resolve) => jobs.on('batch:completed', resolve))
  function* items() {
    for (let id = 0; id < count; id += 1) yield { id, email: `user${id}@example.com` }
  }
  let startedAt = performance.now()
  await jobs.createBatchJob('million', items())
  const addMs = performance.now() - startedAt
  const addPeak = peak
  let sum = 0
  let gap = 0
  let last = performance.now()
  const loop = setInterval(() => {
    const now = performance.now()
    gap = Math.max(gap, now - last)
    last = now
  }, 1)
  jobs.registerProcessor<{ readonly id: number }[]>('million', (chunk) => {
    for (const { id } of chunk) sum += id
  })
  startedAt = performance.now()
  jobs.start()
  const details = await ended
  const runMs = performance.now() - startedAt
  clearInterval(timer)
  clearInterval(loop)
  await jobs.close()
  const isWhole = sum === (count * (count - 1)) / 2
  return {
    addMs,
    runMs,
    addMb: (addPeak - before) / 1e6,
    peakMb: (peak - before) / 1e6,
    rssMb: peak / 1e6,
    gapMs: gap,
    isWhole,
    details,
  }
}

/** Works until the queue is empty. */
async function work(): Promise<unknown> {
  const jobs = new AsyncBatchProcessingEngine({ backend: sqliteJobBackend(file) })
  let done = 0
  let first = 0
  let last = 0
  jobs.registerProcessor('default', () => {
    done += 1
    last = Date.now()
    if (first === 0) first = last
  })
  let errors = 0
  jobs.on('error', () => {
    errors += 1
  })
  await jobs.getProcessingStats()
  await send('ready')
  await new Promise((resolve) => process.once('message', resolve))
  jobs.start()
  do await sleep(100)
  while ((await jobs.getProcessingStats()).queued > 0)
  await jobs.close()
  return { done, first, last, errors }
}

/** Holds the write lock for two seconds. */
async function hold(): Promise<unknown> {
  const database = new Sqlite(file)
  database.exec('BEGIN IMMEDIATE')
  await send('held')
  await sleep(2_000)
  database.exec('COMMIT')
  database.close()
  return 'released'
}
