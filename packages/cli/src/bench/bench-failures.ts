import { UsageError } from '../usage-error.ts'
import type { RouteResult } from './run-bench.ts'

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
