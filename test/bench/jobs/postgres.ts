import { setTimeout as sleep } from 'node:timers/promises'
import { AsyncBatchProcessingEngine } from '@sluice/core'
import type { JobBackend } from '@sluice/core/jobs'
import { postgresJobBackend } from '@sluice/core/jobs-postgres'
import pg from 'pg'
import { onPostgres, startPostgres } from '../../services/postgres.ts'
import type { BenchFigure } from '../database/report.ts'
import { median } from '../harness.ts'

/** A different schema from that of the server's user. */
const SCHEMA = 'jobs'

interface World {
  readonly url: string
  engine(concurrency: number): { readonly jobs: AsyncBatchProcessingEngine; readonly backend: JobBackend }
  close(): Promise<void>
}

function worldAt(url: string): World {
  const closing: (() => Promise<void>)[] = []
  return {
    url,
    engine() {
      const pool = new pg.Pool({ connectionString: url, max: 8 })
      const backend = postgresJobBackend({ pool, schema: SCHEMA })
      const jobs = new AsyncBatchProcessingEngine({ backend })
      closing.push(async () => {
        await jobs.close()
        await pool.end()
      })
      return { jobs, backend }
    },
    async close() {
      for (const close of closing.splice(0)) await close()
    },
  }
}

let queues = 0

function nextQueue(): string {
  queues += 1
  return `bench-${queues}`
}

/** Tasks per second, with tasks that do nothing. */
async function throughput(
  world: World,
  concurrency: number,
  tasks: number,
): Promise<{ readonly add: number; readonly process: number }> {
  const queue = nextQueue()
  const { jobs } = world.engine(concurrency)
  jobs.createQueue(queue, concurrency)
  await jobs.getProcessingStats(queue)
  let startedAt = performance.now()
  const lanes = Array.from({ length: 10 }, async () => {
    for (let at = 0; at < tasks / 10; at += 1) await jobs.enqueueTask({ at }, 'normal', queue)
  })
  await Promise.all(lanes)
  const add = (tasks * 1_000) / (performance.now() - startedAt)
  let done = 0
  await new Promise<void>((resolve) => {
    jobs.registerProcessor(queue, () => {
      done += 1
      if (done === tasks) resolve()
    })
    startedAt = performance.now()
    jobs.createQueue(queue, concurrency)
    jobs.start(queue)
  })
  const process = (tasks * 1_000) / (performance.now() - startedAt)
  await world.close()
  return { add, process }
}

/**
 * Milliseconds from enqueueing in one process until the start in another, which would poll only after five
 * seconds.
 */
async function startMs(world: World, rounds: number): Promise<number> {
  const queue = nextQueue()
  const source = world.engine(1).jobs
  const pool = new pg.Pool({ connectionString: world.url, max: 8 })
  const worker = new AsyncBatchProcessingEngine({
    backend: postgresJobBackend({ pool, schema: SCHEMA }),
    pollMs: 5_000,
  })
  const times: number[] = []
  source.createQueue(queue)
  worker.createQueue(queue)
  worker.registerProcessor<number>(queue, (at) => void times.push(performance.now() - at))
  worker.start(queue)
  await source.enqueueTask(performance.now(), 'normal', queue)
  while (times.length === 0) await sleep(10)
  times.length = 0
  for (let round = 0; round < rounds; round += 1) {
    await source.enqueueTask(performance.now(), 'normal', queue)
    await sleep(40)
  }
  while (times.length < rounds) await sleep(10)
  await worker.close()
  await pool.end()
  await world.close()
  return median(times)
}

/**
 * Milliseconds of a step that claims ten tasks and settles ten, with `beside` tasks each that wait, are
 * delayed, dead, or completed parts of a batch.
 */
async function claimMs(world: World, beside: number, rounds: number): Promise<number> {
  const { jobs, backend } = world.engine(1)
  const queue = nextQueue()
  jobs.createQueue(queue)
  await jobs.getProcessingStats(queue)
  if (beside > 0) {
    await onPostgres(
      world.url,
      `INSERT INTO ${SCHEMA}.job_tasks (id, queue, status, level, order_ms, run_at, created_at, finished_at, settings, bytes, data)
      SELECT gen_random_uuid(), $1, s, 2, extract(epoch FROM now()) * 1000 + n, CASE WHEN s = 'pending' THEN now() + interval '1 day' END,
        now(), CASE WHEN s = 'dead' THEN now() END, '{"maxRetries":3,"maxCrashes":5,"timeoutMs":0,"backoff":1000,"runAs":null}', 2, '{}'
      FROM generate_series(1, $2::int) AS n, unnest(ARRAY['queued', 'pending', 'dead', 'completed']) AS s`,
      [queue, beside],
    )
    await onPostgres(world.url, `ANALYZE ${SCHEMA}.job_tasks`)
  } else for (let at = 0; at < (rounds + 5) * 10; at += 1) await jobs.enqueueTask(at, 'normal', queue)
  const times: number[] = []
  let claims = (await backend.step(queue, [], 10, 'bench', 60_000)).claims
  for (let round = 0; round < rounds; round += 1) {
    const at = Date.now()
    const outcomes = claims.map((claim) => ({
      claim,
      kind: 'done' as const,
      at,
      runAt: 0,
      failure: null,
      isStored: false,
      doneItems: 0,
      failedItems: 0,
      data: null,
    }))
    const startedAt = performance.now()
    claims = (await backend.step(queue, outcomes, 10, 'bench', 60_000)).claims
    times.push(performance.now() - startedAt)
  }
  await world.close()
  return median(times)
}

/** The cost of tasks in a separate PostgreSQL, without waiting for the disk. */
export async function postgresJobFigures(quick: boolean): Promise<BenchFigure[]> {
  const service = await startPostgres()
  try {
    const world = worldAt(service.url)
    const figures: BenchFigure[] = []
    for (const concurrency of [10, 50]) {
      const { add, process } = await throughput(world, concurrency, quick ? 2_000 : 10_000)
      if (concurrency === 10)
        figures.push({
          id: 'PostgreSQL: tasks added, ten at a time',
          value: add,
          unit: 'tasks/s',
          bound: '≥',
          target: 1_000,
        })
      const target = concurrency === 10 ? 1_900 : 4_000
      figures.push({
        id: `PostgreSQL: tasks that do nothing, concurrency ${concurrency}`,
        value: process,
        unit: 'tasks/s',
        bound: '≥',
        target,
      })
    }
    const start = await startMs(world, quick ? 20 : 100)
    figures.push({
      id: 'PostgreSQL: from enqueueing to the start in another process',
      value: start,
      unit: 'ms',
      target: 20,
    })
    const rounds = quick ? 50 : 300
    figures.push({
      id: 'PostgreSQL: a step of ten tasks',
      value: await claimMs(world, 0, rounds),
      unit: 'ms',
      target: 20,
    })
    const beside = quick ? 10_000 : 100_000
    const id = `PostgreSQL: the same with ${beside.toLocaleString('en')} each that wait, are delayed, dead, and done`
    figures.push({ id, value: await claimMs(world, beside, rounds), unit: 'ms', target: 20 })
    return figures
  } finally {
    await service.stop()
  }
}
