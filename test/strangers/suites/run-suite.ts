import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Outcomes, readOutcomes } from './outcomes.ts'
import type { DatabaseName, Mode, Suite } from './suite.ts'

/** Statistics of Sluice, summed over the processes of a run. */
const COUNTERS = [
  'statements',
  'batched',
  'prefetched',
  'cacheHits',
  'shadowed',
  'shadowDifferences',
  'errors',
] as const

export interface SuiteResult {
  /** `undefined` if the tests ended without a report. */
  readonly outcomes: Outcomes | undefined
  /** Whether the process had to be ended after the timeout. */
  readonly hung: boolean
  readonly counters: Readonly<Record<string, number>>
  readonly log: string
}

interface SuiteRun {
  readonly suite: Suite
  readonly checkout: string
  readonly database: DatabaseName
  readonly mode: Mode
  readonly url: string | undefined
  /** For the report, the statistics and the output. */
  readonly folder: string
  readonly timeoutMs: number
}

/** Runs the tests of a checkout in a process. */
export async function runSuite({ suite, mode, timeoutMs, ...run }: SuiteRun): Promise<SuiteResult> {
  const { folder, checkout, url } = run
  mkdirSync(folder, { recursive: true })
  const report = join(folder, 'report.json')
  const { args, cwd, env } = suite.command({ ...run, report })
  const log = join(folder, 'output.log')
  const { output, hung } = await runProcess([...args], timeoutMs, {
    cwd,
    env: {
      ...process.env,
      ...env,
      SLUICE_SUITE_MODE: mode,
      SLUICE_SUITE_FOLDER: folder,
      SLUICE_SUITE_CHECKOUT: checkout,
      SLUICE_SUITE_URL: url ?? '',
    },
  })
  writeFileSync(log, output)
  return { outcomes: readOutcomes(report), hung, counters: countersIn(folder), log }
}

function runProcess(
  args: string[],
  timeoutMs: number,
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<{ output: string; hung: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk))
    let hung = false
    const timer = setTimeout(() => {
      hung = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.on('error', reject)
    child.on('close', () => {
      clearTimeout(timer)
      resolve({ output: Buffer.concat(chunks).toString(), hung })
    })
  })
}

function countersIn(folder: string): Record<string, number> {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('stats-')) : []
  const all = files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).stats)
  return Object.fromEntries(
    COUNTERS.map((name) => [name, all.reduce((sum, stats) => sum + (stats[name] ?? 0), 0)]),
  )
}
