import { causeOf } from '../detect/finding-id.ts'
import { compareFindings, impactOf, severityOf, sumOfImpacts } from '../detect/severity.ts'
import type { NPlusOnePattern, RouteFinding } from './n-plus-one-log.ts'

/**
 * Combines findings with the same cause: a helper with a loop is one finding, even if many routes call it.
 *
 * @returns The findings in the order of `compareFindings`, and so are their routes.
 */
export function groupByCause(findings: readonly RouteFinding[]): NPlusOnePattern[] {
  const causes = new Map<string, RouteFinding[]>()
  for (const finding of findings) {
    const cause = causeOf(finding)
    const same = causes.get(cause)
    if (same === undefined) causes.set(cause, [finding])
    else same.push(finding)
  }
  return [...causes.values()].map(combined).sort(compareFindings)
}

function combined(findings: readonly RouteFinding[]): NPlusOnePattern {
  const sorted = findings.toSorted(compareFindings)
  const [worst] = sorted as [RouteFinding, ...RouteFinding[]]
  const routes = sorted.map(({ scope, count, queries, queriesPossible, occurrences, impact }) => ({
    scope,
    count,
    queries,
    queriesPossible,
    occurrences,
    impact,
  }))
  if (routes.length === 1) return { ...worst, routes }
  const impact = impactOf(sumOfImpacts(routes.map((route) => route.impact)))
  return { ...worst, occurrences: impact.occurrences, severity: severityOf(impact), impact, routes }
}
