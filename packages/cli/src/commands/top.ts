import { parseArgs } from 'node:util'
import { type Command, colorOf, colorOptions, EXIT, numberOption, type Output, oneOf } from '../command.ts'
import { dashboardHelp, dashboardOf, dashboardOptions } from '../dashboard/dashboard-options.ts'
import { followDashboard } from '../dashboard/follow-dashboard.ts'
import { paintWith, usesColor } from '../report/cells.ts'
import { topScreen } from '../top/top-screen.ts'
import { SORTS, TopState } from '../top/top-state.ts'
import { topText } from '../top/top-text.ts'
import { type Progress, progressOn } from './progress.ts'

const help = `sluice top --url <url> [options]

Shows the queries of a running app in real time, by route, from the stream of its dashboard.
On a terminal it uses the full screen: q quits, s sorts, p pauses, / filters, Enter shows the findings of a
route, ? shows all keys.

${dashboardHelp}
  --once                prints one table and exits
  --seconds <n>         how long --once measures (2), or up to 5 times as long while there are no requests
  --interval <seconds>  print interval without a terminal (5), or with --json (1)
  --sort <name>         ${SORTS.join(', ')}
  --filter <text>       routes whose name contains this string
  --slow <ms>           p99 from which a route has the flag SLOW (500)
  --json                one JSON object per line and second; with --once, one object
  --color, --no-color   forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                prints this help

Exit codes: 0 finished, 2 invalid arguments, 3 cannot connect or access denied, 130 interrupted.
`

const options = {
  ...dashboardOptions,
  ...colorOptions,
  once: { type: 'boolean' },
  seconds: { type: 'string' },
  interval: { type: 'string' },
  sort: { type: 'string' },
  filter: { type: 'string' },
  slow: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `sluice top` */
export const top: Command = {
  summary: 'show the queries of a running app in real time',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false })
    const isJson = values.json === true
    const isOnce = values.once === true
    const sort = oneOf('--sort', SORTS, values.sort ?? 'cost')
    const slowMs = numberOption('--slow', values.slow, { least: 0, most: 3_600_000, otherwise: 500 })
    const onceMs =
      numberOption('--seconds', values.seconds, { least: 0.1, most: 3_600, otherwise: 2 }) * 1_000
    const everyMs =
      numberOption('--interval', values.interval, { least: 0.2, most: 3_600, otherwise: isJson ? 1 : 5 }) *
      1_000
    const client = dashboardOf(values)
    const abort = new AbortController()
    const stop = () => abort.abort()
    const progress = progressOn(output)
    const measuring = isOnce ? `Measuring ${client.address} for ${onceMs / 1_000} s` : undefined
    const events = reported(followDashboard(client, { signal: abort.signal }), progress, measuring)
    progress.update(`Connecting to ${client.address}`)
    const paint = paintWith(usesColor(colorOf(values), output.isTerminal === true))
    const shown = { paint, sort, slowMs, filter: values.filter ?? '' }
    try {
      const terminal = isJson || isOnce ? undefined : output.screen?.()
      if (terminal !== undefined) {
        const state = new TopState(sort)
        state.filter = shown.filter
        return await topScreen({ client, events, terminal, state, paint, slowMs, stop })
      }
      const width = output.columns ?? 100
      await topText({
        ...shown,
        width,
        events,
        output: {
          ...output,
          out(text) {
            progress.end()
            output.out(text)
          },
          err(text) {
            progress.end()
            output.err(text)
          },
        },
        asJson: isJson,
        onceAfterMs: isOnce ? onceMs : undefined,
        everyMs,
        stop,
      })
      return EXIT.ok
    } finally {
      stop()
      progress.end()
    }
  },
}

/** Replaces the progress of the connection when the first event arrives. */
async function* reported<T>(
  events: AsyncIterable<T>,
  progress: Progress,
  next: string | undefined,
): AsyncGenerator<T> {
  let isFirst = true
  for await (const event of events) {
    if (isFirst) {
      progress.end()
      if (next !== undefined) progress.update(next)
    }
    isFirst = false
    yield event
  }
}
