import { UsageError } from '../command.ts'
import { ConnectError } from '../connect/own-connection.ts'
import type { BenchRoute, BenchTarget } from './bench-target.ts'
import { type BodyComparison, BodyLog, compareBodies } from './body-log.ts'
import { type Comparison, compareFigures, compareRounds, METRICS, type Metric, type SideSummary, summaryOf } from './round-statistics.ts'
import { type LoadResult, runLoad } from './run-load.ts'
import { sendRequest } from './send-request.ts'

export interface BenchOptions {
  readonly target: BenchTarget
  /** The same app otherwise: what it answers is held to be right. */
  readonly reference: BenchTarget | undefined
  readonly routes: readonly BenchRoute[]
  readonly connections: number
  /** Of each route and side, over all rounds. */
  readonly durationMs: number
  readonly warmupMs: number
  readonly rounds: number
  readonly maxRequests: number
  readonly timeoutMs: number
  readonly ignoredPaths: readonly string[]
  /** Of another day, by route. */
  readonly baseline: ReadonlyMap<string, SideSummary> | undefined
  readonly onProgress: (text: string, share: number) => void
}

export interface RouteResult {
  readonly route: string
  readonly own: SideSummary
  /** Of the other app, or of the baseline. */
  readonly other?: SideSummary
  readonly comparisons: Readonly<Partial<Record<Metric, Comparison>>>
  readonly bodies?: BodyComparison
}

/**
 * Sends each route to the app, and in turn to the other one.
 *
 * @throws ConnectError where one does not answer; UsageError where a route is refused before there is any load.
 */
export async function runBench(options: BenchOptions): Promise<RouteResult[]> {
  const { target, reference, routes } = options
  const sides = [target, ...(reference === undefined ? [] : [reference])]
  for (const route of routes) for (const side of sides) await tryOnce(side, route, options.timeoutMs)
  const results: RouteResult[] = []
  for (const [at, route] of routes.entries()) results.push(await benchOne(route, at, sides, options))
  return results
}

/** What fails without load is no matter of load. */
async function tryOnce(target: BenchTarget, route: BenchRoute, timeoutMs: number): Promise<void> {
  let status: number
  try {
    status = (await sendRequest(target, route, timeoutMs)).status
  } catch (error) {
    throw new ConnectError(target.address, error)
  }
  if (status >= 300) throw new UsageError(`${route.name}: expected an answer of 2xx, got ${status} from ${target.address}`)
}

async function benchOne(route: BenchRoute, index: number, sides: readonly BenchTarget[], options: BenchOptions): Promise<RouteResult> {
  const { connections, durationMs, warmupMs, rounds, maxRequests, timeoutMs, ignoredPaths, routes, onProgress } = options
  const logs = sides.map(() => new BodyLog(ignoredPaths))
  const results: LoadResult[][] = sides.map(() => [])
  const roundMs = durationMs / rounds
  const routeMs = warmupMs + durationMs
  const tell = (what: string, doneMs: number) =>
    onProgress(`${route.name}  ${what}`, (index * routeMs + doneMs) / (routes.length * routeMs))
  const load = (side: number, ms: number, most: number) => {
    const [target, bodies] = [sides[side] as BenchTarget, logs[side] as BodyLog]
    // What is answered while it warms up is to be right as well.
    return runLoad(target, route, { connections, durationMs: ms, maxRequests: most, timeoutMs, bodies })
  }
  for (const side of sides.keys()) {
    tell('warming up', (warmupMs * side) / sides.length)
    if (warmupMs > 0) await load(side, warmupMs, maxRequests)
  }
  for (let round = 0; round < rounds; round += 1) {
    // Who is first alternates: neither always finds what the other has left.
    const order = round % 2 === 0 ? [...sides.keys()] : [...sides.keys()].reverse()
    for (const [turn, side] of order.entries()) {
      tell(`round ${round + 1}/${rounds}`, warmupMs + (round + turn / sides.length) * roundMs)
      results[side]?.push(await load(side, roundMs, Math.ceil(maxRequests / rounds)))
    }
  }
  // An answer to HEAD has no body.
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

/** What `--fail-on` names. */
export interface BenchLimits {
  /** Percent of requests a second that may be lost; `undefined`: any. */
  readonly slower: number | undefined
  readonly moreQueries: boolean
  readonly different: boolean
  readonly errors: boolean
}

/** `slower=10,more-queries,different,errors`. @throws UsageError */
export function benchLimits(names: readonly string[]): BenchLimits {
  let slower: number | undefined
  const flags = new Set<string>()
  for (const name of names) {
    const percent = /^slower(?:=(\d+(?:\.\d+)?)%?)?$/.exec(name)
    if (percent !== null) slower = Number(percent[1] ?? 0)
    else if (['more-queries', 'different', 'errors'].includes(name)) flags.add(name)
    else throw new UsageError(`--fail-on: expected slower=<percent>, more-queries, different, errors, got "${name}"`)
  }
  return { slower, moreQueries: flags.has('more-queries'), different: flags.has('different'), errors: flags.has('errors') }
}

/** Why a run fails, each a line; what is within noise is no reason. */
export function benchFailures(results: readonly RouteResult[], limits: BenchLimits): string[] {
  return results.flatMap(({ route, own, comparisons, bodies }) => {
    const { requestsPerSecond, queries } = comparisons
    const lost = requestsPerSecond?.verdict === 'worse' ? (1 - requestsPerSecond.ratio.median) * 100 : 0
    return [
      ...(limits.slower !== undefined && lost > limits.slower ? [`${route}: ${Math.round(lost)}% slower, ${limits.slower}% allowed`] : []),
      ...(limits.moreQueries && queries?.verdict === 'worse' ? [`${route}: more queries a request`] : []),
      ...(limits.different && bodies?.kind === 'different' ? [`${route}: ${bodies.different} of ${bodies.of} answers differ`] : []),
      ...(limits.errors && own.errors > 0 ? [`${route}: ${own.errors} errors`] : []),
    ]
  })
}
