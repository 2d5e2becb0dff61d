import { parseArgs } from 'node:util'
import type { DatabaseFinding } from '@sluice/core/database'
import { UsageError } from '../command.ts'
import { CODE_NAMES, type Code } from '../report/code-names.ts'
import { colorOf, colorOptions, listOf, oneOf } from './option-values.ts'

const REPORTERS = ['terminal', 'json', 'github', 'markdown', 'sarif'] as const
type Reporter = (typeof REPORTERS)[number]

const SEVERITIES = ['low', 'medium', 'high'] as const

export interface AnalyzeOptions {
  readonly url: string | undefined
  readonly traffic: string | undefined
  readonly reporter: Reporter
  readonly failOn: readonly string[]
  readonly include: readonly Code[]
  readonly baseline: string
  readonly updatesBaseline: boolean
  readonly writes: boolean
  readonly applies: boolean
  readonly isConfirmed: boolean
  readonly format: 'prisma' | 'knex' | 'sql' | undefined
  readonly isVerbose: boolean
  readonly color: boolean | undefined
}

export const analyzeHelp = `sluice analyze [<url>] [options]

Reads a database's catalogue, statistics and traffic, finds out by its own planner what would make it faster, and prints it.
It writes nothing to the database, unless --apply is given.

  <url>                     postgresql://…, mysql://…, file:<path>. Left out: DATABASE_URL, also of a file .env
  --traffic <file>          what an app asked, as sluice.database.exportTraffic() wrote it. Left out: what the server
                            itself counted (pg_stat_statements, performance_schema)
  --write                   writes the fixes into files: a patch of schema.prisma and a migration, a Knex migration, or SQL
  --format prisma|knex|sql  in which form. Left out: that of the project in this directory
  --include <codes>         which findings are written or applied, beside missing-index: missing-foreign-key-index,
                            duplicate-index, unused-index, invalid-index
  --apply                   makes the changes in the database, after asking. Needs a terminal, or --yes
  --yes                     does not ask
  --fail-on <what>          exits with 1 if there is a new finding of a code or a severity: missing-index,high
  --baseline <file>         findings that are known (sluice/baseline.json)
  --update-baseline         writes what was found into it
  --reporter <name>         ${REPORTERS.join(', ')}
  --json                    the same as --reporter json
  --verbose                 everything: all statements, the SQL, what was left out
  --color, --no-color       colours; else as NO_COLOR and the terminal have it
  --help                    prints this

Exit codes: 0 done, 1 --fail-on matched, 2 wrong arguments, 3 cannot connect, 130 interrupted.
`

const options = {
  traffic: { type: 'string' },
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
  verbose: { type: 'boolean' },
  ...colorOptions,
} as const

/** @throws UsageError for what cannot be meant; the errors of `parseArgs`. */
export function parseAnalyzeOptions(args: readonly string[]): AnalyzeOptions {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [url, extra] = positionals
  if (extra !== undefined) throw new UsageError(`expected one address, got "${extra}" too`)
  if (values.yes === true && values.apply !== true) throw new UsageError('--yes says nothing without --apply')
  const reporter = values.json === true ? 'json' : (values.reporter ?? 'terminal')
  return {
    url,
    traffic: values.traffic,
    reporter: oneOf('--reporter', REPORTERS, reporter),
    failOn: listOf(values['fail-on']).map((name) => oneOf('--fail-on', [...Object.keys(CODE_NAMES), ...SEVERITIES], name)),
    include: listOf(values.include).map((name) => CODE_NAMES[oneOf('--include', Object.keys(CODE_NAMES), name)] as Code),
    baseline: values.baseline ?? 'sluice/baseline.json',
    updatesBaseline: values['update-baseline'] === true,
    writes: values.write === true,
    applies: values.apply === true,
    isConfirmed: values.yes === true,
    format: values.format === undefined ? undefined : oneOf('--format', ['prisma', 'knex', 'sql'] as const, values.format),
    isVerbose: values.verbose === true,
    color: colorOf(values),
  }
}

/** Whether one of the findings is what `--fail-on` names: a code, or a severity and what is worse. */
export function isFailure(failOn: readonly string[], findings: readonly DatabaseFinding[]): boolean {
  return failOn.some((name) => {
    const least = SEVERITIES.indexOf(name as (typeof SEVERITIES)[number])
    return findings.some(({ code, severity }) => (least < 0 ? code === CODE_NAMES[name] : SEVERITIES.indexOf(severity) >= least))
  })
}
