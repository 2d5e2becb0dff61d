import { supportsColor } from '@sluice/core'
import { parsePort } from '@sluice/example-atlas/listen'
import { createProgress } from '@sluice/example-atlas/progress'
import { untilInterrupted } from '@sluice/example-atlas/session'
import { type ClusterOptions, parseClusterOptions, USAGE } from './cluster-options.ts'
import { tellEvents } from './front.ts'
import { type Cluster, openCluster } from './open-cluster.ts'
import { NoPostgresError } from './postgres/find-postgres.ts'
import { clusterJson, formatSteps, isGood } from './report.ts'
import { runSteps } from './run-steps.ts'
import { Tally } from './tally.ts'

const WIDTH_WITHOUT_TERMINAL = 140
const FAILED = 1
const USAGE_ERROR = 2
const NO_POSTGRES = 3

/** Serves until Ctrl-C, and prints the actions of the balancer. */
async function serve({ front, nodes }: Cluster): Promise<void> {
  const pids = nodes.map(({ name, id, pid }) => `${name} (${id}) is process ${pid}`).join(', ')
  process.stderr.write(
    `\nServing at ${front.origin}, for example ${front.origin}/regions/GB.ENG/cities. Press Ctrl-C to stop.\n`,
  )
  process.stderr.write(`Kill a node (kill -9), or suspend it (kill -STOP, kill -CONT): ${pids}.\n`)
  tellEvents(front.balancer, (text) =>
    process.stderr.write(`${new Date().toLocaleTimeString('en-GB')}  ${text}\n`),
  )
  await untilInterrupted()
}

/** Resolves to the exit code. */
async function run({ once, json, ...options }: ClusterOptions, port: number): Promise<number> {
  const progress = createProgress()
  let tally = new Tally()
  const cluster = await openCluster({
    port,
    postgres: process.env.PG_BIN,
    progress,
    onReads: (reads) => tally.addReads(reads),
  })
  try {
    const onTally = (next: Tally) => {
      tally = next
    }
    const results = await runSteps({ cluster, ...options, progress, onTally })
    const style = {
      color: supportsColor(process.stdout),
      width: process.stdout.columns || WIDTH_WITHOUT_TERMINAL,
    }
    process.stdout.write(`\n${formatSteps(results, style)}\n`)
    if (json) process.stdout.write(`\n${JSON.stringify(clusterJson(results))}\n`)
    if (process.stdout.isTTY && !once) await serve(cluster)
    return isGood(results) ? 0 : FAILED
  } finally {
    await cluster.close()
  }
}

async function main(): Promise<number> {
  let options: ClusterOptions
  let port: number
  try {
    options = parseClusterOptions(process.argv.slice(2))
    port = parsePort(process.env.PORT)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    return USAGE_ERROR
  }
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  return run(options, port)
}

function reportFailure(error: unknown): number {
  if (error instanceof NoPostgresError) {
    process.stderr.write(`${error.message}\n`)
    return NO_POSTGRES
  }
  if ((error as NodeJS.ErrnoException | null)?.code === 'EADDRINUSE')
    process.stderr.write('The port is in use. Set PORT to a different free port.\n')
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return FAILED
}

process.exitCode = await main().catch(reportFailure)
