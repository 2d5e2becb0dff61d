import { type Finding, supportsColor } from '@sluice/core'
import { firstDifference, summarize } from './compare.ts'
import { type DatabaseTarget, parseDatabaseUrl } from './database-target.ts'
import { type DemoOptions, parseDemoOptions, USAGE } from './demo-options.ts'
import type { Answer } from './drive.ts'
import { reportFailure } from './failure.ts'
import { parsePort } from './listen.ts'
import { loadData } from './load.ts'
import { createProgress, type Progress } from './progress.ts'
import {
  demoJson,
  formatFindings,
  formatHitRates,
  formatTable,
  formatVerdict,
  type WarmRun,
} from './report.ts'
import { type PlannedRequest, planRequests } from './requests.ts'
import { countRows } from './row-counts.ts'
import { serve } from './serve.ts'
import { openSession, type Session } from './session.ts'
import { createSluicedApp, type SluicedApp } from './sluice.ts'
import { runTwoProcesses } from './two-processes.ts'
import { formatTwoProcesses, isKept, twoProcessesJson } from './two-processes-report.ts'

const REQUESTS = 300
const WARM_REQUESTS = 600
const SEED = 7
const OBSERVED = 40
const WIDTH_WITHOUT_TERMINAL = 120

/** Runs the app both ways and reports. Resolves to whether every response was the same. */
async function compareRuns(
  loaded: DatabaseTarget,
  options: DemoOptions,
  progress: Progress,
): Promise<boolean> {
  const { requests, later, dataset, findings: observed } = await prepare(loaded)
  const bare = await withSession({ loaded }, (session) =>
    driveAll('Without Sluice', session, requests, progress),
  )
  const sluiced = createSluicedApp({ kind: loaded.kind, mode: 'optimize', report: false })
  const left = collectFindings(sluiced)
  const { answers: sluice, warm } = await withSession({ loaded, sluiced }, async (session) => {
    const answers = await driveAll('With Sluice', session, requests, progress)
    return { answers, warm: await goOn(session, sluiced, later, progress) }
  })
  await sluiced.sluice.close()

  const routes = summarize(requests, bare, sluice)
  const difference = firstDifference(requests, bare, sluice)
  const findings = [...new Map([...left, ...observed]).values()].sort((a, b) => b.databaseMs - a.databaseMs)
  const style = {
    color: supportsColor(process.stdout),
    width: process.stdout.columns ?? WIDTH_WITHOUT_TERMINAL,
  }
  const report = [
    formatTable(routes, style),
    formatVerdict(routes, difference, style),
    formatHitRates(routes, warm, style),
    formatFindings(findings, style),
  ]
  process.stdout.write(`\n${report.filter((part) => part !== '').join('\n\n')}\n`)
  if (options.json)
    process.stdout.write(`\n${JSON.stringify(demoJson({ dataset, routes, findings, warm }))}\n`)
  return difference === undefined
}

interface Preparation {
  /** Requests of both runs. */
  readonly requests: PlannedRequest[]
  /** Requests after the comparison. */
  readonly later: PlannedRequest[]
  readonly dataset: Record<string, number>
  readonly findings: ReadonlyMap<string, Finding>
}

/**
 * Plans the requests and sends the first of them while Sluice only observes. This also finds patterns that
 * batching would hide, and warms up the code that both runs share, so that it does not slow down the first.
 */
async function prepare(loaded: DatabaseTarget): Promise<Preparation> {
  const sluiced = createSluicedApp({ kind: loaded.kind, mode: 'observe', report: false })
  const findings = collectFindings(sluiced)
  return withSession({ loaded, sluiced }, async (session) => {
    const dataset = await countRows(session.clients.db)
    const planned = await planRequests(session.clients.db, REQUESTS + WARM_REQUESTS, SEED)
    await session.drive(planned.slice(0, OBSERVED))
    return { requests: planned.slice(0, REQUESTS), later: planned.slice(REQUESTS), dataset, findings }
  })
}

/** Findings from now on, by id. The last one of each id counts. */
function collectFindings({ sluice }: SluicedApp): ReadonlyMap<string, Finding> {
  const found = new Map<string, Finding>()
  sluice.on('finding', (finding) => found.set(finding.id, finding))
  return found
}

async function driveAll(
  label: string,
  session: Session,
  requests: readonly PlannedRequest[],
  progress: Progress,
): Promise<Answer[]> {
  const startedAt = performance.now()
  progress.start(`${label}: ${requests.length} requests`, requests.length)
  const answers = await session.drive(requests, () => progress.advance(1))
  progress.finish(
    `${label}: ${requests.length} requests in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  )
  return answers
}

/** Sends the requests after the comparison: by now the cache contains popular results. */
async function goOn(
  session: Session,
  { sluice }: SluicedApp,
  later: readonly PlannedRequest[],
  progress: Progress,
): Promise<WarmRun> {
  const before = sluice.queries.getStats().seen
  const answers = await driveAll('With Sluice, warm', session, later, progress)
  const sum = (value: (answer: Answer) => number) => answers.reduce((all, answer) => all + value(answer), 0)
  return {
    requests: later.length,
    calls: sluice.queries.getStats().seen - before,
    queries: sum(({ queries }) => queries),
    hits: sum(({ hits }) => hits),
    misses: sum(({ misses }) => misses),
  }
}

async function withSession<T>(
  options: Parameters<typeof openSession>[0],
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(options)
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}

/** Resolves to whether both processes saw what they should. */
async function shareBetweenProcesses(
  loaded: DatabaseTarget,
  {
    tries,
    consistencies,
    redisUrl,
    json,
  }: Pick<DemoOptions, 'json'> & NonNullable<DemoOptions['twoProcesses']>,
  progress: Progress,
): Promise<boolean> {
  // A private Redis ends when this process exits.
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 }))
    process.once(signal, () => process.exit(code))
  const results = await runTwoProcesses({
    loaded,
    tries,
    consistencies,
    progress,
    ...(redisUrl !== undefined && { redisUrl }),
  })
  const style = {
    color: supportsColor(process.stdout),
    width: process.stdout.columns ?? WIDTH_WITHOUT_TERMINAL,
  }
  process.stdout.write(`\n${formatTwoProcesses(results, style)}\n`)
  if (json) process.stdout.write(`\n${JSON.stringify(twoProcessesJson(results))}\n`)
  return results.every(isKept)
}

async function main(): Promise<number> {
  let options: DemoOptions
  let loaded: DatabaseTarget
  let port: number
  try {
    options = parseDemoOptions(process.argv.slice(2))
    loaded = parseDatabaseUrl(process.env.DATABASE_URL)
    port = parsePort(process.env.PORT)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    return 2
  }
  if (options.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const progress = createProgress()
  await loadData(loaded, progress)
  if (options.twoProcesses !== undefined) {
    return (await shareBetweenProcesses(loaded, { ...options.twoProcesses, json: options.json }, progress))
      ? 0
      : 1
  }
  const identical = options.serve || (await compareRuns(loaded, options, progress))
  if (options.serve || (process.stdout.isTTY && !options.once))
    await serve({ loaded, port, hasVisitors: options.visitors })
  return identical ? 0 : 1
}

process.exitCode = await main().catch(reportFailure)
