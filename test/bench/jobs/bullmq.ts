import { AsyncBatchProcessingEngine } from '@sluice/core'
import { bullmqJobBackend } from '@sluice/redis/bullmq'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { type RedisServer, startRedisServer } from '../../services/redis-server.ts'
import type { BenchFigure } from '../database/report.ts'
import { median } from '../harness.ts'

const TASKS = 5_000
const GROUP = 1_000
const TARGET = 0.9

/** Tasks per second, with tasks that do nothing. */
interface Rate {
  readonly added: number
  readonly processed: number
}

/**
 * The throughput of the BullMQ backend compared with BullMQ itself, in the same run, and the latency of its
 * notifications.
 */
export async function bullmqFigures(isQuick: boolean): Promise<BenchFigure[]> {
  const server = await startRedisServer()
  try {
    const figures: BenchFigure[] = []
    for (const concurrency of [10, 50])
      figures.push(...(await throughput(server, concurrency, isQuick ? 3 : 9)))
    return [...figures, ...(await latencies(server, isQuick ? 50 : 200))]
  } finally {
    await server.stop()
  }
}

async function throughput(server: RedisServer, concurrency: number, rounds: number): Promise<BenchFigure[]> {
  const own: Rate[] = []
  const raw: Rate[] = []
  // The first round warms up.
  for (let round = -1; round < rounds; round += 1) {
    const turns = [
      async () => own.push(await engineRate(server, concurrency)),
      async () => raw.push(await workerRate(server, concurrency)),
    ]
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn()
  }
  const of = (rates: readonly Rate[], rate: keyof Rate) => rates.slice(1).map((one) => one[rate])
  const figure = (id: string, value: number): BenchFigure => ({
    id: `${id}, ${concurrency} at once`,
    value,
    unit: 'tasks/s',
  })
  const ratios = of(own, 'processed').map((rate, round) => rate / (of(raw, 'processed')[round] ?? Number.NaN))
  return [
    figure('bullmq: added by a thousand', median(of(own, 'added'))),
    figure('BullMQ alone: added by a thousand', median(of(raw, 'added'))),
    figure('bullmq: processed', median(of(own, 'processed'))),
    figure('BullMQ alone: processed', median(of(raw, 'processed'))),
    {
      id: `bullmq ÷ BullMQ alone: processed, ${concurrency} at once`,
      value: median(ratios),
      unit: '×',
      target: TARGET,
      bound: '≥',
    },
  ]
}

let queues = 0

async function engineRate(server: RedisServer, concurrency: number): Promise<Rate> {
  const { jobs, close } = engineOn(server)
  queues += 1
  const queue = `own-${queues}`
  jobs.createQueue(queue, concurrency)
  await jobs.getProcessingStats(queue)
  const added = await perSecond(async () => {
    for (let at = 0; at < TASKS; at += GROUP)
      await Promise.all(
        Array.from({ length: GROUP }, (_, each) => jobs.enqueueTask({ at: at + each }, 'normal', queue)),
      )
  })
  let done = 0
  const processed = await perSecond(
    () =>
      new Promise((resolve) => {
        jobs.on('task:completed', () => {
          done += 1
          if (done === TASKS) resolve()
        })
        jobs.registerProcessor(queue, async () => {})
        jobs.start(queue)
      }),
  )
  await close()
  return { added, processed }
}

/** Without priorities, which is the fastest mode. */
async function workerRate(server: RedisServer, concurrency: number): Promise<Rate> {
  const connection = { port: server.port, host: '127.0.0.1', maxRetriesPerRequest: null }
  queues += 1
  const queue = new Queue(`raw-${queues}`, { connection })
  await queue.waitUntilReady()
  const opts = { removeOnComplete: true }
  const added = await perSecond(async () => {
    for (let at = 0; at < TASKS; at += GROUP)
      await queue.addBulk(
        Array.from({ length: GROUP }, (_, each) => ({ name: 'task', data: { at: at + each }, opts })),
      )
  })
  let done = 0
  const worker = new Worker(queue.name, async () => {}, { connection, concurrency, autorun: false })
  await worker.waitUntilReady()
  const processed = await perSecond(
    () =>
      new Promise((resolve) => {
        worker.on('completed', () => {
          done += 1
          if (done === TASKS) resolve()
        })
        void worker.run()
      }),
  )
  await worker.close()
  await queue.close()
  return { added, processed }
}

/** From the call to its effect in an idle engine of another process. */
async function latencies(server: RedisServer, count: number): Promise<BenchFigure[]> {
  const [source, worker] = [engineOn(server), engineOn(server)]
  const [starts, cancels]: [number[], number[]] = [[], []]
  let started = (_signal: AbortSignal) => {}
  worker.jobs.registerProcessor('default', (_data, { signal }) => {
    started(signal)
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  worker.jobs.start()
  await worker.jobs.getProcessingStats()
  for (let at = 0; at < count; at += 1) {
    const running = new Promise<AbortSignal>((resolve) => {
      started = resolve
    })
    const enqueuedAt = performance.now()
    const { id } = await source.jobs.enqueueTask(at)
    const signal = await running
    starts.push(performance.now() - enqueuedAt)
    const cancelledAt = performance.now()
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    await source.jobs.cancelTask(id)
    await aborted
    cancels.push(performance.now() - cancelledAt)
  }
  await Promise.all([source.close(), worker.close()])
  return [
    { id: 'bullmq: start after enqueueing, the median', value: median(starts), unit: 'ms' },
    {
      id: 'bullmq: abort of a running task after cancelling, the median',
      value: median(cancels),
      unit: 'ms',
      target: 200,
    },
  ]
}

function engineOn({ port }: RedisServer): {
  readonly jobs: AsyncBatchProcessingEngine
  readonly close: () => Promise<void>
} {
  const jobs = new AsyncBatchProcessingEngine({
    backend: bullmqJobBackend(new Redis({ port, host: '127.0.0.1', lazyConnect: true })),
  })
  return { jobs, close: () => jobs.close() }
}

async function perSecond(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (TASKS * 1_000) / (performance.now() - startedAt)
}
