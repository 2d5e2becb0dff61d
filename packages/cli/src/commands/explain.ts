import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { type Dialect, NotExplainableError } from '@sluice/core'
import {
  explainStatement,
  inspectDatabase,
  type PlanSummary,
  type TableSnapshot,
} from '@sluice/core/database'
import { type Command, colorOf, colorOptions, EXIT, InputError, type Output, UsageError } from '../command.ts'
import {
  isDisconnect,
  type OpenConnection,
  openConnection,
  shownAddress,
} from '../connect/open-connection.ts'
import { addressOf } from '../project/detect-projects.ts'
import { paintWith, usesColor } from '../report/cells.ts'
import { type ExplainJson, jsonText } from '../report/json-output.ts'
import { planReport, planWarnings } from '../report/plan-report.ts'
import { progressOn } from './progress.ts'

const help = `sluice explain <sql> [options]

Shows the plan of a statement. A write is planned and never executed.

  <sql>                 the statement in quotes, with ? or $1 for values; - reads it from stdin
  --url <url>           postgresql://…, mysql://…, file:<path>. Default: DATABASE_URL, also from a file .env
  --bind <json>         parameter values, as a JSON array: '["DE", 10]'. Default: a plan for any values (not on MySQL)
  --analyze             executes the statement and measures it, if it only reads (not on SQLite)
  --timeout <seconds>   timeout in the database (5)
  --json                prints the plan as JSON
  --color, --no-color   forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                prints this help

Exit codes: 0 finished, 2 invalid arguments or a statement that cannot be explained, 3 cannot connect,
130 interrupted.
`

const options = {
  url: { type: 'string' },
  bind: { type: 'string' },
  analyze: { type: 'boolean' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  ...colorOptions,
} as const

/** Parameters for which the database can plan without values. MySQL cannot. */
const PARAMETERS: Readonly<Record<Dialect, RegExp>> = {
  postgresql: /\$\d/,
  mysql: /(?!)/,
  sqlite: /\?|[$:@]\w/,
}
const MAX_TIMEOUT_SECONDS = 86_400

/** `sluice explain` */
export const explain: Command = {
  summary: 'show the plan of a statement',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [statement, extra] = positionals
    if (statement === undefined) throw new UsageError('expected a statement, or - to read it from stdin')
    if (extra !== undefined) throw new UsageError(`expected one statement in quotes, also got "${extra}"`)
    const bindings = bindingsOf(values.bind)
    const timeoutMs = timeoutOf(values.timeout)
    const url = await addressOf(values.url)
    const sql = statement === '-' ? await text(process.stdin) : statement
    const progress = progressOn(output)
    progress.update(`Connecting to ${shownAddress(url)}`)
    const connection = await openConnection(url).finally(() => progress.end())
    try {
      const analyze = values.analyze === true
      progress.update('Reading the plan')
      const plan = await planOf(connection, sql, bindings, { analyze, timeoutMs }).finally(() =>
        progress.end(),
      )
      output.out(
        values.json === true
          ? jsonText<ExplainJson>({
              schemaVersion: 1,
              sql: sql.trim(),
              ...plan,
              warnings: planWarnings(plan, sql),
            })
          : planReport(plan, {
              paint: paintWith(usesColor(colorOf(values), output.isTerminal === true)),
              width: output.columns ?? 100,
              sql,
              address: connection.address,
              isMeasured: analyze,
              isGeneric:
                bindings === undefined && PARAMETERS[connection.dialect].test(sql.replaceAll(/'[^']*'/g, '')),
            }),
      )
      return EXIT.ok
    } finally {
      await connection.close().catch(() => {})
    }
  },
}

/** @throws InputError if the statement cannot be explained, because the statement is an argument. */
async function planOf(
  connection: OpenConnection,
  sql: string,
  bindings: readonly unknown[] | undefined,
  how: { readonly analyze: boolean; readonly timeoutMs: number },
): Promise<PlanSummary> {
  const tables = await tablesOf(connection)
  try {
    return await explainStatement(connection, sql, bindings, { ...how, tables })
  } catch (error) {
    if (isDisconnect(error) || !(error instanceof Error)) throw error
    const needsBindings = error instanceof NotExplainableError && error.needsBindings
    throw new InputError(`${error.message}${needsBindings ? ' Pass them with --bind.' : ''}`, {
      cause: error,
    })
  }
}

/** Plans of SQLite contain no row counts, so those of the tables are used. */
async function tablesOf(connection: OpenConnection): Promise<readonly TableSnapshot[]> {
  if (connection.dialect !== 'sqlite') return []
  return (await inspectDatabase(connection)).tables
}

function bindingsOf(json: string | undefined): readonly unknown[] | undefined {
  if (json === undefined) return undefined
  let values: unknown
  try {
    values = JSON.parse(json)
  } catch {
    // Reported below.
  }
  if (!Array.isArray(values))
    throw new UsageError(`--bind: expected a JSON array such as '["DE", 10]', got ${json}`)
  return values
}

function timeoutOf(statement: string | undefined): number {
  if (statement === undefined) return 5_000
  const seconds = Number(statement)
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS))
    throw new UsageError(
      `--timeout: expected seconds from above 0 to ${MAX_TIMEOUT_SECONDS}, got "${statement}"`,
    )
  return seconds * 1_000
}
