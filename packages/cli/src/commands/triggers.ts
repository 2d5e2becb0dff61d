import { parseArgs } from 'node:util'
import { type ChangeTriggerTable, changeTriggersSql, dropChangeTriggersSql } from '@sluice/core'
import { type Command, EXIT, type Output, UsageError } from '../command.ts'
import { jsonText, type TriggersJson } from '../report/json-output.ts'
import { colorOptions } from './option-values.ts'

const help = `sluice triggers --schema <name> [--table <name>]... [options]

Prints SQL that makes PostgreSQL tell what other programs write, for a migration or psql.
It asks no database, and may be run again.

  --schema <name>           every table of a schema; with --table: where the tables are. May be repeated
  --table <name>            a table: city, or geo.city. May be repeated
  --channel <name>          the channel that is notified (sluice_changes)
  --function-schema <name>  the schema of the function that the triggers call (public)
  --remove                  prints SQL that takes it all away again
  --json                    the SQL within JSON
  --help                    prints this

Exit codes: 0 done, 2 wrong arguments.
`

const options = {
  schema: { type: 'string', multiple: true },
  table: { type: 'string', multiple: true },
  channel: { type: 'string' },
  'function-schema': { type: 'string' },
  remove: { type: 'boolean' },
  json: { type: 'boolean' },
  // There are no colours: these are taken as every command takes them.
  ...colorOptions,
} as const

/** `sluice triggers` */
export const triggers: Command = {
  summary: 'print SQL that makes PostgreSQL tell what other programs write',
  help,
  run(args: readonly string[], output: Output): number {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false })
    const { schema: schemas, table: tables, channel, remove } = values
    if (schemas === undefined && tables === undefined) throw new UsageError('expected --schema or --table')
    if (remove === true && channel !== undefined) throw new UsageError('--channel says nothing with --remove')
    const functionSchema = values['function-schema']
    const which = {
      ...(tables === undefined ? { schemas: schemas ?? [] } : { tables: tables.map((table) => tableOf(table, schemas)) }),
      ...(functionSchema === undefined ? {} : { functionSchema }),
    }
    const sql =
      remove === true ? dropChangeTriggersSql(which) : changeTriggersSql({ ...which, ...(channel === undefined ? {} : { channel }) })
    output.out(values.json === true ? jsonText<TriggersJson>({ schemaVersion: 1, sql }) : sql)
    return EXIT.ok
  },
}

function tableOf(table: string, schemas: readonly string[] | undefined): ChangeTriggerTable {
  const [schema, another] = schemas ?? []
  if (schema === undefined || table.includes('.')) return table
  if (another !== undefined) throw new UsageError(`--table ${table}: expected schema.table where several schemas are given`)
  return { schema, name: table }
}
