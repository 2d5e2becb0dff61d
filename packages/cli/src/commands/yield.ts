import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  boundOf,
  estimateYield,
  InvalidTraceError,
  readTrace,
  savedOf,
  sumOfYields,
  type Trace,
  type YieldReport,
} from '@sluice/core/yield'
import {
  type Command,
  colorOf,
  colorOptions,
  EXIT,
  InputError,
  numberOption,
  type Output,
  UsageError,
} from '../command.ts'
import type { DashboardClient } from '../dashboard/dashboard-client.ts'
import { dashboardHelp, dashboardOf, dashboardOptions } from '../dashboard/dashboard-options.ts'
import { readYieldPage } from '../dashboard/yield-page.ts'
import { paintWith, usesColor } from '../report/cells.ts'
import { jsonText, type YieldJson } from '../report/json-output.ts'
import { yieldReport } from '../report/yield-report.ts'
import { type Progress, progressOn } from './progress.ts'

const help = `sluice yield <trace>… [options]
sluice yield --url <url> [options]

Estimates what mode optimize would save, before you switch it on, and the most that can be saved. Lists the
reasons for the rest, and what to change.

  <trace>               file that an app wrote in mode observe, or a folder of such files: start the app with
                        SLUICE_TRACE=<folder>
${dashboardHelp.replace('the dashboard:', 'records a running app through its dashboard instead:\n                       ')}
  --seconds <n>         with --url, how long it records (30): send requests meanwhile
  --json                prints the estimate as JSON
  --color, --no-color   forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                prints this help

Exit codes: 0 finished, 2 invalid arguments, or no statements, 3 cannot connect or access denied, 130 interrupted.
`

const options = {
  ...dashboardOptions,
  ...colorOptions,
  seconds: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** Milliseconds between requests while a running app records: without requests, it stops. */
const POLL_MS = 5_000

/** `sluice yield` */
export const yieldCommand: Command = {
  summary: 'estimate what optimize would save',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (positionals.length > 0 && values.url !== undefined)
      throw new UsageError('expected either traces or --url')
    const seconds = numberOption('--seconds', values.seconds, { least: 1, most: 3_600, otherwise: 30 })
    const progress = progressOn(output)
    let found: Found
    try {
      found =
        positionals.length > 0
          ? await fromFiles(positionals, progress)
          : await fromApp(dashboardOf(values), seconds * 1_000, progress)
    } finally {
      progress.end()
    }
    const { report, processes } = found
    if (report === undefined || report.statements === 0)
      throw new InputError(
        'the app sent no statements in mode observe. Expected a trace of requests that query the database: send requests while the app records',
      )
    const [saved, bound] = [savedOf(report), boundOf(report)]
    if (values.json === true)
      output.out(jsonText<YieldJson>({ schemaVersion: 1, processes, saved, bound, ...report }))
    else {
      const paint = paintWith(usesColor(colorOf(values), output.isTerminal === true))
      output.out(yieldReport(report, { processes, paint, width: output.columns ?? 100 }))
    }
    return EXIT.ok
  },
}

interface Found {
  readonly report: YieldReport | undefined
  readonly processes: number
}

async function fromFiles(paths: readonly string[], progress: Progress): Promise<Found> {
  const files = (await Promise.all(paths.map(tracesIn))).flat()
  const reports: YieldReport[] = []
  for (const [at, file] of files.entries()) {
    progress.update(`Replaying ${file}`, at / files.length)
    reports.push(estimateYield(await traceIn(file)))
  }
  return { report: sumOfYields(reports), processes: files.length }
}

async function traceIn(file: string): Promise<Trace> {
  const text = await readFile(file, 'utf8')
  try {
    return readTrace(text)
  } catch (error) {
    if (error instanceof InvalidTraceError) throw new InputError(`${file}: ${error.message}`)
    throw error
  }
}

/** The files of a folder; any other path is that of a file. */
async function tracesIn(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = (await readdir(path)).filter((name) => name.endsWith('.jsonl')).sort()
    if (names.length > 0) return names.map((name) => join(path, name))
  } catch (error) {
    throw new InputError(`cannot read ${path}: ${(error as Error).message}`)
  }
  throw new InputError(`${path} contains no trace. Expected files that end with .jsonl`)
}

async function fromApp(client: DashboardClient, forMs: number, progress: Progress): Promise<Found> {
  progress.update(`Connecting to ${client.address}`)
  await client.act('record-yield', {})
  for (let left = forMs; left > 0; left -= POLL_MS) {
    progress.update(`Recording ${client.address}`, 1 - left / forMs)
    await sleep(Math.min(left, POLL_MS))
    if (left > POLL_MS) await client.json('api/yield')
  }
  return readYieldPage(await client.json('api/yield'))
}
