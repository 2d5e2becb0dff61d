import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** Exit after the report, even on a terminal. */
  readonly once: boolean
  /** End with one line of JSON. */
  readonly json: boolean
  readonly help: boolean
}

export const USAGE = `Usage: npm run demo -- [--once] [--json] [--help]

Loads 171,075 real cities, drives the same requests through the app bare and
with Sluice, compares every response, and shows what it cost.

  --once   exit after the report (without a terminal: always)
  --json   print the report as JSON, as the last line
  --help   show this text

Environment: DATABASE_URL (file:<path> or postgresql://…), PORT (4000), NO_COLOR

Exit codes: 0 every response was the same, 1 a response differed or the run
failed, 2 wrong usage, 3 no connection to the database
`

/** @throws Error that names the flag, for one that does not exist. */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { once: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  return { once: values.once ?? false, json: values.json ?? false, help: values.help ?? false }
}
