import type { SuiteResult } from './run-suite.ts'

/**
 * @param internal - Tests of what only the ORM itself sends, which fail by design.
 * @returns A line for each test that passes without Sluice and does not pass with it.
 */
export function compare(
  bare: SuiteResult,
  sluiced: SuiteResult,
  internal: ReadonlySet<string> = new Set(),
): string[] {
  if (sluiced.hung && !bare.hung) return [`The process did not end: ${sluiced.log}`]
  if (bare.outcomes === undefined) return [`No report without Sluice: ${bare.log}`]
  const { outcomes, counters } = sluiced
  if (outcomes === undefined) return [`No report: ${sluiced.log}`]
  const lines: string[] = []
  for (const [test, error] of outcomes.failed)
    if (!bare.outcomes.failed.has(test) && !internal.has(test))
      lines.push(`FAILED  ${test}: ${error.split('\n', 1)[0]}`)
  for (const test of bare.outcomes.passed)
    if (!outcomes.passed.has(test) && !outcomes.failed.has(test)) lines.push(`NOT RUN ${test}`)
  if (counters.statements === 0) lines.push('Sluice has seen no statement.')
  const { shadowDifferences = 0 } = counters
  if (shadowDifferences > 0) lines.push(`${shadowDifferences} differences in shadow mode.`)
  return lines
}
