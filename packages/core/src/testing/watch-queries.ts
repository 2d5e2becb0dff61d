import type { Scope } from '../pipeline/scope.ts'
import { NPlusOneError } from '../query/detect/n-plus-one-error.ts'
import { InvalidArgumentError } from '../shared/errors.ts'
import { checkOptions, option } from '../shared/options.ts'
import { hostOf } from '../sluice/adapter-host.ts'
import { getDefaultSluice } from '../sluice/default-sluice.ts'
import type { Sluice } from '../sluice/sluice.ts'

export interface WatchOptions {
  /**
   * The Sluice whose queries count.
   * @defaultValue the process-wide default
   */
  readonly sluice?: Sluice
  /**
   * Counts every query that the Sluice sees meanwhile, wherever it comes from: for requests to a server in
   * the same process, which lose track of who sent them. Tests that run at the same time disturb each other
   * then.
   * @defaultValue false
   */
  readonly everything?: boolean
}

/** The queries of a function. */
export interface Watched<T> {
  readonly result: T
  readonly queries: number
  /** The scope around the function, and those that were opened inside. */
  readonly scopes: readonly Scope[]
  /** The error of the function's scope, if `detection.mode` is `throw`. */
  readonly failure: NPlusOneError | undefined
}

/** @throws InvalidArgumentError, InvalidOptionError for an invalid function or option. */
export function checkWatch(fn: unknown, options: WatchOptions): void {
  if (typeof fn !== 'function') throw new InvalidArgumentError('fn', 'a function', fn)
  checkOptions(options, { sluice: option.object, everything: option.boolean })
}

/** Runs a function in a new scope and records its queries, and those of scopes that are opened inside. */
export async function watchQueries<T>(
  fn: () => T | PromiseLike<T>,
  options: WatchOptions,
): Promise<Watched<T>> {
  const { sluice = getDefaultSluice(), everything = false } = options
  const { scopes, stats } = hostOf(sluice)
  const handle = sluice.openScope('test')
  const watched = new Set<Scope>()
  const add = (scope: Scope) => {
    scope.tracesFirst = true
    watched.add(scope)
  }
  const around = handle.enter(() => scopes.current())
  if (around !== undefined) add(around)
  const stop = scopes.watch((scope, parent) => {
    if (everything || (parent !== undefined && watched.has(parent))) add(scope)
  })
  const before = stats.statements
  let result: T
  let failure: NPlusOneError | undefined
  let queries: number
  try {
    result = await handle.enter(async () => await fn())
  } finally {
    stop()
    queries = everything ? stats.statements - before : sum([...watched].map(({ counts }) => counts.queries))
    failure = failureOf(() => handle.end())
  }
  return { result, queries, scopes: [...watched], failure }
}

function failureOf(end: () => unknown): NPlusOneError | undefined {
  try {
    end()
    return undefined
  } catch (error) {
    if (error instanceof NPlusOneError) return error
    throw error
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
