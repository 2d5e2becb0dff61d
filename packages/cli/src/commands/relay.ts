import { parseArgs } from 'node:util'
import { errorMessage, MAX_TIMER_MS, plainLine, redact } from '@sluice/core/siblings'
import type { RedisRelay, RedisRelayStats } from '@sluice/redis'
import { type Command, colorOptions, EXIT, numberOption, type Output, UsageError } from '../command.ts'
import { loadDriver } from '../connect/load-driver.ts'
import { shownAddress } from '../connect/open-connection.ts'
import type { RelayJson } from '../report/json-output.ts'

const help = `sluice relay --region <name> --from <url> --to <url> [options]

Relays the writes of one region to the Redis of another, so that a shared cache there serves no result that is
older than the bound after a write. Runs until it is stopped. Run it near the Redis of --to; a second one for the
same regions takes over if the first one fails.

  --region <name>       name of the region whose writes are relayed, as in remoteRegions of the stores
  --from <url>          its Redis: redis://, rediss:// (SLUICE_RELAY_FROM)
  --to <url>            the Redis that receives the writes (SLUICE_RELAY_TO)
  --max-lag <ms>        the bound (1000), at least five round trips between the regions
  --namespace <name>    namespace of the stores (sluice)
  --lease <ms>          leaseMs of the stores (30000)
  --timeout <ms>        timeout of Redis calls (500)
  --interval <seconds>  print interval (60). Changes of the state are printed immediately
  --json                one JSON object per line
  --help                prints this help

Exit codes: 2 invalid arguments, 130 interrupted, 143 terminated. Failures to connect are retried.
`

const options = {
  ...colorOptions,
  region: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  'max-lag': { type: 'string' },
  namespace: { type: 'string' },
  lease: { type: 'string' },
  timeout: { type: 'string' },
  interval: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `sluice relay` */
export const relay: Command = {
  summary: "relay the writes of one region to another region's shared cache",
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false })
    const { region, namespace, json } = values
    if (region === undefined) throw new UsageError('expected --region')
    const from = redisUrl('--from', values.from ?? process.env.SLUICE_RELAY_FROM)
    const to = redisUrl('--to', values.to ?? process.env.SLUICE_RELAY_TO)
    const milliseconds = (name: 'max-lag' | 'lease' | 'timeout', otherwise: number) =>
      numberOption(`--${name}`, values[name], { least: 1, most: MAX_TIMER_MS, isInteger: true, otherwise })
    const maxLagMs = milliseconds('max-lag', 1_000)
    const everyMs =
      numberOption('--interval', values.interval, { least: 0.1, most: 3_600, otherwise: 60 }) * 1_000
    const [{ Redis }, { redisRelay }] = await Promise.all([
      loadDriver('ioredis', () => import('ioredis')),
      loadDriver('@sluice/redis', () => import('@sluice/redis')),
    ])
    const clientOf = (url: string) => new Redis(url, { lazyConnect: true })
    const report = new RelayReport(output, json === true)
    const running = redisRelay({
      region,
      from: clientOf(from),
      to: clientOf(to),
      maxLagMs,
      leaseMs: milliseconds('lease', 30_000),
      commandTimeoutMs: milliseconds('timeout', 500),
      ...(namespace === undefined ? {} : { namespace }),
      onError: (error) => report.failed(error),
    })
    output.err(
      `Relaying writes of ${plainLine(region)} from ${shownAddress(from)} to ${shownAddress(to)}, up to ${maxLagMs} ms late\n`,
    )
    await report.follow(running, everyMs)
    return EXIT.ok
  },
}

function redisUrl(name: string, url: string | undefined): string {
  if (url !== undefined && /^rediss?:\/\//.test(url) && URL.canParse(url)) return url
  const got = url === undefined ? '' : `, got "${shownAddress(url)}"`
  throw new UsageError(`${name}: expected redis://… or rediss://…${got}`)
}

/** How often the state is compared with the one printed last. */
const LOOK_MS = 100

class RelayReport {
  #isReported = false

  constructor(
    private readonly output: Output,
    private readonly isJson: boolean,
  ) {}

  /** Prints the first error of an outage. */
  failed(error: unknown): void {
    if (this.#isReported) return
    this.#isReported = true
    this.output.err(`sluice relay: ${plainLine(redact(errorMessage(error)))}. Retrying\n`)
  }

  /** Prints the state whenever it changes, and regularly. Never settles. */
  follow(running: RedisRelay, everyMs: number): Promise<never> {
    let last: boolean | undefined
    let printedAt = Number.NEGATIVE_INFINITY
    return new Promise(() => {
      setInterval(() => {
        const stats = running.getStats()
        if (stats.isFresh) this.#isReported = false
        const now = performance.now()
        if (stats.isFresh === last && now - printedAt < everyMs) return
        last = stats.isFresh
        printedAt = now
        this.output.out(`${this.isJson ? JSON.stringify(relayJson(stats)) : relayLine(stats)}\n`)
      }, LOOK_MS)
    })
  }
}

function relayJson({ isFresh, ...stats }: RedisRelayStats): RelayJson {
  return { schemaVersion: 1, at: Date.now(), state: isFresh ? 'fresh' : 'stale', ...stats }
}

function relayLine({
  isFresh,
  ageMs,
  lagP50Ms,
  lagP99Ms,
  relayed,
  resyncs,
  errors,
}: RedisRelayStats): string {
  const time = new Date().toISOString()
  const age = ageMs === undefined ? 'never confirmed' : `confirmed ${Math.round(ageMs)} ms ago`
  const lag = `lag p50 ${Math.round(lagP50Ms)} ms, p99 ${Math.round(lagP99Ms)} ms`
  return `${time} ${isFresh ? 'fresh' : 'stale'}  ${age}  ${lag}  ${relayed} tags  ${resyncs} resyncs  ${errors} errors`
}
