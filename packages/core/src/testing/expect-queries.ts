import { formatFinding, formatQueryGroups } from '../query/detect/format-finding.ts'
import { queryGroups } from '../query/detect/sites.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { checkWatch, type Watched, type WatchOptions, watchedSluices, watchQueries } from './watch-queries.ts'

/** A test's expectation about queries was not met. Test runners show it as they show their own. */
export class QueryAssertionError extends Error {
  override readonly name = 'AssertionError'

  constructor(
    message: string,
    /** The number that was expected: of queries, or of findings. */
    readonly expected: number,
    /** The number that came. */
    readonly actual: number,
    /** Call site of the expectation. */
    place: { readonly stack?: string },
  ) {
    super(message)
    // Made after the work was awaited, it would lead into this package alone.
    const frames = (place.stack ?? '').split('\n').slice(1)
    if (frames.length > 0) this.stack = [`AssertionError: ${message}`, ...frames].join('\n')
  }
}

/** Remembers where a function of this package was called. */
function placeOfCall(called: (...args: never[]) => unknown): { readonly stack?: string } {
  const place: { stack?: string } = {}
  Error.captureStackTrace(place, called)
  return place
}

/**
 * Expectations of a number of queries. The first method that you call runs the function; each resolves to its
 * result.
 *
 * Each rejects with a QueryAssertionError that lists the queries with their call sites and fixes, or with the
 * error of the function. If the number is right, `detection.mode` is `throw`, and the scope of the function
 * has findings, it rejects with an NPlusOneError. If the number is not an integer of at least 0, it rejects
 * with an InvalidArgumentError. It rejects with a SluiceError if no query could be counted:
 * `SLUICE_NO_CLIENT` without an instrumented client, `SLUICE_CLOSED` for a closed Sluice.
 */
export interface QueryExpectation<T> {
  /** As many, no more and no less. */
  toBe(queries: number): Promise<T>
  toBeAtMost(queries: number): Promise<T>
  toBeAtLeast(queries: number): Promise<T>
}

/**
 * Expects a number of queries from a function, in any test runner. Counts queries that reach the database in
 * the function's asynchronous context, including scopes that are opened inside, such as by middleware: SQL
 * statements if Sluice instruments the connection, otherwise ORM operations. Batched lookups and those served
 * from memory do not count.
 *
 * @param fn - Runs once, in a new scope named `test`, when the first method is called.
 * @throws InvalidArgumentError, InvalidOptionError.
 * @example
 * ```ts
 * await expectQueries(() => listCities()).toBeAtMost(3)
 * ```
 */
export function expectQueries<T>(
  fn: () => T | PromiseLike<T>,
  options: WatchOptions = {},
): QueryExpectation<T> {
  checkWatch(fn, options)
  let watching: Promise<Watched<T>> | undefined
  const check = async (
    words: string,
    expected: number,
    isMet: (queries: number) => boolean,
    place: { readonly stack?: string },
  ) => {
    if (!Number.isInteger(expected) || expected < 0)
      throw new InvalidArgumentError('queries', 'an integer of at least 0', expected)
    watching ??= watchQueries(fn, options)
    const watched = await watching
    const { queries, failure, result } = watched
    if (!isMet(queries))
      throw new QueryAssertionError(messageOf(words, expected, watched), expected, queries, place)
    if (failure !== undefined) throw failure
    return result
  }
  const expectation: QueryExpectation<T> = {
    toBe: (count) => check('', count, (queries) => queries === count, placeOfCall(expectation.toBe)),
    toBeAtMost: (count) =>
      check('at most ', count, (queries) => queries <= count, placeOfCall(expectation.toBeAtMost)),
    toBeAtLeast: (count) =>
      check('at least ', count, (queries) => queries >= count, placeOfCall(expectation.toBeAtLeast)),
  }
  return expectation
}

function messageOf(words: string, expected: number, { queries, scopes }: Watched<unknown>): string {
  const groups = queryGroups(scopes)
  const head = `expected ${words}${expected} ${expected === 1 ? 'query' : 'queries'}, got ${queries}`
  const listed = groups.reduce((total, { count }) => total + count, 0)
  // One operation of an ORM may send several statements.
  const note = listed === queries ? '' : ` (${listed} ${listed === 1 ? 'operation' : 'operations'} in scopes)`
  return groups.length === 0 ? head : `${head}${note}\n\n${formatQueryGroups(groups)}\n`
}

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
