import { parseArgs } from 'node:util'
import type { DatabaseFinding } from '@sluice/core/database'
import { colorOf, colorOptions, numberOption, oneOf, separated, UsageError } from '../command.ts'
import { CODE_NAMES, type Code } from '../report/terminal-report.ts'

const REPORTERS = ['terminal', 'json', 'github', 'markdown', 'sarif'] as const
type Reporter = (typeof REPORTERS)[number]

const FORMATS = ['prisma', 'knex', 'drizzle', 'kysely', 'sql'] as const

const SEVERITIES = ['low', 'medium', 'high'] as const

export interface AnalyzeOptions {
  readonly url: string | undefined
  readonly workload: string | undefined
  readonly reporter: Reporter
  readonly failOn: readonly string[]
  readonly include: readonly Code[]
  readonly baseline: string
  readonly updatesBaseline: boolean
  readonly writes: boolean
  readonly applies: boolean
  readonly isConfirmed: boolean
  readonly format: (typeof FORMATS)[number] | undefined
  readonly statementTimeoutMs: number
  readonly timeLimitMs: number
  readonly isVerbose: boolean
  readonly color: boolean | undefined
}

export const analyzeHelp: string = `sluice analyze [<url>] [options]

Analyzes a database and recommends changes that make it faster. Reads the catalog, the statistics and the
query workload, and uses the database's planner to compare plans with and without each index.
Writes nothing to the database without --apply.

  <url>                     postgresql://…, mysql://…, file:<path>. Default: DATABASE_URL, also from a file .env
  --workload <file>         workload of an app, from sluice.database.exportWorkload(). Default: the counters of the
                            server (pg_stat_statements, performance_schema)
  --write                   writes the fixes to files: a patch of schema.prisma and a migration, a patch of the
                            Drizzle schema, a Knex or Kysely migration, or SQL
  --format <name>           format of the files: prisma, knex, drizzle, kysely, sql. Default: the format of the
                            project in this directory
  --include <codes>         findings to write or apply in addition to missing-index: missing-foreign-key-index,
                            duplicate-index, unused-index, invalid-index
  --apply                   applies the changes to the database after a confirmation. Requires a terminal, or --yes
  --yes                     skips the confirmation
  --fail-on <what>          exits with code 1 for a new finding with a code or a severity: missing-index,high
  --baseline <file>         file of known findings (sluice/baseline.json)
  --update-baseline         writes the findings to the baseline
  --reporter <name>         ${REPORTERS.join(', ')}
  --json                    same as --reporter json
  --statement-timeout <s>   maximum seconds for one statement (2): to plan it, try indexes for it, and measure it
  --time-limit <s>          seconds after which the analysis skips the remaining work, and lists it (60)
  --verbose                 prints everything: all statements, the SQL, and the statements that were not analyzed
  --color, --no-color       forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                    prints this help

Exit codes: 0 finished, 1 --fail-on matched or a change failed, 2 invalid arguments, 3 cannot connect,
130 interrupted.
`

const options = {
  workload: { type: 'string' },
  write: { type: 'boolean' },
  format: { type: 'string' },
  include: { type: 'string', multiple: true },
  apply: { type: 'boolean' },
  yes: { type: 'boolean' },
  'fail-on': { type: 'string', multiple: true },
  baseline: { type: 'string' },
  'update-baseline': { type: 'boolean' },
  reporter: { type: 'string' },
  json: { type: 'boolean' },
  'statement-timeout': { type: 'string' },
  'time-limit': { type: 'string' },
  verbose: { type: 'boolean' },
  ...colorOptions,
} as const

/** @throws UsageError for an invalid value or combination; the errors of `parseArgs`. */
export function parseAnalyzeOptions(args: readonly string[]): AnalyzeOptions {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [url, extra] = positionals
  if (extra !== undefined) throw new UsageError(`expected one database URL, also got "${extra}"`)
  if (values.yes === true && values.apply !== true) throw new UsageError('--yes requires --apply')
  const reporter = values.json === true ? 'json' : (values.reporter ?? 'terminal')
  return {
    url,
    workload: values.workload,
    reporter: oneOf('--reporter', REPORTERS, reporter),
    failOn: separated(values['fail-on']).map((name) =>
      oneOf('--fail-on', [...Object.keys(CODE_NAMES), ...SEVERITIES], name),
    ),
    include: separated(values.include).map(
      (name) => CODE_NAMES[oneOf('--include', Object.keys(CODE_NAMES), name)] as Code,
    ),
    baseline: values.baseline ?? 'sluice/baseline.json',
    updatesBaseline: values['update-baseline'] === true,
    writes: values.write === true,
    applies: values.apply === true,
    isConfirmed: values.yes === true,
    format: values.format === undefined ? undefined : oneOf('--format', FORMATS, values.format),
    statementTimeoutMs: secondsOf('--statement-timeout', values['statement-timeout'], 2),
    timeLimitMs: secondsOf('--time-limit', values['time-limit'], 60),
    isVerbose: values.verbose === true,
    color: colorOf(values),
  }
}

function secondsOf(option: string, text: string | undefined, otherwise: number): number {
  return numberOption(option, text, { least: 0.01, most: 86_400, otherwise }) * 1_000
}

/** Whether a finding has one of the codes of `--fail-on`, or one of its severities or a higher one. */
export function isFailure(failOn: readonly string[], findings: readonly DatabaseFinding[]): boolean {
  return failOn.some((name) => {
    const least = SEVERITIES.indexOf(name as (typeof SEVERITIES)[number])
    return findings.some(({ code, severity }) =>
      least < 0 ? code === CODE_NAMES[name] : SEVERITIES.indexOf(severity) >= least,
    )
  })
}
