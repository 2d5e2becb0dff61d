import cluster, { type Worker } from 'node:cluster'
import http from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSluice, type PerformanceReport, type ScalingEvent } from '@sluice/core'
import { clusterTarget } from '@sluice/core/scaling-cluster'
import { freePort } from './free-port.ts'
import { pacesOf, rateAt, type ScalingPlan } from './scaling-plan.ts'
import type { WorkerLoad } from './scaling-worker.ts'

const TIMEOUT_MS = 30_000
const SHOW_EVERY_SECONDS = 5
/** Workers that have been started late go late. */
const MOST_EXTRA_SECONDS = 60

export interface ScalingOutcome {
  readonly answered: number
  /** The reason for each failed request. */
  readonly failures: readonly string[]
  readonly timesMs: readonly number[]
  readonly mostWorkers: number
  readonly workersInTheEnd: number
  /** Decisions with their reasons, the oldest first. */
  readonly history: readonly ScalingEvent[]
  readonly cost: PerformanceReport['scaling']['cost']
}

/** Replacements for a test. */
export interface ScalingRunOptions {
  readonly onLine: (line: string) => void
  /** Arguments of Node for workers. */
  readonly execArgv?: readonly string[]
}

/** Serves atlas with one worker, lets the load grow and fall, and has the workers follow. */
export async function runScaling(
  plan: ScalingPlan,
  { onLine, execArgv = ['--import', 'tsx'] }: ScalingRunOptions,
): Promise<ScalingOutcome> {
  const { seconds, file, paths, capacity, maxWorkers } = plan
  const port = await freePort()
  const { intervalMs, ...paces } = pacesOf(seconds)
  const target = clusterTarget({
    exec: join(import.meta.dirname, 'scaling-worker.ts'),
    execArgv,
    env: { ATLAS_WORKER: JSON.stringify({ file, port }) },
    onProblem: (error) => onLine(error.message),
  })
  const sluice = createSluice({
    monitor: { scaling: { target, maxWorkers, intervalMs, rule: { capacity, ...paces } } },
  })
  const { monitor } = sluice
  if (monitor === undefined) throw new Error('Monitoring is enabled.')
  monitor.on('scaling', ({ from, to, reasons }) => onLine(`  ${from} → ${to} workers: ${reasons.join(' ')}`))
  const listen = ({ process }: Worker, { cpu }: WorkerLoad) =>
    void monitor.recordMetric('cpu', Math.min(100, cpu), `worker ${process.pid}`)
  cluster.on('message', listen)

  // Measured like by a proxy in front of them: workers only see the requests that they process.
  let arrivals = 0
  const asking = new Set<Promise<void>>()
  const telling = setInterval(() => {
    monitor.recordLoad(arrivals, asking.size)
    monitor.recordMetric('requests', arrivals, 'atlas')
    arrivals = 0
  }, 1_000)
  const failures: string[] = []
  const timesMs: number[] = []
  const ask = async (path: string) => {
    const sentAt = performance.now()
    try {
      const status = await get(`http://127.0.0.1:${port}${path}`)
      if (status !== 200) throw new Error(`answered ${status}`)
      timesMs.push(performance.now() - sentAt)
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error))
    }
  }

  try {
    await target.scaleTo(1, 'the first', AbortSignal.timeout(60_000))
    let mostWorkers = 1
    let sent = 0
    const hasShrunk = () => mostWorkers > 1 && target.current() < mostWorkers
    const startedAt = performance.now()
    for (
      let second = 0;
      second < seconds || (!hasShrunk() && second < seconds + MOST_EXTRA_SECONDS);
      second += 1
    ) {
      const rate = rateAt(second / seconds, plan)
      for (let at = 0; at < rate; at += 1) {
        const asked = ask(paths[sent % paths.length] ?? '/')
        sent += 1
        arrivals += 1
        asking.add(asked)
        asked.finally(() => asking.delete(asked))
        // Based on the time since the start, so that a busy machine sends as many requests.
        await sleep(Math.max(0, startedAt + second * 1_000 + ((at + 1) * 1_000) / rate - performance.now()))
      }
      mostWorkers = Math.max(mostWorkers, target.current())
      if (second % SHOW_EVERY_SECONDS === 0)
        onLine(
          `${String(second).padStart(4)} s  ${rate.toFixed(0).padStart(4)} requests/s  ${'#'.repeat(target.current())}`,
        )
    }
    await Promise.all(asking)
    const { cost } = (await monitor.getPerformanceReport()).scaling
    return {
      answered: timesMs.length,
      failures,
      timesMs,
      mostWorkers,
      cost,
      workersInTheEnd: target.current(),
      history: [...monitor.getScalingHistory()].reverse(),
    }
  } finally {
    clearInterval(telling)
    cluster.off('message', listen)
    // First the decisions, then the target: closing a Sluice closes no target.
    await sluice.close()
    await target.close()
  }
}

/** A visitor with one request, on a new connection that any worker can accept. */
function get(url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error('no response in time')))
    request.on('error', reject)
  })
}
