import { parseArgs } from 'node:util'
import type { Consistency } from './app-process-handle.ts'

export interface DemoOptions {
  /** Exit after the report, even on a terminal. */
  readonly once: boolean
  /** Serve without a comparison before it, also without a terminal. */
  readonly serve: boolean
  /** Whether visitors come while it serves. */
  readonly visitors: boolean
  /** End with one line of JSON. */
  readonly json: boolean
  readonly help: boolean
  /** Default: one process, with and without Sluice. */
  readonly twoProcesses?: {
    /** Default: a separate Redis. */
    readonly redisUrl?: string
    readonly tries: number
    readonly consistencies: readonly Consistency[]
  }
}

const DEFAULT_TRIES = 500
const MAX_TRIES = 1_000_000

export const USAGE = `Usage: npm run demo -- [--once] [--json] [--help]
       npm run demo -- --serve [--no-visitors]
       npm run demo -- --processes 2 [--redis <url>] [--tries <count>]
                       [--consistency strict|bounded] [--json]

Loads 171,075 real cities, sends the same requests to the app without and
with Sluice, compares every response, and shows queries and times. On a terminal,
it then serves the app, the dashboard and GraphiQL, with simulated visitors.

  --once         exit after the report (without a terminal: always)
  --json         print the report as JSON, as the last line
  --serve        serve immediately, without the comparison
  --no-visitors  serve without simulated visitors
  --help         show this text

With --processes 2, two processes of the app share one database and one Redis.
Each review is posted to one process and then read from the other.

  --redis <url>        redis://… (default: a redis-server from the PATH, started
                       on a free port for this run)
  --tries <count>      reviews, 1 to 1,000,000 (${DEFAULT_TRIES})
  --consistency <one>  strict or bounded (default: both, sequentially)

Environment: DATABASE_URL (file:<path> or postgresql://…), PORT (4000), NO_COLOR

Exit codes: 0 all responses were equal, and all reviews were visible in time,
1 they were not, or the run failed, 2 wrong usage, 3 no connection to the database
or to Redis
`

/** @throws Error that names the flag, for one that does not exist or whose value is none that it may have. */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      once: { type: 'boolean' },
      serve: { type: 'boolean' },
      'no-visitors': { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
      processes: { type: 'string' },
      redis: { type: 'string' },
      tries: { type: 'string' },
      consistency: { type: 'string' },
    },
  })
  const {
    once = false,
    serve = false,
    json = false,
    help = false,
    processes = '1',
    redis,
    tries,
    consistency,
  } = values
  if (once && serve) throw new Error('--once and --serve exclude each other. Pass one of them.')
  const common = { once, serve, visitors: values['no-visitors'] !== true, json, help }
  if (processes === '1') {
    const stray = Object.entries({ redis, tries, consistency }).find(([, value]) => value !== undefined)
    if (stray !== undefined) throw new Error(`--${stray[0]}: requires --processes 2.`)
    return common
  }
  if (processes !== '2') throw new Error(`--processes: expected 1 or 2, got "${processes}"`)
  return {
    ...common,
    twoProcesses: {
      ...(redis !== undefined && { redisUrl: redisUrlOf(redis) }),
      tries: triesOf(tries),
      consistencies: consistenciesOf(consistency),
    },
  }
}

function redisUrlOf(text: string): string {
  if (!/^rediss?:\/\/[^/]/.test(text)) throw new Error('--redis: expected redis://host:port')
  return text
}

function triesOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TRIES
  const tries = Number(text)
  if (!/^\d+$/.test(text) || tries < 1 || tries > MAX_TRIES)
    throw new Error(
      `--tries: expected a whole number from 1 to ${MAX_TRIES.toLocaleString('en')}, got "${text}"`,
    )
  return tries
}

function consistenciesOf(text: string | undefined): readonly Consistency[] {
  if (text === undefined) return ['strict', 'bounded']
  if (text !== 'strict' && text !== 'bounded')
    throw new Error(`--consistency: expected strict or bounded, got "${text}"`)
  return [text]
}
