import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AsyncBatchProcessingEngine, type Processor } from '@sluice/core'
import type { JobBackend } from '@sluice/core/jobs'
import type { CrashOrder } from './crash-process.ts'

/** A process that works on a queue, and records starts and ends: it may be killed at any time. */
const order = JSON.parse(process.argv[2] ?? '') as CrashOrder
const { child, queue, ledger, concurrency, options, workMs } = order

const write = (event: string, key: unknown, rest: unknown = '') =>
  appendFileSync(
    ledger,
    `${event}\t${key}\t${process.pid}\t${Date.now()}\t${String(rest).replace(/\s+/g, ' ')}\n`,
  )

const processors: Record<CrashOrder['kind'], Processor> = {
  tasks: () => sleep(workMs),
  batch: () => sleep(workMs),
  busy: async () => {
    // Lets earlier messages arrive.
    await sleep(20)
    const end = Date.now() + workMs
    while (Date.now() < end);
  },
  poison: async (key: string) => {
    await sleep(workMs)
    if (key === 'poison') process.kill(process.pid, 'SIGKILL')
    await sleep(workMs)
  },
}

const { connect } = (await import(child.module)) as {
  connect(...args: readonly string[]): JobBackend | Promise<JobBackend>
}
const jobs = new AsyncBatchProcessingEngine({ ...options, backend: await connect(...child.args) })
jobs.on('error', ({ error }) => write('error', 0, error))
jobs.on('task:completed', ({ taskId }) => write('completed', taskId))
jobs.on('task:dead', ({ taskId }) => write('dead', taskId))
jobs.on('batch:completed', ({ batchId }) => write('batch', batchId))
jobs.registerProcessor<unknown>(
  queue,
  async (data, context) => {
    const key = Array.isArray(data) ? data[0] : data
    write('start', key, context.attempt)
    await processors[order.kind](data, context)
    write('end', key, context.attempt)
  },
  { concurrency },
)
jobs.start(queue)

const end = async () => {
  await jobs.close()
  process.exit(0)
}
process.on('SIGTERM', end)
// The parent process is gone.
process.stdin.resume().on('end', () => process.exit(1))
