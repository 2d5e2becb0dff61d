import { formatFinding } from '../query/detect/format-finding.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { placeOfCall, QueryAssertionError } from './expect-queries.ts'
import { checkWatch, type WatchOptions, watchedSluices, watchQueries } from './watch-queries.ts'

/**
 * Expects that a function has neither N+1 queries nor duplicate queries, in its asynchronous context and in
 * scopes that are opened inside. Uses the Sluice's thresholds and `detection.ignore`. Queries outside scopes
 * are not checked, even with `everything`.
 *
 * @param fn - Runs in a new scope named `test`.
 * @returns The result of the function.
 * @throws QueryAssertionError with the findings; the error of the function; InvalidArgumentError if detection
 * is off; SluiceError `SLUICE_NO_CLIENT` without an instrumented client, `SLUICE_CLOSED` for a closed Sluice.
 * @example
 * ```ts
 * await expectNoNPlusOne(() => listCities())
 * ```
 */
export async function expectNoNPlusOne<T>(
  fn: () => T | PromiseLike<T>,
  options: WatchOptions = {},
): Promise<T> {
  const place = placeOfCall(expectNoNPlusOne)
  checkWatch(fn, options)
  const { sluice } = options
  if (!watchedSluices(sluice).some(({ isDetecting }) => isDetecting))
    throw new InvalidArgumentError('sluice', 'a Sluice whose detection is on', sluice)
  const watched = await watchQueries(fn, options)
  const findings = watched.findings.filter(({ code }) => code !== 'QUERY_BUDGET')
  if (findings.length === 0) return watched.result
  const message = `expected no N+1 and no duplicate queries\n\n${findings.map((finding) => formatFinding(finding)).join('\n')}\n`
  throw new QueryAssertionError(message, 0, findings.length, place)
}
