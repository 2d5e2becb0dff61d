// Load goes up and down, and workers follow: atlas served by processes of this machine, as many as are needed.
import cluster, { type Worker } from 'node:cluster'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createSluice, type ScalingEvent } from '@sluice/core'
import { clusterTarget } from '@sluice/core/scaling-cluster'
import { loadData } from '@sluice/example-atlas/load'
import { createProgress } from '@sluice/example-atlas/progress'
import { openSession } from '@sluice/example-atlas/session'
import type { WorkerLoad } from './scaling-worker.ts'

/** Requests a second that a worker is said to answer: well below what it can, on any machine. */
const CAPACITY = 30
const LOW = 12
const HIGH = 70
const PATHS = ['/cities/1', '/cities/40000', '/cities/80000', '/cities/120000']
const TIMEOUT_MS = 30_000
const SHOW_EVERY_SECONDS = 5

const USAGE = `Usage: npm run scaling -- [--seconds N] [--json] [--help]

Serves atlas with one worker, lets ${LOW} requests a second grow to ${HIGH} and fall again, and shows how many workers there are and why.

  --seconds N  How long it takes: from 60. Default: 200
  --json       The outcome as JSON, at the end
`

/** Requests a second, by how much of the time is over: low, up, high, down, low. */
function rateAt(share: number): number {
  const shape = [
    [0, LOW],
    [0.1, LOW],
    [0.3, HIGH],
    [0.5, HIGH],
    [0.6, LOW],
    [1, LOW],
  ] as const
  const at = shape.findIndex(([from]) => from > share)
  const [from, low] = shape[Math.max(0, at - 1)] ?? [0, LOW]
  const [to, high] = shape[at] ?? [1, LOW]
  return low + ((high - low) * (share - from)) / (to - from)
}

interface Outcome {
  answered: number
  readonly failures: string[]
  readonly timesMs: number[]
}

/** A visitor who comes once: by a connection of its own, which any worker may get. */
function get(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('error', reject)
  })
}

async function ask(url: string, outcome: Outcome): Promise<void> {
  const sentAt = performance.now()
  try {
    const status = await get(url)
    if (status !== 200) throw new Error(`answered ${status}`)
    outcome.answered += 1
    outcome.timesMs.push(performance.now() - sentAt)
  } catch (error) {
    outcome.failures.push(error instanceof Error ? error.message : String(error))
  }
}

function line({ from, to, reasons }: ScalingEvent): string {
  return `${from} → ${to} workers: ${reasons.join(' ')}`
}

/** Resolves to the exit code. */
async function run(seconds: number, json: boolean): Promise<number> {
  const progress = createProgress()
  // For its file alone: a copy of the data, which all workers read.
  const loaded = { kind: 'sqlite', file: join(import.meta.dirname, '../../atlas/data/atlas.db') } as const
  await loadData(loaded, progress)
  const session = await openSession({ loaded })
  const port = Number(new URL(session.origin).port)
  await session.close()

  const target = clusterTarget({
    exec: join(import.meta.dirname, 'scaling-worker.ts'),
    execArgv: ['--import', 'tsx'],
    env: { ATLAS_WORKER: JSON.stringify({ file: loaded.file, port }) },
    onProblem: (error) => process.stderr.write(`${error.message}\n`),
  })
  const scaling = { target, maxWorkers: 6, rule: { capacity: CAPACITY, startUpSeconds: 10, scaleDownSeconds: 45 } }
  const sluice = createSluice({ monitor: { scaling } })
  const { monitor } = sluice
  if (monitor === undefined) throw new Error('It is switched on.')
  monitor.on('scaling', (event) => process.stdout.write(`  ${line(event)}\n`))
  const workersOf = (worker: Worker) => `worker ${worker.process.pid}`
  const listen = (worker: Worker, load: WorkerLoad) => {
    monitor.recordMetric('cpu', Math.min(100, load.cpu), workersOf(worker))
  }
  cluster.on('message', listen)
  // As a proxy in front of them would count: workers see what they get round to.
  let arrivals = 0
  const asking = new Set<Promise<void>>()
  const telling = setInterval(() => {
    monitor.recordLoad(arrivals, asking.size)
    monitor.recordMetric('requests', arrivals, 'atlas')
    arrivals = 0
  }, 1_000)

  const outcome: Outcome = { answered: 0, failures: [], timesMs: [] }
  try {
    await target.scaleTo(1, 'the first', AbortSignal.timeout(60_000))
    let workers = 1
    for (let second = 0; second < seconds; second += 1) {
      const rate = rateAt(second / seconds)
      for (let at = 0; at < rate; at += 1) {
        const asked = ask(`http://127.0.0.1:${port}${PATHS[at % PATHS.length]}`, outcome)
        arrivals += 1
        asking.add(asked)
        asked.finally(() => asking.delete(asked))
        await sleep(1_000 / rate)
      }
      workers = Math.max(workers, target.current())
      if (second % SHOW_EVERY_SECONDS === 0)
        process.stdout.write(
          `${String(second).padStart(4)} s  ${rate.toFixed(0).padStart(4)} requests/s  ${'#'.repeat(target.current())}\n`,
        )
    }
    await Promise.all(asking)
    const times = outcome.timesMs.sort((a, b) => a - b)
    const quantile = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0)
    const history = [...monitor.getScalingHistory()].reverse()
    const { cost } = (await monitor.getPerformanceReport()).scaling
    const summary = {
      answered: outcome.answered,
      failed: outcome.failures.length,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      mostWorkers: workers,
    }
    process.stdout.write(
      `\n${summary.answered} requests answered, ${summary.failed} failed; p50 ${summary.p50Ms} ms, p99 ${summary.p99Ms} ms; ${workers} workers at the most, ${target.current()} in the end.\n`,
    )
    for (const failure of outcome.failures.slice(0, 5)) process.stdout.write(`  ${failure}\n`)
    if (json) process.stdout.write(`${JSON.stringify({ ...summary, history, cost })}\n`)
    return summary.failed === 0 && workers > 1 && target.current() < workers ? 0 : 1
  } finally {
    clearInterval(telling)
    await target.close?.()
    cluster.off('message', listen)
    await sluice.close()
  }
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '200' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
})
const seconds = Number(values.seconds)
if (values.help === true) process.stdout.write(USAGE)
else if (!Number.isInteger(seconds) || seconds < 60) {
  process.stderr.write(`--seconds: expected a whole number from 60, got "${values.seconds}"\n\n${USAGE}`)
  process.exitCode = 2
} else process.exitCode = await run(seconds, values.json === true)
