import { parseArgs } from 'node:util'
import { readBenchBaseline, writeBenchBaseline } from '../bench/bench-baseline.ts'
import { type BenchRoute, type BenchTarget, benchRoute, benchTarget } from '../bench/bench-target.ts'
import { type BenchLimits, benchFailures, benchLimits, runBench } from '../bench/run-bench.ts'
import { type Command, EXIT, type Output, UsageError } from '../command.ts'
import { headersOf } from '../dashboard/dashboard-options.ts'
import { type BenchRun, benchMarkdown, benchReport } from '../report/bench-report.ts'
import { type BenchJson, jsonText } from '../report/json-output.ts'
import { paintWith, wantsColor } from '../report/palette.ts'
import { colorOf, colorOptions, listOf, numberOption, oneOf } from './option-values.ts'
import { progressOn } from './progress.ts'

const REPORTERS = ['terminal', 'json', 'markdown'] as const

const help = `sluice bench --url <url> --routes <request>... [options]

Sends your own routes to your app for a while, and tells how many it answers, how fast, and with how many queries.
With --compare it does the same with a second one in turn, such as the same app without Sluice, and says what differs.

  --url <url>           the app: http://127.0.0.1:3000
  --routes <request>    'GET /cities'; more may follow. GET and HEAD alone: each is sent thousands of times
  --compare <url>       the other app. Its answers are held to be right, and those of --url are compared with them
  --duration <seconds>  how long each route is asked, on each side (10)
  --connections <n>     requests that are under way at once (10)
  --rounds <n>          in how many parts, the sides by turns (5); with fewer than 5, every difference is noise
  --warmup <seconds>    before, without counting (1)
  --max-requests <n>    no more for a route and side (100000)
  --timeout <seconds>   how long an answer may take (10)
  --header <header>     'Name: value' is sent, too. May be repeated
  --ignore-path <path>  what is not compared in JSON: meta.at, rows.*.seenAt. May be repeated
  --baseline <file>     figures of an earlier run to compare with (sluice/bench.json), where there is no --compare
  --update-baseline     writes the figures into it
  --fail-on <what>      exits with 1 at slower=<percent>, more-queries, different, errors
  --allow-remote        sends load to other hosts than this machine and private networks
  --reporter <name>     ${REPORTERS.join(', ')}
  --json                the same as --reporter json
  --color, --no-color   colours; else as NO_COLOR and the terminal have it
  --help                prints this

Exit codes: 0 done, 1 --fail-on matched, 2 wrong arguments, 3 cannot connect, 130 interrupted.
`

const options = {
  ...colorOptions,
  url: { type: 'string' },
  routes: { type: 'string', multiple: true },
  compare: { type: 'string' },
  duration: { type: 'string' },
  connections: { type: 'string' },
  rounds: { type: 'string' },
  warmup: { type: 'string' },
  'max-requests': { type: 'string' },
  timeout: { type: 'string' },
  header: { type: 'string', multiple: true },
  'ignore-path': { type: 'string', multiple: true },
  baseline: { type: 'string' },
  'update-baseline': { type: 'boolean' },
  'fail-on': { type: 'string', multiple: true },
  'allow-remote': { type: 'boolean' },
  reporter: { type: 'string' },
  json: { type: 'boolean' },
} as const

type Values = ReturnType<typeof valuesOf>['values']

/** `sluice bench` */
export const bench: Command = {
  summary: 'measure your own routes, before and after',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = valuesOf(args)
    const reporter = values.json === true ? 'json' : oneOf('--reporter', REPORTERS, values.reporter ?? 'terminal')
    const routes = routesOf([...(values.routes ?? []), ...positionals])
    const limits = benchLimits(listOf(values['fail-on']))
    checkLimits(limits, values)
    if (values.compare !== undefined && values.baseline !== undefined && values['update-baseline'] !== true)
      throw new UsageError('--baseline says nothing with --compare, but for --update-baseline')
    const how = howOf(values)
    if (values.url === undefined) throw new UsageError('expected --url with the address of the app, such as http://127.0.0.1:3000')
    const target = await targetOf('--url', values.url, values, how.connections)
    const reference = values.compare === undefined ? undefined : await targetOf('--compare', values.compare, values, how.connections)
    const path = values.baseline ?? 'sluice/bench.json'
    const baseline = reference === undefined && values['update-baseline'] !== true ? await readBenchBaseline(path) : undefined
    if (baseline === undefined && values.baseline !== undefined && reference === undefined && values['update-baseline'] !== true)
      throw new UsageError(`--baseline ${path}: there is no such file; --update-baseline writes it`)
    const progress = progressOn(output)
    let results: BenchRun['results']
    try {
      results = await runBench({
        ...{ target, reference, routes, baseline, ...how },
        ignoredPaths: values['ignore-path'] ?? [],
        onProgress: (text, share) => progress.say(text, share),
      })
    } finally {
      progress.end()
      for (const side of [target, reference]) side?.agent.destroy()
    }
    const run: BenchRun = {
      address: target.address,
      reference: reference?.address,
      baseline: baseline === undefined ? undefined : path,
      ...{ connections: how.connections, rounds: how.rounds, durationMs: how.durationMs, results },
    }
    const failures = benchFailures(results, limits)
    output.out(reportOf(run, reporter, failures, values, output))
    if (values['update-baseline'] === true) {
      await writeBenchBaseline(path, results)
      output.err(`wrote ${path}\n`)
    }
    for (const failure of failures) output.err(`fail: ${failure}\n`)
    return failures.length > 0 ? EXIT.failed : EXIT.ok
  },
}

function valuesOf(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true })
}

function routesOf(given: readonly string[]): BenchRoute[] {
  if (given.length === 0) throw new UsageError("expected --routes with at least one request, such as 'GET /cities'")
  const routes = given.map(benchRoute)
  const twice = routes.find(({ name }, at) => routes.findIndex((route) => route.name === name) !== at)
  if (twice !== undefined) throw new UsageError(`--routes: expected each once, got "${twice.name}" twice`)
  return routes
}

function howOf(values: Values) {
  const connections = numberOption('--connections', values.connections, { least: 1, most: 1_000, isInteger: true, otherwise: 10 })
  const rounds = numberOption('--rounds', values.rounds, { least: 1, most: 100, isInteger: true, otherwise: 5 })
  return {
    connections,
    rounds,
    durationMs: numberOption('--duration', values.duration, { least: 0.1, most: 3_600, otherwise: 10 }) * 1_000,
    warmupMs: numberOption('--warmup', values.warmup, { least: 0, most: 600, otherwise: 1 }) * 1_000,
    maxRequests: numberOption('--max-requests', values['max-requests'], {
      least: rounds,
      most: 100_000_000,
      isInteger: true,
      otherwise: 100_000,
    }),
    timeoutMs: numberOption('--timeout', values.timeout, { least: 0.1, most: 600, otherwise: 10 }) * 1_000,
  }
}

/** What nothing is compared with cannot be slower. */
function checkLimits(limits: BenchLimits, { compare, baseline, ...values }: Values): void {
  if (compare !== undefined) return
  if (limits.different) throw new UsageError('--fail-on different: expected --compare')
  const isCompared = baseline !== undefined && values['update-baseline'] !== true
  if ((limits.slower !== undefined || limits.moreQueries) && !isCompared)
    throw new UsageError('--fail-on slower, more-queries: expected --compare or --baseline')
}

function targetOf(option: string, url: string, values: Values, connections: number): Promise<BenchTarget> {
  return benchTarget(url, { option, connections, allowRemote: values['allow-remote'] === true, headers: headersOf(values.header ?? []) })
}

function reportOf(
  run: BenchRun,
  reporter: (typeof REPORTERS)[number],
  failures: readonly string[],
  values: Values,
  output: Output,
): string {
  if (reporter === 'markdown') return benchMarkdown(run)
  if (reporter === 'json') {
    const { address, reference, baseline, connections, rounds, durationMs, results } = run
    const how = { connections, rounds, durationSeconds: durationMs / 1_000, node: process.versions.node }
    return jsonText<BenchJson>({ schemaVersion: 1, url: address, compare: reference, baseline, ...how, routes: results, failures })
  }
  const paint = paintWith(wantsColor(colorOf(values), output.isTerminal === true))
  return benchReport(run, { paint, width: output.columns ?? 100 })
}
