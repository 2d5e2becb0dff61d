import { parseArgs } from 'node:util'
import { type BenchRoute, type BenchTarget, benchRoute, benchTarget } from '../bench/bench-target.ts'
import { type BenchLimits, benchFailures, benchLimits, runBench } from '../bench/run-bench.ts'
import {
  type Command,
  colorOf,
  colorOptions,
  EXIT,
  InputError,
  numberOption,
  type Output,
  oneOf,
  separated,
  UsageError,
} from '../command.ts'
import { headersOf } from '../dashboard/dashboard-options.ts'
import { readBenchBaseline, writeBenchBaseline } from '../report/baseline.ts'
import { type BenchRun, benchMarkdown, benchReport } from '../report/bench-report.ts'
import { paintWith, usesColor } from '../report/cells.ts'
import { type BenchJson, jsonText } from '../report/json-output.ts'
import { progressOn } from './progress.ts'

const REPORTERS = ['terminal', 'json', 'markdown'] as const

const help = `sluice bench --url <url> --routes <request>... [options]

Benchmarks your routes: requests per second, latency, and queries per request.
With --compare, it alternates with a second app, such as the same app without Sluice, and reports the differences.

  --url <url>           the app: http://127.0.0.1:3000
  --routes <request>    requests such as 'GET /cities', one or more. Only GET and HEAD: each is sent many times
  --compare <url>       second app, whose responses are the expected ones
  --duration <seconds>  duration per route and side (10)
  --connections <n>     concurrent requests (10)
  --rounds <n>          number of rounds; the sides alternate (5). With fewer than 5, every difference is noise
  --warmup <seconds>    duration of the warm-up, which is not measured (1)
  --max-requests <n>    maximum number of requests per route and side (100000)
  --timeout <seconds>   timeout of a response (10)
  --header <header>     additional header, 'Name: value'. Can be repeated
  --ignore-path <path>  path in JSON that is not compared: meta.at, rows.*.seenAt. Can be repeated
  --baseline <file>     figures of an earlier run (sluice/bench.json), without --compare
  --update-baseline     writes the figures to the baseline
  --fail-on <what>      exits with code 1 for slower=<percent>, more-queries, different, errors
  --allow-remote        permits hosts other than this machine and private networks
  --reporter <name>     ${REPORTERS.join(', ')}
  --json                same as --reporter json
  --color, --no-color   forces or disables colors. Default: by NO_COLOR, FORCE_COLOR and the terminal
  --help                prints this help

Exit codes: 0 finished, 1 --fail-on matched, 2 invalid arguments, 3 cannot connect, 130 interrupted.
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
  summary: 'benchmark your routes, before and after',
  help,
  async run(args: readonly string[], output: Output): Promise<number> {
    const { values, positionals } = valuesOf(args)
    const reporter =
      values.json === true ? 'json' : oneOf('--reporter', REPORTERS, values.reporter ?? 'terminal')
    const routes = routesOf([...(values.routes ?? []), ...positionals])
    const limits = benchLimits(separated(values['fail-on']))
    checkLimits(limits, values)
    if (values.compare !== undefined && values.baseline !== undefined && values['update-baseline'] !== true)
      throw new UsageError('--baseline has no effect with --compare: omit it, or add --update-baseline')
    const how = howOf(values)
    if (values.url === undefined)
      throw new UsageError('expected --url with the URL of the app, such as http://127.0.0.1:3000')
    const target = await targetOf('--url', values.url, values, how.connections)
    const reference =
      values.compare === undefined
        ? undefined
        : await targetOf('--compare', values.compare, values, how.connections)
    const path = values.baseline ?? 'sluice/bench.json'
    const baseline =
      reference === undefined && values['update-baseline'] !== true
        ? await readBenchBaseline(path)
        : undefined
    if (
      baseline === undefined &&
      values.baseline !== undefined &&
      reference === undefined &&
      values['update-baseline'] !== true
    )
      throw new InputError(`--baseline ${path}: file not found. Create it with --update-baseline`)
    const progress = progressOn(output)
    let results: BenchRun['results']
    try {
      results = await runBench({
        target,
        reference,
        routes,
        baseline,
        ...how,
        ignoredPaths: values['ignore-path'] ?? [],
        onProgress: (text, share) => progress.update(text, share),
      })
    } finally {
      progress.end()
      for (const side of [target, reference]) side?.agent.destroy()
    }
    const run: BenchRun = {
      address: target.address,
      reference: reference?.address,
      baseline: baseline === undefined ? undefined : path,
      connections: how.connections,
      rounds: how.rounds,
      durationMs: how.durationMs,
      results,
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

function routesOf(texts: readonly string[]): BenchRoute[] {
  if (texts.length === 0)
    throw new UsageError("expected --routes with at least one request, such as 'GET /cities'")
  const routes = texts.map(benchRoute)
  const twice = routes.find(({ name }, at) => routes.findIndex((route) => route.name === name) !== at)
  if (twice !== undefined)
    throw new UsageError(`--routes: duplicate request "${twice.name}". Pass each request once`)
  return routes
}

function howOf(values: Values) {
  const connections = numberOption('--connections', values.connections, {
    least: 1,
    most: 1_000,
    isInteger: true,
    otherwise: 10,
  })
  const rounds = numberOption('--rounds', values.rounds, {
    least: 1,
    most: 100,
    isInteger: true,
    otherwise: 5,
  })
  return {
    connections,
    rounds,
    durationMs:
      numberOption('--duration', values.duration, { least: 0.1, most: 3_600, otherwise: 10 }) * 1_000,
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

/** @throws UsageError if a limit requires a comparison and there is none. */
function checkLimits(limits: BenchLimits, { compare, baseline, ...values }: Values): void {
  if (compare !== undefined) return
  if (limits.different) throw new UsageError('--fail-on different: expected --compare')
  const isCompared = baseline !== undefined && values['update-baseline'] !== true
  if ((limits.slower !== undefined || limits.moreQueries) && !isCompared)
    throw new UsageError('--fail-on slower, more-queries: expected --compare or --baseline')
}

function targetOf(option: string, url: string, values: Values, connections: number): Promise<BenchTarget> {
  return benchTarget(url, {
    option,
    connections,
    allowRemote: values['allow-remote'] === true,
    headers: headersOf(values.header ?? []),
  })
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
    return jsonText<BenchJson>({
      schemaVersion: 1,
      url: address,
      compare: reference,
      baseline,
      ...how,
      routes: results,
      failures,
    })
  }
  const paint = paintWith(usesColor(colorOf(values), output.isTerminal === true))
  return benchReport(run, { paint, width: output.columns ?? 100 })
}
