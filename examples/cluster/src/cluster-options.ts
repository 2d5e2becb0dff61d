import { parseArgs } from 'node:util'

export interface ClusterOptions {
  /** Exit after the report, even on a terminal. */
  readonly once: boolean
  /** End with one line of JSON. */
  readonly json: boolean
  readonly help: boolean
  /** How long each disturbance lasts. */
  readonly seconds: number
  readonly visitors: number
  /** Whether visitors keep cookies. */
  readonly keepsCookies: boolean
}

const DEFAULT_SECONDS = 4
const MAX_SECONDS = 600
const DEFAULT_VISITORS = 8
const MAX_VISITORS = 1_000

export const USAGE = `Usage: npm run cluster -- [--once] [--json] [--seconds <count>]
                          [--visitors <count>] [--no-cookies] [--help]

Three processes of atlas behind Sluice's proxy, on a PostgreSQL with a streaming
replica, all started for this run. Visitors read and write through the proxy
while a node is killed, hangs, and is drained, replay is paused, and the replica
is killed.

  --once              exit after the report (without a terminal: always)
  --json              print the report as JSON, as the last line
  --seconds <count>   duration of each disturbance, 1 to ${MAX_SECONDS} (${DEFAULT_SECONDS})
  --visitors <count>  concurrent visitors, 1 to 1,000 (${DEFAULT_VISITORS})
  --no-cookies        visitors send no cookies: shows the consistency of the cookie
  --help              show this text

Environment: PORT (4000), PG_BIN (the directory of PostgreSQL's programs), NO_COLOR

Exit codes: 0 no request failed that could have been retried, and all visitors
read their writes, 1 otherwise, or the run failed, 2 wrong usage, 3 PostgreSQL was
not found
`

/** @throws Error that names the flag if it is unknown or its value is invalid. */
export function parseClusterOptions(args: readonly string[]): ClusterOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
      seconds: { type: 'string' },
      visitors: { type: 'string' },
      'no-cookies': { type: 'boolean' },
    },
  })
  const {
    once = false,
    json = false,
    help = false,
    seconds,
    visitors,
    'no-cookies': noCookies = false,
  } = values
  return {
    once,
    json,
    help,
    seconds: countOf('--seconds', seconds, MAX_SECONDS) ?? DEFAULT_SECONDS,
    visitors: countOf('--visitors', visitors, MAX_VISITORS) ?? DEFAULT_VISITORS,
    keepsCookies: !noCookies,
  }
}

function countOf(flag: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || count > max) {
    throw new Error(`${flag}: expected a whole number from 1 to ${max.toLocaleString('en')}, got "${text}"`)
  }
  return count
}
