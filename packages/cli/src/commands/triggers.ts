import { parseArgs } from 'node:util'
import { changeTriggersSql, dropChangeTriggersSql } from '@sluice/core'
import type { ChangeTriggerTable } from '@sluice/core/siblings'
import { type Command, colorOptions, EXIT, type Output, UsageError } from '../command.ts'
import { jsonText, type TriggersJson } from '../report/json-output.ts'

const help = `sluice triggers --schema <name> [--table <name>]... [options]

Prints triggers that notify Sluice of writes by other programs (PostgreSQL), as SQL for a migration or psql.
Does not connect to a database. You can run the SQL more than once.

  --schema <name>           all tables of a schema; with --table, the schema of the tables. Can be repeated
  --table <name>            a table: city, or geo.city. Can be repeated
  --channel <name>          notified channel (sluice_changes)
  --function-schema <name>  schema of the function that the triggers call (public)
  --remove                  prints SQL that removes the triggers and the function
  --json                    prints the SQL as JSON
  --help                    prints this help

Exit codes: 0 finished, 2 invalid arguments.
`

const options = {
  schema: { type: 'string', multiple: true },
  table: { type: 'string', multiple: true },
  channel: { type: 'string' },
  'function-schema': { type: 'string' },
  remove: { type: 'boolean' },
  json: { type: 'boolean' },
  // Accepted for consistency with the other commands. The output has no colors.
  ...colorOptions,
} as const

/** `sluice triggers` */
export const triggers: Command = {
  summary: 'print triggers that notify Sluice of writes by other programs',
  help,
  run(args: readonly string[], output: Output): number {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false })
    const { schema: schemas, table: tables, channel, remove } = values
    if (schemas === undefined && tables === undefined) throw new UsageError('expected --schema or --table')
    if (remove === true && channel !== undefined)
      throw new UsageError('--channel has no effect with --remove: omit it')
    const functionSchema = values['function-schema']
    const which = {
      ...(tables === undefined
        ? { schemas: schemas ?? [] }
        : { tables: tables.map((table) => tableOf(table, schemas)) }),
      ...(functionSchema === undefined ? {} : { functionSchema }),
    }
    const sql =
      remove === true
        ? dropChangeTriggersSql(which)
        : changeTriggersSql({ ...which, ...(channel === undefined ? {} : { channel }) })
    output.out(values.json === true ? jsonText<TriggersJson>({ schemaVersion: 1, sql }) : sql)
    return EXIT.ok
  },
}

function tableOf(table: string, schemas: readonly string[] | undefined): ChangeTriggerTable {
  const [schema, another] = schemas ?? []
  if (schema === undefined || table.includes('.')) return table
  if (another !== undefined)
    throw new UsageError(
      `--table ${table}: expected schema.table, because there are several --schema options`,
    )
  return { schema, name: table }
}
