import { InputError, UsageError } from '../command.ts'
import { ConnectError } from '../connect/open-connection.ts'
import type { BenchRoute, BenchTarget } from './bench-target.ts'
import { type BodyComparison, BodyLog, compareBodies } from './body-log.ts'
import {
  type Comparison,
  compareFigures,
  compareRounds,
  METRICS,
  type Metric,
  type SideSummary,
  summaryOf,
} from './round-statistics.ts'
import { type LoadResult, runLoad, sendRequest } from './run-load.ts'

export interface BenchOptions {
  readonly target: BenchTarget
  /** Second app, whose responses are the expected ones. */
  readonly reference: BenchTarget | undefined
  readonly routes: readonly BenchRoute[]
  readonly connections: number
  /** Per route and side, over all rounds. */
  readonly durationMs: number
  readonly warmupMs: number
  readonly rounds: number
  readonly maxRequests: number
  readonly timeoutMs: number
  readonly ignoredPaths: readonly string[]
  /** Figures of an earlier run, by route. */
  readonly baseline: ReadonlyMap<string, SideSummary> | undefined
  readonly onProgress: (text: string, share: number) => void
}

export interface RouteResult {
  readonly route: string
  readonly own: SideSummary
  /** Figures of the second app, or of the baseline. */
  readonly other?: SideSummary
  readonly comparisons: Readonly<Partial<Record<Metric, Comparison>>>
  readonly bodies?: BodyComparison
}

/**
 * Benchmarks each route, alternating between the two apps.
 *
 * @throws ConnectError if an app does not respond; InputError if a route fails before the load starts.
 */
export async function runBench(options: BenchOptions): Promise<RouteResult[]> {
  const { target, reference, routes } = options
  const sides = [target, ...(reference === undefined ? [] : [reference])]
  for (const route of routes) for (const side of sides) await tryOnce(side, route, options.timeoutMs)
  const results: RouteResult[] = []
  for (const [at, route] of routes.entries()) results.push(await benchOne(route, at, sides, options))
  return results
}

/** Requests a route once before the load, because a route that fails without load cannot be measured. */
async function tryOnce(target: BenchTarget, route: BenchRoute, timeoutMs: number): Promise<void> {
  let status: number
  try {
    status = (await sendRequest(target, route, timeoutMs)).status
  } catch (error) {
    throw new ConnectError(target.address, error)
  }
  if (status >= 300)
    throw new InputError(
      `${route.name}: expected a response with status 2xx, got ${status} from ${target.address}`,
    )
}

async function benchOne(
  route: BenchRoute,
  index: number,
  sides: readonly BenchTarget[],
  options: BenchOptions,
): Promise<RouteResult> {
  const {
    connections,
    durationMs,
    warmupMs,
    rounds,
    maxRequests,
    timeoutMs,
    ignoredPaths,
    routes,
    onProgress,
  } = options
  const logs = sides.map(() => new BodyLog(ignoredPaths))
  const results: LoadResult[][] = sides.map(() => [])
  const roundMs = durationMs / rounds
  const routeMs = warmupMs + durationMs
  const report = (what: string, doneMs: number) =>
    onProgress(`${route.name}  ${what}`, (index * routeMs + doneMs) / (routes.length * routeMs))
  const load = (side: number, ms: number, most: number) => {
    const [target, bodies] = [sides[side] as BenchTarget, logs[side] as BodyLog]
    // Responses of the warm-up are compared, too.
    return runLoad(target, route, { connections, durationMs: ms, maxRequests: most, timeoutMs, bodies })
  }
  for (const side of sides.keys()) {
    report('warming up', (warmupMs * side) / sides.length)
    if (warmupMs > 0) await load(side, warmupMs, maxRequests)
  }
  for (let round = 0; round < rounds; round += 1) {
    // The first side alternates, so that neither side always benefits from the caches that the other has
    // filled.
    const order = round % 2 === 0 ? [...sides.keys()] : [...sides.keys()].reverse()
    for (const [position, side] of order.entries()) {
      report(`round ${round + 1}/${rounds}`, warmupMs + (round + position / sides.length) * roundMs)
      results[side]?.push(await load(side, roundMs, Math.ceil(maxRequests / rounds)))
    }
  }
  // Responses to HEAD have no body.
  return resultOf(route.name, results, route.method === 'HEAD' ? [] : logs, options)
}

function resultOf(
  route: string,
  [rounds = [], others]: readonly (readonly LoadResult[])[],
  [log, reference]: readonly BodyLog[],
  { baseline }: Pick<BenchOptions, 'baseline'>,
): RouteResult {
  const own = summaryOf(rounds)
  const comparisons: Partial<Record<Metric, Comparison>> = {}
  if (others !== undefined) {
    for (const metric of METRICS) {
      const found = compareRounds(rounds, others, metric)
      if (found !== undefined) comparisons[metric] = found
    }
    const bodies = log === undefined || reference === undefined ? undefined : compareBodies(log, reference)
    return { route, own, other: summaryOf(others), comparisons, ...(bodies === undefined ? {} : { bodies }) }
  }
  const before = baseline?.get(route)
  if (before === undefined) return { route, own, comparisons }
  for (const metric of METRICS) {
    const [figure, past] = [own.figures[metric], before.figures[metric]]
    if (figure !== undefined && past !== undefined) comparisons[metric] = compareFigures(figure, past, metric)
  }
  return { route, own, other: before, comparisons }
}

/** The limits of `--fail-on`. */
export interface BenchLimits {
  /** Maximum loss of requests per second, in percent; `undefined` for no limit. */
  readonly slower: number | undefined
  readonly moreQueries: boolean
  readonly different: boolean
  readonly errors: boolean
}

/**
 * Parses `slower=10,more-queries,different,errors`.
 *
 * @throws UsageError
 */
export function benchLimits(names: readonly string[]): BenchLimits {
  let slower: number | undefined
  const flags = new Set<string>()
  for (const name of names) {
    const percent = /^slower(?:=(\d+(?:\.\d+)?)%?)?$/.exec(name)
    if (percent !== null) slower = Number(percent[1] ?? 0)
    else if (['more-queries', 'different', 'errors'].includes(name)) flags.add(name)
    else
      throw new UsageError(
        `--fail-on: expected slower=<percent>, more-queries, different, errors, got "${name}"`,
      )
  }
  return {
    slower,
    moreQueries: flags.has('more-queries'),
    different: flags.has('different'),
    errors: flags.has('errors'),
  }
}

/** The reasons why a run fails. Differences within noise do not count. */
export function benchFailures(results: readonly RouteResult[], limits: BenchLimits): string[] {
  return results.flatMap(({ route, own, comparisons, bodies }) => {
    const { requestsPerSecond, queries } = comparisons
    const lost = requestsPerSecond?.verdict === 'worse' ? (1 - requestsPerSecond.ratio.median) * 100 : 0
    return [
      ...(limits.slower !== undefined && lost > limits.slower
        ? [`${route}: ${Math.round(lost)}% slower, ${limits.slower}% allowed`]
        : []),
      ...(limits.moreQueries && queries?.verdict === 'worse' ? [`${route}: more queries per request`] : []),
      ...(limits.different && bodies?.kind === 'different'
        ? [`${route}: ${bodies.different} of ${bodies.of} responses differ`]
        : []),
      ...(limits.errors && own.errors > 0 ? [`${route}: ${own.errors} errors`] : []),
    ]
  })
}
