import { readFile } from 'node:fs/promises'
import {
  type AdvisorTools,
  analyzeDatabase,
  type DatabaseAnalysis,
  InvalidWorkloadError,
  inspectDatabase,
  readWorkload,
  type WorkloadEntry,
} from '@sluice/core/database'
import { errorMessage } from '@sluice/core/siblings'
import { type Command, EXIT, InputError, type Output } from '../command.ts'
import { loadDriver } from '../connect/load-driver.ts'
import {
  type OpenConnection,
  openConnection,
  openScratchSqlite,
  shownAddress,
} from '../connect/open-connection.ts'
import { applyFixes, writeFixes } from '../fixes/write-fixes.ts'
import { addressOf, detectProjects, formatOf, namingOf, projectOf } from '../project/detect-projects.ts'
import { readBaseline, splitBy, writeBaseline } from '../report/baseline.ts'
import { paintWith, usesColor } from '../report/cells.ts'
import { type AnalyzeJson, jsonText } from '../report/json-output.ts'
import { githubReport, markdownReport, sarifReport } from '../report/other-reports.ts'
import { terminalReport } from '../report/terminal-report.ts'
import { type AnalyzeOptions, analyzeHelp, isFailure, parseAnalyzeOptions } from './analyze-options.ts'
import { type Progress, progressOn } from './progress.ts'

/** `sluice analyze` */
export const analyze: Command = {
  summary: 'recommend changes that make a database faster, and write the fix',
  help: analyzeHelp,
  async run(args: readonly string[], output: Output): Promise<number> {
    const options = parseAnalyzeOptions(args)
    const url = await addressOf(options.url)
    const workload = options.workload === undefined ? undefined : await readWorkloadFile(options.workload)
    const progress = progressOn(output)
    progress.update(`Connecting to ${shownAddress(url)}`)
    const connection = await openConnection(url).finally(() => progress.end())
    try {
      return await analyzeWith(
        connection,
        url,
        workloadOf(workload, connection, options),
        options,
        output,
        progress,
      )
    } finally {
      progress.end()
      await connection.close().catch(() => {})
    }
  },
}

const STAGES = {
  plan: 'Planning statements',
  choose: 'Trying indexes for statements',
  measure: 'Measuring indexes',
} as const

async function analyzeWith(
  connection: OpenConnection,
  url: string,
  workload: readonly WorkloadEntry[] | undefined,
  options: AnalyzeOptions,
  output: Output,
  progress: Progress,
): Promise<number> {
  progress.update('Reading the catalog')
  const snapshot = await inspectDatabase(connection)
  const project = projectOf(await detectProjects(process.cwd(), process.env), options.format)
  const format = project === undefined ? undefined : formatOf(project)
  const naming = format?.naming ?? namingOf(options.format)
  const analysis = await analyzeDatabase({
    connection,
    snapshot,
    ...(workload === undefined ? {} : { workload }),
    ...(naming === undefined ? {} : { naming }),
    // The schema can already name an index that the database does not have yet.
    takenNames: (index) => format?.takenNames?.(index, snapshot) ?? [],
    statementTimeoutMs: options.statementTimeoutMs,
    timeLimitMs: options.timeLimitMs,
    tools: { postgresqlScratch: pgliteScratch(progress), sqliteScratch: openScratchSqlite },
    onProgress: (done, of, stage) =>
      progress.update(`${STAGES[stage]} ${done}/${of}`, of === 0 ? 1 : done / of),
  })
  progress.end()
  const split = splitBy(
    await readBaseline(options.baseline),
    analysis.findings,
    options.isVerbose || options.updatesBaseline,
  )
  output.out(reportOf(analysis, split, options, output))
  if (options.updatesBaseline) {
    await writeBaseline(options.baseline, analysis.findings)
    output.err(`wrote ${options.baseline}\n`)
  }
  const included = split.fresh.filter(
    ({ code }) => code === 'MISSING_INDEX' || options.include.includes(code),
  )
  const changes = included.flatMap((finding) => finding.changes)
  if (options.writes)
    await writeFixes(changes, { snapshot, format: options.format, cwd: process.cwd(), output })
  if (options.applies) {
    const code = await applyFixes(changes, {
      connection,
      url,
      snapshot,
      isConfirmed: options.isConfirmed,
      output,
    })
    if (code !== EXIT.ok) return code
  }
  return !options.updatesBaseline && isFailure(options.failOn, split.fresh) ? EXIT.failed : EXIT.ok
}

function reportOf(
  analysis: DatabaseAnalysis,
  split: ReturnType<typeof splitBy>,
  options: AnalyzeOptions,
  output: Output,
): string {
  switch (options.reporter) {
    case 'json':
      return jsonText<AnalyzeJson>({ ...analysis, new: split.fresh.map(({ key }) => key) })
    case 'github':
      return githubReport(split.fresh)
    case 'markdown':
      return markdownReport(analysis, split.fresh)
    case 'sarif':
      return sarifReport(split.fresh)
    case 'terminal':
      return terminalReport(analysis, {
        paint: paintWith(usesColor(options.color, output.isTerminal === true)),
        width: output.columns ?? 100,
        isVerbose: options.isVerbose,
        split,
        isFixing: options.writes || options.applies,
      })
  }
}

/**
 * The workload of this kind of database. An app can use several.
 *
 * @throws InputError if the file contains only statements of other kinds.
 */
function workloadOf(
  workload: readonly WorkloadEntry[] | undefined,
  { dialect }: OpenConnection,
  { workload: path }: AnalyzeOptions,
): readonly WorkloadEntry[] | undefined {
  const own = workload?.filter((entry) => entry.dialect === dialect)
  const [other] = workload ?? []
  if (other !== undefined && own?.length === 0)
    throw new InputError(
      `--workload ${path}: expected statements for ${dialect}, got statements for ${other.dialect}`,
    )
  return own
}

async function readWorkloadFile(path: string): Promise<WorkloadEntry[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new InputError(`--workload ${path}: ${errorMessage(error)}`)
  }
  try {
    return readWorkload(text)
  } catch (error) {
    if (!(error instanceof InvalidWorkloadError)) throw error
    throw new InputError(`--workload ${path}: ${error.message}`)
  }
}

/**
 * Creates a scratch PostgreSQL if PGlite is installed. Without it, indexes are recommended without
 * validation.
 */
function pgliteScratch(progress: Progress): NonNullable<AdvisorTools['postgresqlScratch']> {
  return async (snapshot) => {
    progress.update('Starting a scratch PostgreSQL')
    try {
      await loadDriver('@electric-sql/pglite', () => import('@electric-sql/pglite'))
    } catch {
      return undefined
    }
    const { createPgliteScratch } = await import('../scratch/pglite-scratch.ts')
    return createPgliteScratch(snapshot)
  }
}
