// Load goes up and down, and workers follow: atlas served by processes of this machine, as many as are
// needed.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadData } from '@sluice/example-atlas/load'
import { createProgress } from '@sluice/example-atlas/progress'
import { runScaling } from './run-scaling.ts'
import type { ScalingPlan } from './scaling-plan.ts'

/** A worker is said to answer well below what it can, on any machine. */
const plan: Omit<ScalingPlan, 'seconds'> = {
  file: join(import.meta.dirname, '../../atlas/data/atlas.db'),
  paths: ['/cities/1', '/cities/40000', '/cities/80000', '/cities/120000'],
  low: 12,
  high: 70,
  capacity: 30,
  maxWorkers: 6,
}
const LEAST_SECONDS = 20

const USAGE = `Usage: npm run scaling -- [--seconds N] [--json] [--help]

Serves atlas with one worker, increases the load from ${plan.low} to ${plan.high} requests per second and reduces it again, and shows the number
of workers and the reason of each change.

  --seconds N  duration of the load, at least ${LEAST_SECONDS} (200); stopping the workers takes up to a minute longer
  --json       print the result as JSON, as the last line

Exit codes: 0 workers were added and removed, and no request failed, 1 otherwise, 2 wrong usage
`

/** Resolves to the exit code. */
async function run(seconds: number, json: boolean): Promise<number> {
  await loadData({ kind: 'sqlite', file: plan.file }, createProgress())
  const outcome = await runScaling(
    { ...plan, seconds },
    { onLine: (line) => process.stdout.write(`${line}\n`) },
  )
  const { answered, failures, mostWorkers, workersInTheEnd, history, cost } = outcome
  const times = outcome.timesMs.toSorted((a, b) => a - b)
  const quantile = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0)
  const summary = {
    answered,
    failed: failures.length,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    mostWorkers,
  }
  process.stdout.write(
    `\n${answered} requests completed, ${failures.length} failed; p50 ${summary.p50Ms} ms, p99 ${summary.p99Ms} ms; at most ${mostWorkers} workers at most, ${workersInTheEnd} at the end.\n`,
  )
  for (const failure of failures.slice(0, 5)) process.stdout.write(`  ${failure}\n`)
  if (json) process.stdout.write(`${JSON.stringify({ ...summary, history, cost })}\n`)
  return failures.length === 0 && mostWorkers > 1 && workersInTheEnd < mostWorkers ? 0 : 1
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '200' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const seconds = Number(values.seconds)
if (values.help === true) process.stdout.write(USAGE)
else if (!Number.isInteger(seconds) || seconds < LEAST_SECONDS) {
  process.stderr.write(
    `--seconds: expected a whole number from ${LEAST_SECONDS}, got "${values.seconds}"\n\n${USAGE}`,
  )
  process.exitCode = 2
} else process.exitCode = await run(seconds, values.json === true)
