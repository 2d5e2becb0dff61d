import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { type Dialect, SluiceError } from '@sluice/core'
import { explainStatement, inspectDatabase, type PlanSummary, type TableSnapshot } from '@sluice/core/database'
import { type Command, EXIT, type Output, UsageError } from '../command.ts'
import { openConnection } from '../connect/open-connection.ts'
import { isDisconnect, type OpenConnection, shownAddress } from '../connect/own-connection.ts'
import { addressOf } from '../project/project-database.ts'
import { type ExplainJson, jsonText } from '../report/json-output.ts'
import { paintWith, wantsColor } from '../report/palette.ts'
import { planReport, planWarnings } from '../report/plan-report.ts'
import { colorOf, colorOptions } from './option-values.ts'
import { progressOn } from './progress.ts'

const help = `sluice explain <sql> [options]

Asks the database how it runs a statement, and prints the plan. A write is planned, and never carried out.

  <sql>                 in quotes, with ? or $1 for values; - reads it from stdin
  --url <url>           postgresql://…, mysql://…, file:<path>. Left out: DATABASE_URL, also of a file .env
  --bind <json>         the values, as a JSON array: '["DE", 10]'. Left out: the plan for any values (not on MySQL)
  --analyze             runs it, if it does nothing but read, and measures (not on SQLite)
  --timeout <seconds>   how long the database may take (5)
  --json                the plan as JSON
  --color, --no-color   colours; else as NO_COLOR and the terminal have it
  --help                prints this

Exit codes: 0 done, 2 wrong arguments or a statement that cannot be explained, 3 cannot connect, 130 interrupted.
`

const options = {
  url: { type: 'string' },
  bind: { type: 'string' },
  analyze: { type: 'boolean' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  ...colorOptions,
} as const

/** MySQL plans with values only. */
const PARAMETERS: Readonly<Record<Dialect, RegExp>> = { postgresql: /\$\d/, mysql: /(?!)/, sqlite: /\?|[$:@]\w/ }
const MAX_TIMEOUT_SECONDS = 86_400

/** `sluice explain` */
export const explain: Command = {
  summary: 'show how the database runs a statement',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [given, extra] = positionals
    if (given === undefined) throw new UsageError('expected a statement, or - to read it from stdin')
    if (extra !== undefined) throw new UsageError(`expected one statement, in quotes, got "${extra}" too`)
    const bindings = bindingsOf(values.bind)
    const timeoutMs = timeoutOf(values.timeout)
    const url = await addressOf(values.url)
    const sql = given === '-' ? await text(process.stdin) : given
    const progress = progressOn(output)
    progress.say(`Connecting to ${shownAddress(url)}`)
    const connection = await openConnection(url).finally(() => progress.end())
    try {
      const analyze = values.analyze === true
      progress.say('Asking for the plan')
      const plan = await planOf(connection, sql, bindings, { analyze, timeoutMs }).finally(() => progress.end())
      output.out(
        values.json === true
          ? jsonText<ExplainJson>({ schemaVersion: 1, sql: sql.trim(), ...plan, warnings: planWarnings(plan, sql) })
          : planReport(plan, {
              paint: paintWith(wantsColor(colorOf(values), output.isTerminal === true)),
              width: output.columns ?? 100,
              sql,
              address: connection.address,
              isMeasured: analyze,
              isGeneric: bindings === undefined && PARAMETERS[connection.dialect].test(sql.replaceAll(/'[^']*'/g, '')),
            }),
      )
      return EXIT.ok
    } finally {
      await connection.close().catch(() => {})
    }
  },
}

/** @throws UsageError, where the statement cannot be explained: it is an argument like others. */
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
    const isMissingValues = error instanceof SluiceError && bindings === undefined && /values/.test(error.message)
    throw new UsageError(`${error.message}${isMissingValues ? ' Give them with --bind.' : ''}`, { cause: error })
  }
}

/** SQLite's plans have no numbers: those of the tables are to be known. Other servers' have. */
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
    // Told below.
  }
  if (!Array.isArray(values)) throw new UsageError(`--bind: expected a JSON array such as '["DE", 10]', got ${json}`)
  return values
}

function timeoutOf(given: string | undefined): number {
  if (given === undefined) return 5_000
  const seconds = Number(given)
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS)) throw new UsageError(`--timeout: expected seconds, got "${given}"`)
  return seconds * 1_000
}
